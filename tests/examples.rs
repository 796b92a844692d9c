//! The examples do what they say. They are compiled into this test as modules, so that it tests the
//! code as it is and needs no build of theirs.
#![allow(clippy::unwrap_used, dead_code)]

use std::io::{self, Cursor, Write};
use std::sync::{Arc, Mutex};

use carafe::wsgi::{Environ, WsgiApp};
use serde_json::Value;

#[path = "../examples/lifecycle/main.rs"]
mod lifecycle;
#[path = "../examples/middleware.rs"]
mod middleware;

use lifecycle::options::{Command, Options, parse};
use lifecycle::step::Output;
use middleware::{ProxyFix, RequestId};

/// What was written, for a test to look at.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn options(args: &[&str]) -> Result<Command, String> {
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    parse(&args)
}

fn parsed(args: &[&str]) -> Options {
    match options(args).unwrap() {
        Command::Run(options) => options,
        Command::Help => panic!("help"),
    }
}

fn typed(args: &[&str], keys: &'static str, color: bool) -> String {
    let written = Written::default();
    let output = Output::new(written.clone());
    lifecycle::run(&parsed(args), Cursor::new(keys), output, color).unwrap();
    let bytes = written.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn lifecycle(args: &[&str]) -> String {
    typed(args, "", false)
}

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
    assert_eq!(options(&["--step", "--help"]), Ok(Command::Help));
}

/// The titles of the functions that it stopped at.
fn stops(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().collect();
    let mut stops = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let number = line
            .split("━━ ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        if number.is_some_and(|number| number.parse::<u32>().is_ok()) {
            let path = lines[at + 1..].iter().take_while(|line| !line.is_empty());
            stops.extend(path.last().map(|line| line.trim()));
        }
    }
    stops
}

#[test]
fn stepping_goes_into_each_function_or_out_of_it() {
    let text = typed(&["--step"], "\n\nout\nwhat\nn\no\nq\n", false);
    assert_eq!(
        stops(&text),
        [
            "Flask.wsgi_app",
            "Flask.request_context",
            // Out of this one: past what is inside.
            "RequestContext.__init__",
            "RequestContext.push",
            "Flask.app_context",
            "AppContext.push",
        ]
    );
    assert!(text.contains("n, o or q? "));
    // Where the page is longer than the screen, its last line says what it is about.
    assert!(text.contains("\nFlask.app_context   n or Enter: next   o: out of it   q: quit"));
    assert!(text.contains("pub fn push(self: &Rc<Self>) -> Result<(), Error> {"));
    // How a request ends is in what is shown of where it begins.
    assert!(text.contains("ctx.auto_pop(error.as_ref())?;"));
    assert!(!text.contains("is answered"), "it went on after q");
}

#[test]
fn stepping_shows_the_apps_own_functions_and_what_changed() {
    let keys = "\n".repeat(300);
    let text = typed(&["--step"], keys.leak(), false);
    assert!(text.contains("fn login() -> Result<String, Error> {"));
    assert!(text.contains("session          → {\"username\":\"jack\"}  new  accessed  modified"));
    assert_eq!(text.matches("is answered").count(), 3);
    assert!(stops(&text).contains(&"signal request_started"));
}

#[test]
fn stepping_ends_with_its_input() {
    let text = typed(&["--step"], "\n", false);
    assert_eq!(stops(&text).len(), 2);
}

