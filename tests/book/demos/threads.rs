//! For the chapter on threads.

use std::thread;

use carafe::{
    App, Error, Scaffold, copy_current_request_context, g, has_request_context, request, session,
};

use super::Output;
use super::lines::Lines;

pub(crate) const OUTPUTS: &[Output] = &[
    ("threads/bare", bare),
    ("threads/plain", plain),
    ("threads/copied", copied),
    ("threads/late", late),
];

// ANCHOR: join
/// What the thread returned; where it panicked, an error.
fn join<T>(thread: thread::JoinHandle<T>) -> Result<T, Error> {
    thread
        .join()
        .map_err(|_panic| Error::runtime("the thread panicked"))
}
// ANCHOR_END: join

// ANCHOR: bare
fn bare() -> String {
    let mut app = App::new("demo");
    app.route("/", || {
        let here = has_request_context();
        let there = join(thread::spawn(has_request_context))?;
        Ok::<_, Error>(format!("in the view: {here}, in its thread: {there}"))
    });
    let response = app.test_client().get("/").send();
    response.map_or_else(|error| error.to_string(), |response| response.text())
}
// ANCHOR_END: bare

// ANCHOR: plain
fn plain() -> String {
    let mut app = App::new("demo");
    app.route("/cart", || {
        let path = request().path().to_owned();
        let thread = thread::spawn(move || format!("the thread was told of {path}"));
        join(thread)
    });
    let response = app.test_client().get("/cart").send();
    response.map_or_else(|error| error.to_string(), |response| response.text())
}
// ANCHOR_END: plain

// ANCHOR: copied
fn copied() -> String {
    let log = Lines::default();
    let mut app = App::new("demo");
    app.config().set_secret_key("adavafa");
    let seen = log.clone();
    app.teardown_request(move |_: Option<&Error>| {
        seen.add(format!("teardown_request, {}", where_am_i()));
    });
    let seen = log.clone();
    app.route("/cart", move || {
        session().insert("username", "jack")?;
        g().set("greeting", "hello");

        let log = seen.clone();
        let work = copy_current_request_context(move || {
            let username: Option<String> = session().get("username");
            log.add(format!("request  {}, {}", request().path(), where_am_i()));
            log.add(format!("session  {username:?}"));
            log.add(format!("g        {:?}", g().get::<&str>("greeting")));
            session().insert("from_the_thread", true)
        });
        // The `?`s: of the thread, of push and pop, and of the closure itself.
        join(thread::spawn(work))???;

        let wrote: Option<bool> = session().get("from_the_thread");
        seen.add(format!("the view finds from_the_thread: {wrote:?}"));
        Ok::<_, Error>("done")
    });
    let _response = thread::Builder::new()
        .name("request's".to_owned())
        .spawn(move || {
            let _response = app.test_client().get("/cart").send();
        })
        .map(join);
    log.text()
}

fn where_am_i() -> String {
    let thread = thread::current();
    format!("on the {} thread", thread.name().unwrap_or("new"))
}
// ANCHOR_END: copied

// ANCHOR: late
fn late() -> String {
    let log = Lines::default();
    let (send, receive) = std::sync::mpsc::channel();
    let mut app = App::new("demo");
    app.config().set_secret_key("adavafa");
    app.route("/", move || {
        let work = copy_current_request_context(|| {
            session().insert("late", true)?;
            Ok::<_, Error>(format!("{:?}", session().get::<bool>("late")))
        });
        // Hands the work to a thread that starts when the request is over.
        let _sent = send.send(work);
        "on its way"
    });
    let mut client = app.test_client();
    let _response = client.get("/").send();
    if let Ok(work) = receive.recv()
        && let Ok(Ok(Ok(seen))) = join(thread::spawn(work))
    {
        log.add(format!("the thread sees late: {seen}"));
    }
    log.add(format!(
        "the client's cookie: {:?}",
        client.get_cookie("session")
    ));
    log.text()
}
// ANCHOR_END: late
