//! What the page tells: the error, where it was, and the trace of its own request only.

use std::fmt;
use std::sync::{Arc, Barrier};

use carafe::middleware::DebuggedApplication;
use carafe::wrappers::EnvironBuilder;
use carafe::{Error, HttpException, Scaffold, request};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;

use super::common::{self, DbError, explode, fail};
use super::{app, call, page, plain};

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
    let place = format!("{}:{line}", file!());
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
    assert!(view.contains("<code>tests/debugged_application/content.rs:"));
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
    let line = include_str!("content.rs")
        .lines()
        .position(|line| line.ends_with("// the line of the panic"));
    let place = format!("{}:{}", file!(), line.unwrap() + 1);
    assert!(html.contains(&format!(
        "<h2 class=\"how\">panicked at <code>{place}</code></h2>"
    )));
    let here = html.lines().find(|line| line.contains("class=\"here\""));
    assert!(here.unwrap().contains("items[request().args().len()]"));
    assert!(text.contains(&format!("\npanicked at {place}\n")));

    let elsewhere = plain(&app, "/elsewhere");
    assert!(elsewhere.starts_with("Panic: the floor is gone\n\nin view explode, "));
    assert!(elsewhere.contains("\npanicked at tests/debugged_application/../common/mod.rs:"));
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
    assert!(text.contains("\npanicked at tests/debugged_application/content.rs:"));
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
