//! For the first chapter: visits of the lifecycle example, as it prints them.

use carafe::trace::Trace;

use super::Output;
use crate::lifecycle::options::{Options, Request};
use crate::lifecycle::visits;

pub(crate) const OUTPUTS: &[Output] = &[
    ("start/second_visit", second_visit),
    ("start/failing_visit", failing_visit),
];

// ANCHOR: trace_of_the_last
fn trace_of_the_last(requests: &[&str]) -> Trace {
    let requests = requests.iter().map(|text| Request::parse(text).unwrap());
    let options = Options {
        requests: requests.collect(),
        ..Options::default()
    };
    visits::all(&options).unwrap().last().unwrap().trace
}
// ANCHOR_END: trace_of_the_last

fn second_visit() -> String {
    trace_of_the_last(&["POST /login username=jack", "GET /"])
        .tree()
        .to_string()
}

/// From the view to the function that answers in its place.
fn failing_visit() -> String {
    let tree = trace_of_the_last(&["POST /login username=jack", "GET /fail"])
        .tree()
        .to_string();
    let stage = |name: &'static str| move |line: &&str| !line.contains(name);
    let lines = tree.lines().skip_while(stage("Flask.dispatch_request"));
    let lines: Vec<_> = lines.take_while(stage("Flask.finalize_request")).collect();
    lines.join("\n")
}
