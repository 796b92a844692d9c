//! For the chapter on after functions.

use carafe::{App, Response, Scaffold, after_this_request, trace};

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[("after/order", order)];

// ANCHOR: order
fn first(_response: &mut Response) {}
fn second(_response: &mut Response) {}
fn asked_for(_response: &mut Response) {}

fn order() -> String {
    let mut app = App::new("demo");
    app.after_request(first);
    app.after_request(second);
    app.route("/", || {
        after_this_request(asked_for);
        "hello"
    });
    let (_, trace) = trace::record(|| app.test_client().get("/").send());
    trace.hooks().join("\n")
}
// ANCHOR_END: order
