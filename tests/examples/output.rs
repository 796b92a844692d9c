//! What `examples/lifecycle` prints: a text, JSON or Mermaid, with every hook in its place.

use serde_json::Value;

use super::lifecycle::options::{Command, Request};
use super::{lifecycle, options, typed};

#[test]
fn three_visits_are_shown_with_their_sessions_and_cookies() {
    let text = lifecycle(&[]);
    assert!(text.lines().all(|line| line.chars().count() <= 80));
    assert!(!text.contains('\u{1b}'));
    let facts: Vec<&str> = text
        .lines()
        .filter(|line| {
            let starts = ["━━", "answer", "session before", "session after"];
            starts.iter().any(|start| line.starts_with(start))
        })
        .map(|line| line.trim_end_matches(['━', ' ']))
        .collect();
    assert_eq!(
        facts,
        [
            "━━ 1. POST /login username=jack",
            "answer          200 OK, \"Welcome, jack!\"",
            "session before  {}",
            "session after   {\"username\":\"jack\"}",
            "━━ 2. GET /",
            "answer          200 OK, \"Hello, jack!\"",
            "session before  {\"username\":\"jack\"}",
            "session after   {\"username\":\"jack\"}",
            "━━ 3. GET /fail",
            "answer          500 Internal Server Error, \"Something went wrong. It is not you…",
            "session before  {\"username\":\"jack\"}",
            "session after   {\"username\":\"jack\"}",
        ]
    );
    let right = "right: the HMAC-SHA-256 of both, with the app's key";
    assert_eq!(text.matches(right).count(), 3);
    assert!(text.contains("2023-11-14 22:13:20 UTC"));
}

#[test]
fn every_kind_of_hook_has_its_place_in_the_trees() {
    let text = lifecycle(&[]);
    for hook in [
        "before_first_request create_tables",
        "url_value_preprocessor count_args",
        "before_request load_user",
        "view login",
        "after_this_request <lambda>",
        "after_request add_header",
        "errorhandler apologize",
        "teardown_request close_cursor",
        "teardown_appcontext close_database",
    ] {
        assert!(text.contains(hook), "{hook}");
    }
}

#[test]
fn the_output_is_the_same_every_time() {
    for format in ["tree", "json", "mermaid"] {
        let once = lifecycle(&["--format", format]);
        assert_eq!(once, lifecycle(&["--format", format]), "{format}");
    }
}

#[test]
fn json_is_one_document_with_all_visits() {
    let json: Value = serde_json::from_str(&lifecycle(&["--format=json"])).unwrap();
    let visits = json["visits"].as_array().unwrap();
    assert_eq!(visits.len(), 3);
    assert_eq!(visits[1]["request"], "GET /");
    assert_eq!(visits[1]["response"]["body"], "Hello, jack!");
    let steps = visits[2]["steps"].as_array().unwrap();
    let view = steps.iter().find(|step| step["label"] == "view fail");
    let error = &view.unwrap()["error"];
    assert_eq!(error, "ParseIntError: invalid digit found in string");
}

fn document(app: &str) -> Value {
    serde_json::from_str(&lifecycle(&["--format=json", "--app", app])).unwrap()
}

fn labels(visit: &Value) -> Vec<&str> {
    let steps = visit["steps"].as_array().unwrap();
    let labels = steps.iter().map(|step| step["label"].as_str());
    labels.map(Option::unwrap).collect()
}

/// The functions of a visit that are of one kind: `before_request`, ...
fn hooks_of<'a>(visit: &'a Value, kind: &str) -> Vec<&'a str> {
    let labels = labels(visit).into_iter();
    let of_kind = labels.filter_map(|label| label.split_once(' ').filter(|(it, _)| *it == kind));
    of_kind.map(|(_, name)| name).collect()
}

#[test]
fn each_app_is_visited_as_it_should_be() {
    for (app, statuses) in [
        ("tutorial", &[200, 200, 500][..]),
        ("http_error", &[200, 404, 404]),
        ("after_error", &[500, 200]),
        ("blueprints", &[200, 404]),
        ("streaming", &[200]),
    ] {
        let json = document(app);
        let visits = json["visits"].as_array().unwrap();
        let status = |visit: &Value| visit["response"]["status"].as_u64().unwrap();
        let seen: Vec<u64> = visits.iter().map(status).collect();
        assert_eq!(seen, statuses, "{app}");
        assert!(lifecycle::options::HELP.contains(app), "{app} is in --help");
        let text = lifecycle(&["--app", app]);
        assert!(text.lines().all(|line| line.chars().count() <= 80));
        assert!(typed(&["--app", app, "--step"], "o\n", false).contains("Flask.wsgi_app"));
    }
    assert_eq!(lifecycle::apps::ALL.len(), 5);
}

