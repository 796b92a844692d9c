//! `DebuggedApplication`: the page for the developer, when there is one, and that it is safe to look at.
//!
//! The code: `src/middleware/debugged_application.rs`. Next: `panics.rs`, `wsgi_app.rs`, the errors that get there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Barrier, Mutex};

use base64::Engine;
use carafe::middleware::{DebuggedApplication, ProxyFix};
use carafe::wrappers::EnvironBuilder;
use carafe::wsgi::{Body, WsgiApp};
use carafe::{App, Error, HttpException, Response, Scaffold, g, request, session};
use common::{DbError, explode, fail, hello};
use http::{HeaderMap, StatusCode};
use sha2::Digest;
use tracing::subscriber::NoSubscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;

const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// An app with DEBUG on.
fn app() -> App {
    let app = common::app();
    app.config().set("DEBUG", true).unwrap();
    app
}

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// What a server sees: how often the answer was started, with what, and the body.
fn call(site: &dyn WsgiApp, request: EnvironBuilder) -> Result<Answer, Error> {
    let mut started = Vec::new();
    let mut start = |status: StatusCode, headers| started.push((status, headers));
    let body = site.call(request.build().unwrap(), &mut start)?;
    let text = String::from_utf8(body.into_bytes()?.to_vec()).unwrap();
    assert_eq!(started.len(), 1, "an answer is started once");
    let (status, headers) = started.remove(0);
    Ok(Answer {
        status: status.as_u16(),
        headers,
        text,
    })
}

fn from_browser(path: &str) -> EnvironBuilder {
    EnvironBuilder::new(path).header("Accept", HTML)
}

/// The page that a browser gets from an app that fails.
fn page(app: &App, path: &str) -> String {
    let answer = call(&DebuggedApplication::new(app.clone()), from_browser(path)).unwrap();
    assert_eq!(answer.status, 500);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    answer.text
}

/// The same as plain text.
fn plain(app: &App, path: &str) -> String {
    let site = DebuggedApplication::new(app.clone());
    call(&site, EnvironBuilder::new(path)).unwrap().text
}

/// Whether anybody listens to `tracing` on this thread.
fn is_recorded() -> bool {
    tracing::dispatcher::get_default(|current| !current.is::<NoSubscriber>())
}

#[test]
fn without_debug_an_error_leaves_as_it_came_and_nothing_is_recorded() {
    let app = common::app();
    app.config().set("PROPAGATE_EXCEPTIONS", true).unwrap();
    let seen = Arc::new(Mutex::new(None));
    let mut inner = app.clone();
    let view_seen = Arc::clone(&seen);
    inner.route("/", move || {
        *view_seen.lock().unwrap() = Some(is_recorded());
        fail()
    });
    let error = call(&DebuggedApplication::new(app), from_browser("/")).unwrap_err();
    assert_eq!(error.type_name(), "DbError");
    assert_eq!(*seen.lock().unwrap(), Some(false));
}

#[test]
fn without_debug_the_apps_own_500_is_all_that_is_seen() {
    let mut app = common::app();
    app.route("/", fail);
    let answer = call(&DebuggedApplication::new(app), from_browser("/")).unwrap();
    assert_eq!(answer.status, 500);
    assert!(!answer.text.contains("the database is down"));
    assert!(!answer.text.contains("Flask.wsgi_app"));
}

#[test]
fn debug_counts_as_it_is_when_the_request_comes() {
    let app = app();
    let mut inner = app.clone();
    inner.route("/", || is_recorded().to_string());
    let site = DebuggedApplication::new(app.clone());
    for debug in [true, false, true] {
        app.config().set("DEBUG", debug).unwrap();
        let answer = call(&site, from_browser("/")).unwrap();
        assert_eq!(answer.text, debug.to_string());
    }
}

#[test]
fn what_the_app_answers_itself_passes_through() {
    let mut app = app();
    app.route("/", hello);
    app.route("/stream", || {
        Response::stream(["a", "b"].map(|text| Ok::<bytes::Bytes, Error>(text.into())))
    });
    let site = DebuggedApplication::new(app);
    let answer = call(&site, from_browser("/")).unwrap();
    assert_eq!((answer.status, answer.text.as_str()), (200, "hello"));
    assert_eq!(call(&site, from_browser("/none")).unwrap().status, 404);
    let environ = from_browser("/stream").build().unwrap();
    let body = site.call(environ, &mut |_, _| ()).unwrap();
    assert_eq!(body.known_len(), None);
    assert_eq!(body.into_bytes().unwrap(), "ab");
}

