//! For the chapter on tests.

use std::sync::Arc;

use carafe::clock::FixedClock;
use carafe::{
    App, Error, Scaffold, g, has_request_context, redirect, request, session, trace, url_for,
};

use super::Output;
use super::lines::Lines;

pub(crate) const OUTPUTS: &[Output] = &[
    ("testing/client", || shown(client())),
    ("testing/transaction", || shown(transaction())),
    ("testing/contexts", || shown(contexts())),
    ("testing/request_context", || shown(request_context())),
    ("testing/traced", || shown(traced())),
    ("testing/clock", || shown(clock())),
];

fn shown(result: Result<String, Error>) -> String {
    result.unwrap_or_else(|error| error.to_string())
}

// ANCHOR: app
fn create_app() -> App {
    let mut app = App::new("demo");
    app.config().set_secret_key("adavafa");
    app.before_request(load_user);
    app.post("/login", login);
    app.route("/", index);
    app
}

fn load_user() {
    if let Some(name) = session().get::<String>("username") {
        g().set("user", name);
    }
}

fn login() -> Result<carafe::Response, Error> {
    session().insert("username", request().form()?.require("username")?)?;
    session().set_permanent(true)?;
    redirect(url_for("index").build()?)
}

fn index() -> String {
    let user: Option<String> = g().get("user");
    format!("Hello, {}!", user.unwrap_or_else(|| "stranger".to_owned()))
}
// ANCHOR_END: app

// ANCHOR: client
fn client() -> Result<String, Error> {
    let app = create_app();
    let mut jack = app.test_client();
    let mut other = app.test_client();
    let login = jack.post("/login").form([("username", "jack")]);
    let lines = [
        login.follow_redirects().send()?.text(),
        jack.get("/").send()?.text(),
        other.get("/").send()?.text(),
    ];
    Ok(lines.join("\n"))
}
// ANCHOR_END: client

// ANCHOR: transaction
fn transaction() -> Result<String, Error> {
    let mut client = create_app().test_client();
    client.session_transaction(|session| session.insert("username", "jill"))?;
    let text = client.get("/").send()?.text();
    let keys = client.session_transaction(|session| Ok(session.len()))?;
    Ok(format!("{text}\nkeys in the session: {keys}"))
}
// ANCHOR_END: transaction

// ANCHOR: contexts
fn contexts() -> Result<String, Error> {
    let log = Lines::default();
    let mut app = create_app();
    let seen = log.clone();
    app.teardown_request(move |_: Option<&Error>| seen.add("teardown_request"));
    let mut client = app.test_client();
    client.post("/login").form([("username", "jack")]).send()?;
    log.add("the block begins");
    client.with_contexts(|client| {
        let text = client.get("/").send().map(|response| response.text());
        log.add(format!("{text:?}"));
        let user: Option<String> = g().get("user");
        log.add(format!(
            "g has user {user:?}, the path was {}",
            request().path()
        ));
        log.add("the block ends");
    })?;
    log.add(format!("a context is left: {}", has_request_context()));
    Ok(log.text())
}
// ANCHOR_END: contexts

// ANCHOR: request_context
fn request_context() -> Result<String, Error> {
    let app = create_app();
    let ctx = app.test_request_context("/search?q=tea")?;
    ctx.with(|| {
        let request = request();
        let url = url_for("index").build()?;
        let query = request.args().get("q").unwrap_or_default();
        Ok(format!(
            "q is {query:?}, the index is at {url}, g has {:?}",
            g().names()
        ))
    })?
}
// ANCHOR_END: request_context

// ANCHOR: traced
fn traced() -> Result<String, Error> {
    let app = create_app();
    let mut client = app.test_client();
    let (response, trace) = trace::record(|| client.get("/nowhere").send());
    let mut lines = trace.hooks();
    lines.push(format!("status {}", response?.status_code()));
    Ok(lines.join("\n"))
}
// ANCHOR_END: traced

// ANCHOR: clock
fn clock() -> Result<String, Error> {
    const DAY: u64 = 24 * 60 * 60;
    let app = create_app();
    let clock = Arc::new(FixedClock::new(1_700_000_000));
    app.config().set_clock(clock.clone());
    let mut client = app.test_client();
    client.post("/login").form([("username", "jack")]).send()?;

    let mut lines = Vec::new();
    // A permanent session is signed anew with each visit, so each month starts from the last one.
    for days in [30, 30, 32] {
        clock.advance(days * DAY);
        let text = client.get("/").send()?.text();
        lines.push(format!("{days} days later: {text}"));
    }
    Ok(lines.join("\n"))
}
// ANCHOR_END: clock