#[test]
fn a_long_request_of_ones_own_does_not_widen_the_page() {
    let request = format!("POST /login username={}", "x".repeat(200));
    let visit = ["--request", request.as_str()];
    let shown = [
        lifecycle(&visit),
        typed(&[&visit[..], &["--step"]].concat(), "o\n", false),
    ];
    for text in shown {
        let titled = |line: &str| line.starts_with("━━") && line.contains("POST /login");
        assert!(text.lines().any(titled));
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }
}

#[test]
fn json_has_the_code_of_each_step() {
    for app in &lifecycle::apps::ALL {
        let json = document(app.name);
        let sources = json["sources"].as_object().unwrap();
        let line = |key: &str, number: u64| {
            let excerpt = &sources[key];
            let at = number - excerpt["first"].as_u64().unwrap();
            excerpt["lines"][at as usize].as_str().unwrap().to_owned()
        };
        for visit in json["visits"].as_array().unwrap() {
            for step in visit["steps"].as_array().unwrap() {
                let at = line(
                    step["source"].as_str().unwrap(),
                    step["at"].as_u64().unwrap(),
                );
                let name = step["name"].as_str().unwrap();
                let right = match step["kind"].as_str().unwrap() {
                    "signal" => at.contains(&name.to_uppercase()),
                    "log" => at.contains("log"),
                    "hook" => name == "<lambda>" || at.contains(&format!("fn {name}(")),
                    "span" => at.contains("span!("),
                    _ => at.contains("fn "),
                };
                assert!(right, "{name}: {at}");
                if name == "server: next chunk" {
                    let key = step["implementation"].as_str().unwrap();
                    assert!(key.starts_with("src/context/copy.rs:"), "{key}");
                }
                if matches!(name, "open_session" | "save_session") {
                    let key = step["implementation"].as_str().unwrap();
                    assert!(key.starts_with("src/session/secure_cookie.rs:"), "{key}");
                }
            }
        }
        let server = json["server"].as_str().unwrap();
        let first = sources[server]["first"].as_u64().unwrap();
        assert!(line(server, first).contains("fn serve("));
    }
}

#[test]
fn json_has_the_bytes_on_the_wire() {
    let json = document("tutorial");
    let wire = |visit: usize| &json["visits"][visit]["wire"];
    let request = wire(0)["request"].as_str().unwrap();
    assert_eq!(
        request,
        "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: 13\r\n\r\nusername=jack"
    );
    let response = wire(0)["response"][0].as_str().unwrap();
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(response.ends_with("\r\n\r\nWelcome, jack!"), "{response}");
    let cookie = response.split_once("Set-Cookie: ").unwrap().1;
    let cookie = cookie.split_once(';').unwrap().0;
    let request = wire(1)["request"].as_str().unwrap();
    assert!(
        request.contains(&format!("\r\nCookie: {cookie}\r\n")),
        "{request}"
    );
}

#[test]
fn a_streamed_answer_is_recorded_while_it_is_sent() {
    let json = document("streaming");
    let visit = &json["visits"][0];
    let pieces = visit["wire"]["response"].as_array().unwrap();
    assert_eq!(pieces.len(), 3);
    assert!(
        pieces[0]
            .as_str()
            .unwrap()
            .ends_with("\r\n\r\n/lines, line 1 for jack\n")
    );
    let steps = visit["steps"].as_array().unwrap();
    let of = |name: &'static str| steps.iter().filter(move |step| step["name"] == *name);
    // One for each piece, and one that finds the end.
    assert_eq!(of("server: next chunk").count(), 4);
    assert_eq!(of("next_line").count(), 3);
    for step in of("next_line") {
        assert_eq!(step["before"]["request_contexts"][0], "GET /lines");
    }
    assert_eq!(hooks_of(visit, "teardown_request").len(), 2);
}

#[test]
fn of_nested_blueprints_each_hook_has_its_turn() {
    let json = document("blueprints");
    let visit = &json["visits"][1];
    for (kind, order) in [
        (
            "url_value_preprocessor",
            &["app_values", "shop_values", "cart_values"][..],
        ),
        (
            "before_request",
            &["app_before", "shop_before", "cart_before"],
        ),
        ("errorhandler", &["cart_not_here"]),
        ("after_request", &["cart_after", "shop_after", "app_after"]),
        (
            "teardown_request",
            &["cart_teardown", "shop_teardown", "app_teardown"],
        ),
    ] {
        assert_eq!(hooks_of(visit, kind), order, "{kind}");
    }
}