#[test]
fn the_page_tells_the_error_and_what_led_to_it_and_where() {
    #[derive(Debug)]
    struct Outer(DbError);
    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the order cannot be read")
        }
    }
    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    fn order() -> Result<String, Error> {
        Err(Outer(DbError("the disk is full")).into())
    }
    let mut app = app();
    let line = line!() + 1;
    app.route("/order", order);
    let (html, text) = (page(&app, "/order"), plain(&app, "/order"));

    assert!(html.contains("<h1>Outer</h1>"));
    assert!(html.contains("<pre class=\"message\">the order cannot be read</pre>"));
    assert!(html.contains("<span>caused by</span> <q>the disk is full</q>"));
    let place = format!("tests/debugged_application.rs:{line}");
    let in_view = "in <a href=\"#raised\">view order</a>, registered at";
    assert!(html.contains(&format!("{in_view} <code>{place}</code>")));
    assert!(text.starts_with(&format!(
        "Outer: the order cannot be read\n  caused by: the disk is full\n\n\
         in view order, registered at {place}\n"
    )));
}

#[test]
fn the_error_behind_a_500_is_told_with_its_type() {
    let mut app = app();
    app.config().set("TRAP_HTTP_EXCEPTIONS", true).unwrap();
    app.route("/", || -> Result<String, Error> {
        let original = Error::from(DbError("the disk is full"));
        Err(HttpException::internal_server_error(Some(original)).into())
    });
    let text = plain(&app, "/");
    assert!(text.starts_with("InternalServerError: 500 Internal Server Error: "));
    assert!(text.contains("\n  caused by: DbError: the disk is full\n"));
}

#[test]
fn the_trace_on_the_page_is_the_tree_with_stacks_hooks_and_signals() {
    let mut app = app();
    app.before_request(common::before);
    app.teardown_request(common::teardown);
    app.route("/", fail);
    let html = page(&app, "/");
    let rows: Vec<&str> = html
        .lines()
        .filter(|line| line.starts_with("<li "))
        .collect();
    let find = |what: &str| {
        let found = rows.iter().position(|row| row.contains(what));
        found.unwrap_or_else(|| panic!("no {what} in\n{}", rows.join("\n")))
    };
    assert!(
        rows[0]
            .starts_with("<li class=\"stage failed d0\"><i></i><i></i><div><b>Flask.wsgi_app</b>")
    );
    assert!(rows[0].contains("<code>lifecycle.rs:"));
    let both = "<i class=\"on app\"></i><i class=\"on request\"></i>";
    let view = rows[find("<em>view</em> <b>fail</b>")];
    assert!(view.starts_with(&format!(
        "<li class=\"hook failed d3\" id=\"raised\">{both}<div>"
    )));
    assert!(view.contains("<code>tests/debugged_application.rs:"));
    let order = [
        "signal</em> <b>appcontext_pushed",
        "<b>open_session",
        "signal</em> <b>request_started",
        "<em>before_request</em> <b>before",
        "<em>view</em> <b>fail",
        "raised DbError: the database is down",
        "signal</em> <b>got_request_exception",
        "<em>teardown_request</em> <b>teardown",
        "signal</em> <b>appcontext_popped",
    ];
    let found: Vec<usize> = order.into_iter().map(find).collect();
    assert!(found.is_sorted(), "{found:?}");
}

#[test]
fn a_panic_is_shown_with_the_line_it_was_in() {
    fn first_item() -> String {
        let items: Vec<&str> = Vec::new();
        items[request().args().len()].to_owned() // the line of the panic
    }
    let mut app = app();
    app.route("/", first_item);
    app.route("/elsewhere", explode);
    let (html, text) = (page(&app, "/"), plain(&app, "/"));
    let line = include_str!("debugged_application.rs")
        .lines()
        .position(|line| line.ends_with("// the line of the panic"));
    let place = format!("tests/debugged_application.rs:{}", line.unwrap() + 1);
    assert!(html.contains(&format!(
        "<h2 class=\"how\">panicked at <code>{place}</code></h2>"
    )));
    let here = html.lines().find(|line| line.contains("class=\"here\""));
    assert!(here.unwrap().contains("items[request().args().len()]"));
    assert!(text.contains(&format!("\npanicked at {place}\n")));

    let elsewhere = plain(&app, "/elsewhere");
    assert!(elsewhere.starts_with("Panic: the floor is gone\n\nin view explode, "));
    assert!(elsewhere.contains("\npanicked at tests/common/mod.rs:"));
}

