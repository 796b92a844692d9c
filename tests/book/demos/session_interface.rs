//! For the chapter on writing a session interface: what the checks say of each store.

use super::Output;
use crate::memory_sessions::{STORES, suite};

pub(crate) const OUTPUTS: &[Output] = &[
    ("session_interface/visits", visits),
    ("session_interface/table", || suite::table(STORES)),
    ("session_interface/naive", || suite::complaints(&STORES[0])),
    ("session_interface/cookie", || suite::complaints(&STORES[2])),
];

// ANCHOR: visits
fn visits() -> String {
    let (app, _clock) = suite::app(&STORES[0]).unwrap();
    let (mut one, mut other) = (app.test_client(), app.test_client());
    one.get("/set/color/red").send().unwrap();
    other.get("/set/color/blue").send().unwrap();
    let lines = [one, other].map(|mut client| {
        let color = client.get("/get/color").send().unwrap().text();
        let cookie = client.get_cookie("session").unwrap();
        format!("session={cookie} is {color}")
    });
    lines.join("\n")
}
// ANCHOR_END: visits
