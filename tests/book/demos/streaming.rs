//! For the chapter on streaming.

use std::iter;

use carafe::context::try_request;
use carafe::wrappers::EnvironBuilder;
use carafe::wsgi::Body;
use carafe::{
    App, Error, Response, Scaffold, g, has_request_context, request, stream_with_context,
};

use super::Output;
use super::lines::Lines;

pub(crate) const OUTPUTS: &[Output] = &[
    ("streaming/lazy", lazy),
    ("streaming/bare", bare),
    ("streaming/twice", twice),
    ("streaming/early", early),
    ("streaming/failing", failing),
];

// ANCHOR: serve
/// Does what a server does first: calls the app, and has the status line before it reads the body.
fn call(app: &App, path: &str, log: &Lines) -> Result<Body, Error> {
    let environ = EnvironBuilder::new(path).build()?;
    app.wsgi_app(environ, &mut |status: http::StatusCode, _headers| {
        log.add(format!("start_response {}", status.as_u16()));
    })
}

/// And then: sends each chunk as it comes.
fn send(body: Body, log: &Lines) {
    for chunk in body {
        match chunk {
            Ok(chunk) => log.add(format!("sent {:?}", String::from_utf8_lossy(&chunk))),
            Err(error) => {
                let text = error.to_string();
                let first_line = text.lines().next().unwrap_or_default();
                log.add(format!("broken off: {first_line}"));
            }
        }
    }
}
// ANCHOR_END: serve

// ANCHOR: lazy
fn lazy() -> String {
    let log = Lines::default();
    let mut app = App::new("demo");
    let seen = log.clone();
    app.route("/", move || {
        let seen = seen.clone();
        let numbers = (1..=3).map(move |number| {
            seen.add(format!("made {number}"));
            format!("{number} ")
        });
        Response::stream(numbers)
    });
    let seen = log.clone();
    app.teardown_request(move |_: Option<&Error>| seen.add("teardown_request"));

    match call(&app, "/", &log) {
        Ok(body) => send(body, &log),
        Err(error) => log.add(error.to_string()),
    }
    log.text()
}
// ANCHOR_END: lazy

// ANCHOR: bare
fn bare() -> String {
    let log = Lines::default();
    let mut app = App::new("demo");
    app.route("/here", || {
        let in_view = format!("in the view: {}, ", has_request_context());
        let later = iter::once_with(|| format!("in the stream: {}", has_request_context()));
        Response::stream(iter::once(in_view).chain(later))
    });
    app.route("/name", || {
        Response::stream(iter::once_with(|| {
            Ok::<_, Error>(try_request()?.path().to_owned())
        }))
    });
    for path in ["/here", "/name"] {
        match call(&app, path, &log) {
            Ok(body) => send(body, &log),
            Err(error) => log.add(error.to_string()),
        }
    }
    log.text()
}
// ANCHOR_END: bare

// ANCHOR: twice
fn streaming_app(log: &Lines) -> App {
    let mut app = App::new("demo");
    app.config().set_secret_key("adavafa");
    let seen = log.clone();
    app.route("/<name>", move |name: String| {
        g().set("name", name);
        let seen = seen.clone();
        let greetings = ["hello ", "goodbye "].into_iter().map(move |greeting| {
            let name: Option<String> = g().get("name");
            seen.add(format!("made for {}", request().path()));
            format!("{greeting}{}", name.unwrap_or_default())
        });
        Response::stream(stream_with_context(greetings))
    });
    let seen = log.clone();
    app.teardown_request(move |error: Option<&Error>| {
        seen.add(format!("teardown_request {error:?}"));
    });
    app
}

fn twice() -> String {
    let log = Lines::default();
    match call(&streaming_app(&log), "/jack", &log) {
        Ok(body) => send(body, &log),
        Err(error) => log.add(error.to_string()),
    }
    log.text()
}
// ANCHOR_END: twice

// ANCHOR: early
fn early() -> String {
    let log = Lines::default();
    let app = streaming_app(&log);
    if let Ok(mut body) = call(&app, "/jack", &log) {
        let _chunk = body.next();
        log.add("the client is gone");
        drop(body);
    }
    if let Ok(body) = call(&app, "/jill", &log) {
        log.add("the client was gone before the first chunk");
        drop(body);
    }
    log.text()
}
// ANCHOR_END: early

// ANCHOR: failing
fn failing() -> String {
    let log = Lines::default();
    let mut app = App::new("demo");
    app.config().set_secret_key("adavafa");
    app.route("/", || {
        let rows = ["1", "2", "three"].into_iter().map(|row| {
            let row: u32 = row.parse()?;
            Ok::<_, Error>(row.to_string())
        });
        Response::stream(stream_with_context(rows))
    });
    app.errorhandler(500, |_| ("never shown", 500));
    let seen = log.clone();
    app.teardown_request(move |error: Option<&Error>| {
        seen.add(format!("teardown_request {error:?}"));
    });
    match call(&app, "/", &log) {
        Ok(body) => send(body, &log),
        Err(error) => log.add(error.to_string()),
    }
    log.text()
}
// ANCHOR_END: failing
