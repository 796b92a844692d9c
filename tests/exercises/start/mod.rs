//! The exercise of the first chapter.
//!
//! Somebody asks the tutorial app for a page that it does not have: `GET /nope`. Say what happens, first
//! by guessing, then by reading the trace of it.

mod solution;
// The chapter is called start, and so is the file where each exercise begins.
#[allow(clippy::module_inception)]
mod start;
#[path = "../../../examples/lifecycle/tutorial.rs"]
mod tutorial;

use carafe::trace::{self, Kind};

use crate::harness::fails;

// ANCHOR: answers
/// What the trace of `GET /nope` shows.
pub(crate) struct Answers {
    /// How many functions of the app run.
    pub(crate) functions: usize,
    /// The function of Flask's that is marked with ✗, as in `Flask.wsgi_app`.
    pub(crate) raised_in: &'static str,
    /// The function of the app's that runs while column A has a bar and column R has none any more,
    /// as in `view index`.
    pub(crate) without_a_request: &'static str,
}
// ANCHOR_END: answers

// ANCHOR: check
fn check(answers: &Answers) {
    let app = tutorial::create_app();
    let (_, trace) = trace::record(|| app.test_client().get("/nope").send());

    assert!(
        answers.functions == trace.hooks().len(),
        "{} functions of the app: count the lines that name a kind and a function, such as `view index`",
        answers.functions
    );
    let mut stages = trace.iter().filter(|step| step.kind == Kind::Stage);
    let raised = stages.any(|step| step.name == answers.raised_in && step.error.is_some());
    assert!(raised, "{} is not marked with ✗", answers.raised_in);

    let function = trace.find(answers.without_a_request);
    let depths = function
        .filter(|step| step.kind == Kind::Hook)
        .map(|step| step.before.depths());
    assert!(
        depths == Some((1, 0)),
        "{} is not a function of the app with a bar in column A and none in column R",
        answers.without_a_request
    );
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(&solution::answers());
}

#[test]
fn the_start_fails() {
    fails("start", || check(&start::answers()));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(&start::answers());
}