/// Takes some bytes and then no more, like `head`.
struct Pipe(usize);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self
            .0
            .checked_sub(bytes.len())
            .ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_who_has_seen_enough_is_an_error_and_no_panic() {
    for args in [
        &[][..],
        &["--format=json"],
        &["--format=mermaid"],
        &["--step"],
    ] {
        let output = Output::new(Pipe(700));
        let error = lifecycle::run(&parsed(args), Cursor::new("\n\n\n\n\n"), output, false);
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}

/// What a middleware answers to a request with these headers: the headers and the body.
fn call(site: &impl WsgiApp, headers: &[(&str, &str)]) -> (http::HeaderMap, String) {
    let mut environ = Environ::builder("/");
    for (name, value) in headers {
        environ = environ.header(*name, *value);
    }
    let mut head = http::HeaderMap::new();
    let body = site
        .call(environ.build().unwrap(), &mut |_status, headers| {
            head = headers;
        })
        .unwrap();
    let body = String::from_utf8(body.into_bytes().unwrap().to_vec()).unwrap();
    (head, body)
}

#[test]
fn proxy_fix_believes_the_proxy_and_not_the_visitor() {
    let site = ProxyFix::new(middleware::create_app());
    let forwarded = [
        ("X-Forwarded-For", "6.6.6.6, 203.0.113.9"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Prefix", "/evil"),
    ];
    let (_, body) = call(&site, &forwarded);
    assert!(
        body.ends_with("203.0.113.9 asked for https://localhost/"),
        "{body}"
    );
    let (_, body) = call(&site, &[("X-Forwarded-For", "nonsense")]);
    assert!(body.ends_with("asked for http://localhost/"), "{body}");
}

#[test]
fn proxy_fix_takes_host_and_prefix_when_it_is_told_to() {
    let mut site = ProxyFix::new(middleware::create_app());
    (site.x_for, site.x_host, site.x_prefix) = (2, 1, 1);
    let forwarded = [
        ("X-Forwarded-For", "6.6.6.6, 198.51.100.7, 203.0.113.9"),
        ("X-Forwarded-Host", "shop.example"),
        ("X-Forwarded-Prefix", "/app"),
    ];
    let (_, body) = call(&site, &forwarded);
    assert!(
        body.ends_with("198.51.100.7 asked for http://shop.example/app/"),
        "{body}"
    );
}

#[test]
fn a_request_id_is_the_same_inside_and_outside() {
    let site = RequestId::new(middleware::create_app());
    for number in 1..=2 {
        let (headers, body) = call(&site, &[]);
        let id = format!("request-{number}");
        assert_eq!(headers["x-request-id"], *id);
        assert!(body.starts_with(&format!("{id}: ")), "{body}");
    }
}

/// A line of the tree: its branches and name, and where that stands, if it says so.
fn name_and_place(line: &str) -> (&str, Option<&str>) {
    match line.rsplit_once("  ") {
        Some((name, place)) if place.contains(".rs:") => (name.trim_end(), Some(place)),
        _ => (line, None),
    }
}

fn without_branches(name: &str) -> &str {
    name.trim_start_matches(['┃', '│', '├', '└', '─', '·', ' '])
}

/// The README's tree leaves lines out, so its branches are its own; names and places are the example's.
/// `UPDATE=1 cargo test --test examples readme` puts the places right.
#[test]
fn the_readme_shows_what_the_example_prints() {
    let printed = lifecycle(&[]);
    let place_of = |name: &str| {
        let lines = printed.lines().map(name_and_place);
        let mut same = lines.filter(|(each, _)| without_branches(each) == without_branches(name));
        let (_, place) = same
            .next()
            .unwrap_or_else(|| panic!("{name} is not printed"));
        place
    };
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once("```text\n").unwrap();
    let (tree, after) = rest.split_once("```").unwrap();
    let right: String = tree
        .lines()
        .map(|line| match name_and_place(line) {
            (name, Some(_)) => {
                let place = place_of(name).unwrap();
                let room = 80 - place.chars().count();
                format!("{name:<room$}{place}\n")
            }
            (name, None) => {
                place_of(name);
                format!("{line}\n")
            }
        })
        .collect();
    let updated = format!("{before}```text\n{right}```{after}");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &updated).unwrap();
    }
    assert_eq!(
        readme, updated,
        "UPDATE=1 cargo test --test examples readme"
    );
}

