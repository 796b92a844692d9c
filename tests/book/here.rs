//! The trace that a chapter opens with: the whole request folded up, but for the chapter's own stage.

use carafe::trace::{Kind, Trace};

use crate::lifecycle::options::{Options, Request};
use crate::lifecycle::visits;

/// Where in a request a chapter is.
pub(crate) struct Place {
    /// The chapter's file, without `.md`.
    pub(crate) chapter: &'static str,
    /// The visits of the lifecycle example that lead there; the last one is shown.
    requests: &'static [&'static str],
    /// The labels of the steps that the chapter is about.
    stages: &'static [&'static str],
}

const LOGIN: &str = "POST /login username=jack";
const FIRST: &[&str] = &[LOGIN];
const SECOND: &[&str] = &[LOGIN, "GET /"];
const FAILING: &[&str] = &[LOGIN, "GET /fail"];

const fn place(
    chapter: &'static str,
    requests: &'static [&'static str],
    stages: &'static [&'static str],
) -> Place {
    Place {
        chapter,
        requests,
        stages,
    }
}

/// The chapters that have a place in a request, in the order of the book.
pub(crate) const PLACES: &[Place] = &[
    place("wsgi", SECOND, &["Flask.request_context"]),
    place("contexts", SECOND, &["AppContext.push", "AppContext.pop"]),
    place(
        "proxies",
        SECOND,
        &["before_request load_user", "view index"],
    ),
    place("push", SECOND, &["RequestContext.push"]),
    place("open_session", SECOND, &["open_session"]),
    place("signing", SECOND, &["open_session"]),
    place(
        "before",
        FIRST,
        &[
            "Flask.try_trigger_before_first_request_functions",
            "Flask.preprocess_request",
        ],
    ),
    place("dispatch", SECOND, &["Flask.dispatch_request"]),
    place("make_response", SECOND, &["Flask.make_response"]),
    place(
        "errors",
        FAILING,
        &["Flask.handle_user_exception", "Flask.handle_exception"],
    ),
    place(
        "after",
        FIRST,
        &["after_this_request <lambda>", "after_request add_header"],
    ),
    place("save_session", FIRST, &["save_session"]),
    place(
        "teardown",
        FAILING,
        &["Flask.do_teardown_request", "Flask.do_teardown_appcontext"],
    ),
    place(
        "signals",
        SECOND,
        &[
            "appcontext_pushed",
            "request_started",
            "request_finished",
            "request_tearing_down",
            "appcontext_tearing_down",
            "appcontext_popped",
        ],
    ),
    place(
        "blueprints",
        FIRST,
        &[
            "Flask.preprocess_request",
            "Flask.process_response",
            "Flask.do_teardown_request",
        ],
    ),
    place("streaming", SECOND, &["RequestContext.auto_pop"]),
    place("threads", SECOND, &["view index"]),
    place("sharing", FIRST, &["open_session", "save_session"]),
    place(
        "session_interface",
        FIRST,
        &["open_session", "save_session"],
    ),
];

impl Place {
    /// The steps as an indented list. Those around the chapter's own are folded: ` ...` stands for what
    /// is inside of them.
    pub(crate) fn outline(&self) -> String {
        let trace = self.trace();
        let steps = trace.steps();
        let marked: Vec<usize> = (0..steps.len())
            .filter(|index| self.stages.contains(&steps[*index].label().as_str()))
            .collect();
        for stage in self.stages {
            assert!(
                marked.iter().any(|index| steps[*index].label() == *stage),
                "{}: the request has no {stage}",
                self.chapter
            );
        }
        let leads_there = |index: usize| {
            let inside = index..steps[index].end;
            marked.iter().any(|mark| inside.contains(mark))
        };
        let mut lines = Vec::new();
        let mut index = 0;
        while let Some(step) = steps.get(index) {
            let unfolded = leads_there(index)
                || marked
                    .iter()
                    .any(|mark| (*mark..steps[*mark].end).contains(&index));
            if matches!(step.kind, Kind::Stage | Kind::Hook | Kind::Signal) {
                let pointer = if marked.contains(&index) { "=>" } else { "  " };
                let signal = if step.kind == Kind::Signal {
                    "signal "
                } else {
                    ""
                };
                let folded = !unfolded && step.end > index + 1;
                let dots = if folded { " ..." } else { "" };
                let raises = if step.error.is_some() { " ✗" } else { "" };
                let indent = "  ".repeat(step.depth);
                lines.push(format!(
                    "{pointer} {indent}{signal}{}{raises}{dots}",
                    step.label()
                ));
            }
            index = if unfolded { index + 1 } else { step.end };
        }
        lines.join("\n")
    }

    fn trace(&self) -> Trace {
        let requests = self
            .requests
            .iter()
            .map(|text| Request::parse(text).unwrap());
        let options = Options {
            requests: requests.collect(),
            ..Options::default()
        };
        visits::all(&options).unwrap().last().unwrap().trace
    }
}