#[test]
fn of_two_panics_the_one_that_left_the_app_is_told() {
    fn handler(_: &Error) -> &'static str {
        panic!("the handler is gone, too")
    }
    let mut app = app();
    app.errorhandler_for(handler);
    app.route("/", explode);
    let text = plain(&app, "/");
    assert!(text.starts_with("Panic: the handler is gone, too\n\nin errorhandler handler, "));
    assert!(text.contains("\npanicked at tests/debugged_application.rs:"));
}

#[test]
fn an_error_of_a_teardown_function_gets_its_page_although_the_answer_was_started() {
    let mut app = app();
    app.route("/", hello);
    app.teardown_request(|_: Option<&Error>| Err::<(), Error>(DbError("cannot close").into()));
    let html = page(&app, "/");
    assert!(html.contains("<h1>DbError</h1>") && html.contains("teardown_request &lt;lambda&gt;"));
}

#[test]
fn an_error_in_a_stream_is_too_late_for_a_page_and_left_to_the_server() {
    let mut app = app();
    app.route("/", || {
        Response::stream([
            Ok(bytes::Bytes::from("begun")),
            Err(Error::from(DbError("cut off"))),
        ])
    });
    let environ = from_browser("/").build().unwrap();
    let mut status = None;
    let mut body = DebuggedApplication::new(app)
        .call(environ, &mut |code: StatusCode, _| {
            status = Some(code.as_u16());
        })
        .unwrap();
    assert_eq!(status, Some(200));
    assert_eq!(body.next().unwrap().unwrap(), "begun");
    assert_eq!(body.next().unwrap().unwrap_err().type_name(), "DbError");
    assert!(body.next().is_none());
}

#[test]
fn who_does_not_ask_for_html_gets_plain_text() {
    let mut app = app();
    app.route("/", fail);
    let site = DebuggedApplication::new(app);
    let type_for = |accept: Option<&str>| {
        let mut request = EnvironBuilder::new("/");
        if let Some(accept) = accept {
            request = request.header("Accept", accept);
        }
        let answer = call(&site, request).unwrap();
        assert_eq!(answer.status, 500);
        let content_type = answer.header("content-type");
        content_type.split(';').next().unwrap().to_owned()
    };
    for accept in [
        HTML,
        "text/html",
        "TEXT/HTML;level=1",
        "*/*, application/xhtml+xml;q=0.1",
        "text/plain, text/html",
    ] {
        assert_eq!(type_for(Some(accept)), "text/html", "{accept}");
    }
    for accept in [
        "*/*",
        "",
        "application/json",
        "text/html;q=0",
        "text/html;q=x",
        "text/html;q=NaN",
        "text/html;q=0.5, text/plain",
        "text/*",
    ] {
        assert_eq!(type_for(Some(accept)), "text/plain", "{accept}");
    }
    assert_eq!(type_for(None), "text/plain");
}

#[test]
fn the_page_may_do_nothing_but_have_its_own_style() {
    let mut app = app();
    app.route("/", fail);
    let answer = call(&DebuggedApplication::new(app), from_browser("/")).unwrap();
    let (_, rest) = answer.text.split_once("<style>").unwrap();
    let (style, _) = rest.split_once("</style>").unwrap();
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(style));
    assert_eq!(
        answer.header("content-security-policy"),
        format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'"
        )
    );
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
    // Were there no policy, there would be nothing to fetch either.
    for word in ["src=", "url(", "@import", "<link", "<script", "style=\""] {
        assert!(!answer.text.contains(word), "{word}");
    }
}

#[test]
fn a_head_request_gets_the_head_of_the_page() {
    let mut app = app();
    app.route("/", fail);
    let site = DebuggedApplication::new(app);
    let answer = call(&site, from_browser("/").method("HEAD")).unwrap();
    assert_eq!((answer.status, answer.text.as_str()), (500, ""));
}

