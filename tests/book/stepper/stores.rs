//! Two visits of one browser, a login and the next page, whose session is in a store: recorded, as all
//! steppers are, from what really happens.
//!
//! Here are the memory and the files, which are always there. `tests/stores/played.rs` has the others,
//! and starts their servers. What is random in a recording, or is another one in the next run, has a
//! stand-in of the same length.

use serde_json::Value;

use super::fragment;
use crate::expect::expect_file;
use crate::lifecycle::options::Options;
use crate::lifecycle::{report, visits};
use crate::moments;

/// The tutorial's login, and the page after it.
const VISITS: &[usize] = &[0, 1];

/// Makes the visits, and compares what is played with `book/src/generated/stepper/<name>.html`.
#[track_caller]
pub(crate) fn expect_played(name: &str, title: &str, url: &str) {
    let options = Options {
        store: Some(url.to_owned()),
        ..Options::default()
    };
    let mut visits = visits::all(&options).unwrap();
    let recorded = visits.by_ref().take(VISITS.len());
    let document = with_stand_ins(&report::document(recorded));
    let file = format!("lifecycle/{}", options.app.file);
    let data = moments::of(&document, VISITS, title, &file);
    let file = format!("book/src/generated/stepper/{name}.html");
    expect_file(&file, &fragment::fragment(name, &data));
}

/// The document with the same id each time, and at the same time.
fn with_stand_ins(document: &Value) -> Value {
    let steps = document["visits"][0]["steps"].as_array().unwrap();
    let mut cookies = steps.iter().filter_map(|step| step["cookies"].get(0));
    let id = cookies.next().unwrap()["value"].as_str().unwrap();
    let stand_in = format!("{:-<width$}", "the-first-id", width = id.len());
    let json = document.to_string().replace(id, &stand_in);
    let mut document: Value = serde_json::from_str(&json).unwrap();
    // Memcached is told by the machine's clock, not by the app's, when it is to drop the session.
    let visits = document["visits"].as_array_mut().unwrap();
    for (visit, expires) in visits.iter_mut().zip(["1702678400", "1702678460"]) {
        for step in visit["steps"].as_array_mut().unwrap() {
            for key in ["name", "label"] {
                if let Some((command, _)) = step[key].as_str().unwrap().rsplit_once(", expires ") {
                    step[key] = format!("{command}, expires {expires}").into();
                }
            }
        }
    }
    document
}
