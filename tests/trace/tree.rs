//! A trace, printed: as a tree, as a diagram, as JSON.

use carafe::App;
use carafe::trace::{Trace, record};
use serde_json::Value;

use super::common::app;

fn visit(app: &App, path: &str) -> Trace {
    record(|| app.test_client().get(path).send().unwrap()).1
}

/// The lines of the tree without the bars of the stacks, the branches and the file at the right.
fn lines(trace: &Trace) -> Vec<String> {
    let text = trace.tree().width(160).to_string();
    let bare = |line: &str| {
        let line: String = line.chars().skip(5).collect();
        let line = line.trim_start_matches(['│', '├', '└', '─', ' ']);
        line.split("  ").next().unwrap_or(line).to_owned()
    };
    text.lines().skip(1).map(bare).collect()
}

#[test]
fn the_tree_tells_what_happens_where_it_happens() {
    assert_eq!(
        lines(&visit(&app(), "/login")),
        [
            "Flask.wsgi_app",
            "Flask.request_context",
            "RequestContext.__init__",
            "Flask.create_url_adapter",
            "RequestContext.push",
            "Flask.app_context",
            "AppContext.__init__",
            "Flask.create_url_adapter",
            "AppContext.push",
            "· pushes app context shop",
            "signal appcontext_pushed",
            "· pushes request context GET /login",
            "open_session",
            "· no session cookie came",
            "· new session: {}",
            "RequestContext.match_request",
            "· rule /login, endpoint login",
            "Flask.full_dispatch_request",
            "Flask.try_trigger_before_first_request_functions",
            "signal request_started",
            "Flask.preprocess_request",
            "before_request load_user",
            "· g holds user",
            "Flask.dispatch_request",
            "view login",
            "· session holds {\"username\":\"jack\"}, modified",
            "Flask.finalize_request",
            "Flask.make_response",
            "Flask.process_response",
            "after_request add_header",
            "save_session",
            "· sets a cookie signed 2023-11-14 22:13:20 UTC",
            "signal request_finished",
            "Flask.should_ignore_error",
            "RequestContext.auto_pop",
            "RequestContext.pop",
            "Flask.do_teardown_request",
            "teardown_request close",
            "signal request_tearing_down",
            "· pops request context GET /login",
            "AppContext.pop",
            "Flask.do_teardown_appcontext",
            "signal appcontext_tearing_down",
            "· pops app context shop",
            "signal appcontext_popped",
        ]
    );
}

#[test]
fn an_error_is_told_once_where_it_began_and_marked_on_its_way() {
    let lines = lines(&visit(&app(), "/fail"));
    let from = lines
        .iter()
        .position(|line| line == "Flask.dispatch_request ✗");
    assert_eq!(
        lines[from.unwrap()..][..8],
        [
            "Flask.dispatch_request ✗",
            "view fail ✗",
            "✗ raised ValueError: no such cart",
            "Flask.handle_user_exception ✗",
            "✗ raised ValueError: no such cart",
            "Flask.handle_exception",
            "signal got_request_exception",
            "log Exception on /fail [GET]",
        ]
    );
}

#[test]
fn a_line_fits_its_columns_and_ends_in_its_place() {
    let trace = visit(&app(), "/fail");
    for width in [60, 80, 100] {
        for line in trace.tree().width(width).to_string().lines() {
            assert!(line.chars().count() <= width, "{line:?} at {width}");
        }
    }
    let text = trace.to_string();
    let first = text.lines().nth(1).unwrap();
    assert_eq!(first.chars().count(), 80);
    assert!(first.contains("lifecycle.rs:"), "{first}");
}

#[test]
fn the_bars_show_which_contexts_are_pushed() {
    let text = visit(&app(), "/login").to_string();
    let bars = |label: &str| {
        let line = text.lines().find(|line| line.contains(label)).unwrap();
        line.chars().take(3).collect::<String>()
    };
    assert_eq!(bars("AppContext.push"), "   ");
    assert_eq!(bars("signal appcontext_pushed"), "┃  ");
    assert_eq!(bars("open_session"), "┃ ┃");
    assert_eq!(bars("AppContext.pop"), "┃  ");
    assert_eq!(bars("signal appcontext_popped"), "   ");
}

#[test]
fn colour_is_only_there_when_asked_for() {
    let trace = visit(&app(), "/login");
    assert!(!trace.to_string().contains('\u{1b}'));
    let colored = trace.tree().color(true).to_string();
    assert!(colored.contains("\u{1b}[1;32mview login\u{1b}[0m"));
}

#[test]
fn a_path_cannot_command_the_terminal() {
    let trace = visit(&app(), "/a%1b%5b31mred%0a%00");
    let text = trace.to_string();
    assert!(text.contains("GET /a [31mred"), "{text}");
    assert!(text.lines().all(|line| !line.chars().any(char::is_control)));
}

#[test]
fn a_diagram_shows_who_calls_whom() {
    let text = visit(&app(), "/fail").mermaid();
    assert!(text.starts_with("sequenceDiagram\n"));
    for expected in [
        "    Server->>Flask: wsgi_app\n",
        "    RequestContext->>AppContext: push\n",
        "    Note over AppContext: signal appcontext_pushed\n",
        "    RequestContext->>Session: open_session\n",
        "    Flask->>Yours: view fail\n",
        "    Yours--xFlask: raised ValueError: no such cart\n",
    ] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    let trace = visit(&app(), "/a;b%0aend%23");
    let line = trace.mermaid();
    let line = line.lines().find(|line| line.contains("GET /a")).unwrap();
    assert_eq!(
        line,
        "    Note over RequestContext: pushes request context GET /a#59;b end#35;"
    );
}

#[test]
fn json_holds_all_that_a_stepper_needs() {
    let trace = visit(&app(), "/login");
    let text = serde_json::to_string(&trace).unwrap();
    let steps: Value = serde_json::from_str(&text).unwrap();
    let steps = steps.as_array().unwrap();
    assert_eq!(steps.len(), trace.steps().len());
    for (index, step) in steps.iter().enumerate() {
        assert!(step["end"].as_u64().unwrap() > index as u64);
        assert!(step["depth"].is_u64() && step["label"].is_string());
        for moment in ["before", "after"] {
            assert!(step[moment]["app_contexts"].is_array());
            assert!(step[moment]["request_contexts"].is_array());
            assert!(step[moment]["g"].is_array());
        }
    }
    let view = steps.iter().find(|step| step["label"] == "view login");
    let view = view.unwrap();
    assert_eq!(view["kind"], "hook");
    assert_eq!(view["fields"]["kind"], "view");
    assert!(view["file"].is_string() && view["line"].is_u64());
    assert_eq!(view["before"]["session"]["data"], serde_json::json!({}));
    assert_eq!(
        view["after"]["session"],
        serde_json::json!({
            "data": {"username": "jack"},
            "new": true,
            "modified": true,
            "accessed": true,
            "null": false,
        })
    );
    let save = steps.iter().find(|step| step["name"] == "save_session");
    let cookie = &save.unwrap()["cookies"][0];
    assert_eq!(cookie["payload"], r#"{"username":"jack"}"#);
    assert_eq!(cookie["signed_with"], "SHA-256");
}