/// The tags of a page, each with its attributes, numbers aside.
fn tags(html: &str) -> BTreeSet<String> {
    let tags = html.split('<').skip(1).map(|after| {
        let (tag, _) = after.split_once('>').expect("a tag ends");
        let tag = tag.replace(|c: char| c.is_ascii_digit(), "");
        tag.replace(" id=\"raised\"", "")
    });
    tags.collect()
}

/// An app that shows as much as it can of what a client sent.
fn talkative() -> App {
    fn tell() -> Result<String, Error> {
        let told = request().args().get("told").unwrap_or_default().to_owned();
        session().insert(&told, &told)?;
        g().set(told.clone(), 1);
        tracing::info!("said {told}");
        tracing::info_span!("span", told).in_scope(|| ());
        let original = Error::runtime(told.clone());
        Err(HttpException::internal_server_error(Some(original))
            .with_description(told)
            .into())
    }
    let mut app = app();
    app.config().set("TRAP_HTTP_EXCEPTIONS", true).unwrap();
    app.route("/tell", tell);
    app.route("/tell/<path:more>", |_: String| tell());
    app.route("/panic", || -> String {
        panic!("{}", request().args().get("told").unwrap_or_default())
    });
    app
}

#[test]
fn nothing_that_a_client_sends_is_more_than_text_on_the_page() {
    let app = talkative();
    let site = DebuggedApplication::new(app);
    let mut usual = BTreeSet::new();
    for path in ["/tell?told=a", "/panic?told=b", "/tell/c"] {
        let request = from_browser(path)
            .header("Cookie", "a=b")
            .header("X-Told", "d");
        usual.extend(tags(&call(&site, request).unwrap().text));
    }
    let pieces = [
        "<",
        ">",
        "\"",
        "'",
        "&",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "-->",
        "</style>",
        "</title>",
        "</pre>",
        "]]>",
        "&lt;",
        "&#0;",
        "\u{202e}",
        "\u{200b}",
        "é",
        "☃",
        "a",
        " ",
        "\u{1b}[2J",
        "\r\n",
        "\n",
        "\t",
        "\0",
        "\u{85}",
        "\u{2028}",
        "javascript:",
        "=",
        "`",
        "{{",
        "\\",
    ];
    let mut rng = fastrand::Rng::with_seed(1);
    let mut hostile = || -> String {
        let pieces = (0..rng.usize(1..8)).map(|_| pieces[rng.usize(..pieces.len())]);
        pieces.collect()
    };
    for round in 0..400 {
        let path = ["/tell", "/panic", "/tell/"][round % 3];
        let mut path = path.to_owned();
        if path.ends_with('/') {
            let more = hostile();
            path.push_str(&percent(&more));
        }
        let sent = hostile();
        let in_header = |text: String| text.replace(|c: char| c.is_control(), "");
        let request = EnvironBuilder::new(path)
            .query_string(format!("told={}", percent(&sent)))
            .header("X-Told", in_header(hostile()))
            .header("Cookie", in_header(hostile()))
            .header("Referer", in_header(hostile()));
        let html = call(&site, request.clone().header("Accept", HTML)).unwrap();
        assert_eq!(html.status, 500);
        let more: Vec<_> = tags(&html.text).difference(&usual).cloned().collect();
        assert!(more.is_empty(), "{more:?} of {sent:?}");
        let text = call(&site, request).unwrap();
        for answer in [html, text] {
            let hidden = |c: char| {
                (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{200b}' | '\u{2028}')
            };
            let found = answer.text.find(hidden);
            assert_eq!(
                found,
                None,
                "{sent:?}: {:?}",
                found.map(|at| &answer.text[at..])
            );
        }
    }
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn neither_the_secret_key_nor_what_lets_somebody_in_is_shown() {
    let mut app = app();
    app.config().set_secret_key("the-key-that-signs");
    app.route("/login", || {
        session().insert("username", "jack")?;
        Ok::<_, Error>("welcome")
    });
    app.route("/", || -> Result<String, Error> {
        session().insert("seen", true)?;
        fail().map(str::to_owned)
    });
    let login = app.test_client().get("/login").send().unwrap();
    let cookie = login.header("Set-Cookie").unwrap();
    let cookie = cookie.split(';').next().unwrap();
    let (rest, signature) = cookie.rsplit_once('.').unwrap();
    let payload = rest.strip_prefix("session=").unwrap();

    let site = DebuggedApplication::new(app);
    for accept in [HTML, "*/*"] {
        let request = EnvironBuilder::new("/")
            .header("Accept", accept)
            .header("Cookie", format!("{cookie}; theme=midnight; bare-value"))
            .header("Authorization", "Bearer let-me-in")
            .header("Proxy-Authorization", "Basic let-me-in")
            .header("X-Api-Key", "let-me-in")
            .header("X-CSRF-Token", "let-me-in");
        let text = call(&site, request).unwrap().text;
        for secret in [
            "the-key-that-signs",
            signature,
            payload,
            "let-me-in",
            "midnight",
            "bare-value",
        ] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        assert!(text.contains("session=(hidden); theme=(hidden); (hidden)"));
        assert!(text.contains("signature right"));
        // What is in the session is what one looks for.
        assert!(text.contains("jack"));
    }
}

#[test]
fn requests_at_the_same_time_do_not_get_into_each_others_traces() {
    const THREADS: usize = 8;
    let mut app = app();
    let meet = Arc::new(Barrier::new(THREADS));
    app.route("/<int:id>", move |id: i64| -> Result<String, Error> {
        meet.wait();
        tracing::info!("line of {id}");
        meet.wait();
        Err(Error::runtime(format!("failure of {id}")))
    });
    let site = &DebuggedApplication::new(app);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (100..100 + THREADS)
            .map(|id| {
                scope.spawn(move || {
                    let request = EnvironBuilder::new(format!("/{id}"));
                    (id, call(site, request).unwrap().text)
                })
            })
            .collect();
        for thread in threads {
            let (id, text) = thread.join().unwrap();
            assert_eq!(text.matches("Flask.wsgi_app").count(), 1);
            for other in 100..100 + THREADS {
                for line in ["line of", "failure of", "GET /"] {
                    let line = format!(
                        "{line}{}{other}",
                        if line.ends_with('/') { "" } else { " " }
                    );
                    assert_eq!(text.contains(&line), other == id, "{line} in {text}");
                }
            }
        }
    });
}