#[test]
fn an_after_function_that_fails_loses_the_session() {
    let json = document("after_error");
    let visit = &json["visits"][0];
    assert!(!labels(visit).contains(&"save_session"));
    assert!(!labels(visit).contains(&"after_request add_last_header"));
    assert_eq!(json["visits"][1]["response"]["body"], "Your vote: none");
}

#[test]
fn mermaid_is_markdown_with_a_diagram_a_visit() {
    let text = lifecycle(&["--format", "mermaid"]);
    assert_eq!(text.matches("```mermaid\nsequenceDiagram\n").count(), 3);
    assert_eq!(text.matches("```").count(), 6);
}

#[test]
fn requests_of_ones_own_share_their_cookies() {
    let text = lifecycle(&["--request", "post /login username=jill", "--request", "/"]);
    assert!(text.contains("━━ 1. POST /login username=jill ━"));
    assert!(text.contains("\"Hello, jill!\""), "{text}");
    assert!(!text.contains("/fail"));
}

#[test]
fn a_value_of_a_form_stands_in_quotes_where_it_has_spaces() {
    let form = |text: &str| Request::parse(text).unwrap().form;
    let owned = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let text = r#"POST /login username="jack sparrow" motto='a "free" man' empty= is=it's"#;
    assert_eq!(
        form(text),
        [
            owned("username", "jack sparrow"),
            owned("motto", r#"a "free" man"#),
            owned("empty", ""),
            owned("is", "it's"),
        ]
    );
    // What is printed can be typed.
    let shown = Request::parse(text).unwrap().to_string();
    assert_eq!(form(&shown), form(text), "{shown}");

    let text = lifecycle(&["--request", "POST /login username='jack sparrow'"]);
    assert!(text.contains("━━ 1. POST /login username=\"jack sparrow\" ━"));
    assert!(text.contains("\"Welcome, jack sparrow!\""), "{text}");
}

#[test]
fn the_trees_are_as_wide_as_they_are_told_to_be() {
    for width in [80, 120] {
        let text = lifecycle(&["--width", &width.to_string(), "--store", "memory:"]);
        let (_legend, trees) = text.split_once("\n━━ 1. ").unwrap();
        let widest = trees.lines().map(|line| line.chars().count()).max();
        assert_eq!(widest, Some(width), "{text}");
    }
}

#[test]
fn colour_is_for_terminals() {
    assert!(typed(&[], "", true).contains("\u{1b}[1;32mview login\u{1b}[0m"));
}

#[test]
fn a_wrong_command_line_says_what_is_wrong() {
    let wrong = |args: &[&str]| options(args).unwrap_err();
    assert_eq!(wrong(&["--nope"]), "there is no option \"--nope\"");
    assert_eq!(wrong(&["tree"]), "there is no option \"tree\"");
    assert_eq!(wrong(&["--format"]), "--format wants a value");
    let message = wrong(&["--format", "xml"]);
    assert_eq!(message, "no format \"xml\": tree, json or mermaid");
    let message = wrong(&["--app", "pear"]);
    assert_eq!(
        message,
        "no app \"pear\": tutorial, http_error, after_error, blueprints, streaming"
    );
    assert_eq!(wrong(&["--step=yes"]), "--step takes no value");
    assert_eq!(wrong(&["--store"]), "--store wants a value");
    assert!(wrong(&["--step", "--format", "json"]).contains("--step"));
    assert!(wrong(&["--request", "GET"]).contains("has no path"));
    assert!(wrong(&["--request", ""]).contains("has no path"));
    assert!(wrong(&["--request", "a1 /"]).contains("neither method nor path"));
    assert!(wrong(&["--request", "GET / x"]).contains("no key=value"));
    assert!(wrong(&["--request", "GET / x y=1"]).contains("no key=value"));
    assert!(wrong(&["--request", "GET / x='1"]).contains("no quote at its end"));
    assert!(wrong(&["--request", "GET / x='1'2"]).contains("no quote at its end"));
    for width in ["79", "wide", "-1"] {
        assert!(wrong(&["--width", width]).contains("--width takes 80"));
    }
    assert_eq!(options(&["--step", "--help"]), Ok(Command::Help));
}