/// What `--store` prints of a visit's calls of the store, without the id.
fn stored(text: &str) -> Vec<String> {
    let parts = text.split("\n\n").filter(|part| part.starts_with("store "));
    let lines = parts
        .flat_map(str::lines)
        .map(|line| match line.split_once(" session:") {
            Some((before, id)) => {
                assert!(id.chars().count() == 7 && id.ends_with('…'), "{id:?}");
                format!("{before} session:...")
            }
            None => line.to_owned(),
        });
    lines.collect()
}

#[test]
fn a_store_s_commands_and_bytes_are_shown_with_what_they_say() {
    let text = lifecycle(&["--store", "memory:"]);
    assert!(text.lines().all(|line| line.chars().count() <= 80));
    let stored = stored(&text);
    assert_eq!(
        stored[..10],
        [
            "store           memory, in save_session: Store.set",
            "  command       set for 2678400 s",
            "  key           session:...",
            "  lifetime      2678400 seconds",
            "  sent          \\x82\\xaa_permanent\\xc3\\xa8username\\xa4jack",
            "                {\"_permanent\":true,\"username\":\"jack\"}  (27 bytes of msgpack)",
            "store           memory, in open_session: Store.get",
            "  command       get",
            "  key           session:...",
            "  found         \\x82\\xaa_permanent\\xc3\\xa8username\\xa4jack",
        ]
    );
    assert_eq!(
        text.matches("(random: the session itself is in the store")
            .count(),
        5
    );
    assert!(text.contains("└─ memory touch for 2678400 s"), "{text}");
    assert!(
        text.contains("· new session: {\"_permanent\":true}\n"),
        "{text}"
    );
    assert!(!text.contains("signature"), "{text}");
}

#[test]
fn a_program_gets_a_store_s_calls_too() {
    let text = lifecycle(&["--store", "memory:", "--format", "json"]);
    let document: Value = serde_json::from_str(&text).unwrap();
    let steps = document["visits"][1]["steps"].as_array().unwrap();
    let get = steps
        .iter()
        .find(|step| step["name"] == "Store.get")
        .unwrap();
    assert_eq!(get["kind"], "store");
    assert_eq!(get["store_call"]["answer"]["format"], "msgpack");
    assert_eq!(
        get["store_call"]["answer"]["text"],
        "{\"_permanent\":true,\"username\":\"jack\"}"
    );
    let shown = &document["sources"][get["implementation"].as_str().unwrap()];
    assert_eq!(shown["file"], "src/session/store/memory.rs");
    assert!(shown["lines"].to_string().contains("show_command"));
    let command = steps.iter().find(|step| step["kind"] == "command").unwrap();
    assert_eq!(command["label"], "memory get");
    assert!(command["at"].is_number());
    let open = steps
        .iter()
        .find(|step| step["name"] == "open_session")
        .unwrap();
    let shown = &document["sources"][open["implementation"].as_str().unwrap()];
    assert_eq!(shown["file"], "src/session/server_side.rs");
    assert_eq!(open["cookies"][0]["is_id"], true);

    let diagrams = lifecycle(&["--store", "memory:", "--format", "mermaid"]);
    assert!(diagrams.contains("participant Store as the store"));
    assert!(diagrams.contains("Session->>Store: get\n"));
    assert!(diagrams.contains("Note over Store: memory get\n"));
    assert!(!lifecycle(&["--format", "mermaid"]).contains("Store"));
}

#[test]
fn the_stepper_stops_at_a_store_s_calls_and_commands() {
    let text = typed(
        &["--store", "memory:", "--step"],
        "\n".repeat(400).leak(),
        false,
    );
    let stops = stops(&text);
    let at = stops.iter().position(|stop| *stop == "Store.set").unwrap();
    assert_eq!(stops[at + 1], "memory set for 2678400 s");
    assert!(text.contains("key                session:"), "{text}");
}

#[test]
fn a_store_that_cannot_be_had_is_said_before_any_visit() {
    let output = Output::new(Written::default());
    let options = parsed(&["--store", "memroy:"]);
    let error = lifecycle::run(&options, Cursor::new(""), output, false).unwrap_err();
    assert!(error.to_string().contains("the nearest is \"memory\""));
}