/// A subscriber's layer that keeps the names of spans as they are entered, and of events.
#[derive(Clone, Default)]
struct Heard(common::Log);

impl<S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>> Layer<S>
    for Heard
{
    fn on_enter(&self, id: &tracing::span::Id, ctx: tracing_subscriber::layer::Context<'_, S>) {
        self.0.add(ctx.span(id).unwrap().name());
    }

    fn on_event(&self, event: &tracing::Event<'_>, ctx: tracing_subscriber::layer::Context<'_, S>) {
        let spans = ctx.event_scope(event).into_iter().flatten();
        let inside: Vec<_> = spans.map(|span| span.name()).collect();
        let line = format!("{} in {inside:?}", event.metadata().level());
        self.0.add(line);
    }

    fn on_close(&self, _: tracing::span::Id, _: tracing_subscriber::layer::Context<'_, S>) {
        self.0.add("closed");
    }
}

#[test]
fn who_listened_before_goes_on_hearing_what_it_wants_to_hear() {
    let mut app = app();
    app.route("/", || -> Result<String, Error> {
        let span = tracing::info_span!(target: "app", "query");
        span.in_scope(|| tracing::info!(target: "app", "asked"));
        tracing::debug!(target: "app", "not of interest");
        Err(DbError("the database is down").into())
    });
    let heard = Heard::default();
    let subscriber = tracing_subscriber::registry()
        .with(tracing_subscriber::filter::LevelFilter::INFO)
        .with(heard.clone());
    let site = DebuggedApplication::new(app);
    let text = tracing::subscriber::with_default(subscriber, || {
        let text = call(&site, EnvironBuilder::new("/")).unwrap().text;
        tracing::info!("after it");
        text
    });
    assert_eq!(
        heard.0.take(),
        [
            "query",
            "INFO in [\"query\"]",
            "closed",
            // The error is logged, once.
            "ERROR in []",
            "INFO in []",
        ]
    );
    assert!(text.contains("span query") && text.contains("log asked"));
}

/// An error that can be told a few times only.
#[derive(Clone, Debug)]
struct Unspeakable {
    left: Arc<AtomicUsize>,
}

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        let less = |left: usize| left.checked_sub(1);
        let told = self.left.fetch_update(Relaxed, Relaxed, less);
        told.map(|_| ()).map_err(|_| fmt::Error)
    }
}

impl std::error::Error for Unspeakable {}

#[test]
fn an_error_that_cannot_be_told_is_a_panic_and_one_that_the_page_cannot_tell_the_servers() {
    let app_that_fails = |times: usize| {
        let left = Arc::new(AtomicUsize::new(times));
        let (mut app, error) = (app(), Unspeakable { left });
        let left = Arc::clone(&error.left);
        app.route("/", move || Err::<String, Error>(error.clone().into()));
        (app, left)
    };
    let visit = |app: App| call(&DebuggedApplication::new(app), from_browser("/"));

    assert!(
        visit(app_that_fails(0).0)
            .unwrap()
            .text
            .contains("<h1>Panic</h1>")
    );

    let (app, left) = app_that_fails(1000);
    let (result, _) = carafe::trace::record(|| app.test_client().get("/").send());
    assert!(result.unwrap_err().is::<Unspeakable>());
    let told_by_the_recording = 1000 - left.load(Relaxed);
    let result = visit(app_that_fails(told_by_the_recording).0);
    assert!(result.unwrap_err().is::<Unspeakable>());
}

#[test]
fn a_page_stays_small_whatever_a_view_does() {
    fn deeper(left: usize) {
        if left > 0 {
            tracing::info_span!("deeper").in_scope(|| deeper(left - 1));
        }
    }
    let mut app = app();
    app.route("/", || -> Result<String, Error> {
        for line in 0..5_000 {
            tracing::info!("line {line}.");
        }
        deeper(200);
        Err(Error::runtime("x".repeat(1_000_000)))
    });
    let html = page(&app, "/");
    let rows = html.matches("<li class=").count();
    assert!((300..500).contains(&rows), "{rows} rows");
    assert!(html.contains("line 0.") && html.contains(" more, not shown"));
    assert!(!html.contains("x".repeat(20_000).as_str()));
}

#[test]
fn a_request_inside_of_a_request_has_a_page_of_its_own() {
    let mut inner = app();
    inner.route("/", explode);
    let inner = DebuggedApplication::new(inner);
    let mut outer = app();
    outer.route("/", move || -> Result<String, Error> {
        let answer = call(&inner, EnvironBuilder::new("/"))?;
        Err(Error::runtime(format!("inner: {}", answer.status)))
    });
    let text = plain(&outer, "/");
    assert!(text.starts_with("RuntimeError: inner: 500\n"));
    // The page also shows the lines of this very test, which are no stages.
    let is_stage = |line: &&str| line.contains("Flask.wsgi_app") && line.contains(" lifecycle.rs:");
    assert_eq!(text.lines().filter(is_stage).count(), 2, "{text}");
}

#[test]
fn an_error_is_shown_with_the_line_that_made_it() {
    let mut app = app();
    let line = line!() + 2;
    app.route("/", || -> Result<String, Error> {
        let number: u8 = "seven".parse()?;
        Ok(number.to_string())
    });
    let place = format!("{}:{line}", file!());
    let text = plain(&app, "/");
    assert!(text.contains(&format!("\nraised at {place}\n")), "{text}");
    assert!(text.contains("let number: u8 = \"seven\".parse()?;"));
    let html = page(&app, "/");
    assert!(html.contains(&format!("raised at <code>{place}</code>")));
}

#[test]
fn both_middlewares_pass_on_how_long_the_app_may_wait() {
    let mut app = app();
    app.route("/", hello);
    app.test_client().get("/").send().unwrap();
    let environ = from_browser("/").build().unwrap();
    let of_app = Arc::as_ptr(
        app.pace(&environ)
            .expect("it is known after the first request"),
    );
    let site = ProxyFix::new(DebuggedApplication::new(app.clone()));
    assert_eq!(site.pace(&environ).map(Arc::as_ptr), Some(of_app));
    let silent = |_: carafe::wsgi::Environ, _: &mut dyn carafe::wsgi::StartResponse| {
        Ok::<Body, Error>(Body::empty())
    };
    assert!(ProxyFix::new(silent).pace(&environ).is_none());
}
