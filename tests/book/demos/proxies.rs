//! For the chapter on proxies.

use std::thread;

use carafe::context::try_request;
use carafe::{App, Scaffold, g, request};

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[
    ("proxies/threads", threads),
    ("proxies/outside", outside),
    ("proxies/held", held),
    ("proxies/g", g_by_type),
];

// ANCHOR: threads
/// Knows of no thread and no request: it asks the proxy.
fn where_am_i() -> String {
    match try_request() {
        Ok(request) => request.path().to_owned(),
        Err(_) => "outside of a request".to_owned(),
    }
}

fn threads() -> String {
    let app = App::new("shop");
    let on_a_thread = |path: &'static str| {
        let app = app.clone();
        thread::spawn(move || {
            let ctx = app.test_request_context(path).unwrap();
            ctx.with(where_am_i).unwrap()
        })
    };
    let (one, two) = (on_a_thread("/pears"), on_a_thread("/plums"));
    let three = thread::spawn(where_am_i);
    [one, two, three]
        .map(|thread| thread.join().unwrap())
        .join("\n")
}
// ANCHOR_END: threads

// ANCHOR: outside
fn outside() -> String {
    try_request().unwrap_err().to_string()
}
// ANCHOR_END: outside

// ANCHOR: held
fn held() -> String {
    let app = App::new("shop");
    let outer = app.test_request_context("/outer").unwrap();
    let inner = app.test_request_context("/inner").unwrap();
    outer
        .with(|| {
            let kept = request();
            inner
                .with(|| format!("asked {}, kept {}", request().path(), kept.path()))
                .unwrap()
        })
        .unwrap()
}
// ANCHOR_END: held

// ANCHOR: g
fn g_by_type() -> String {
    let mut app = App::new("shop");
    app.route("/", || {
        let before = g().contains("count");
        g().set("count", 7_i64);
        let (number, text) = (g().get::<i64>("count"), g().get::<String>("count"));
        format!("there before: {before}; as a number: {number:?}; as text: {text:?}")
    });
    let mut client = app.test_client();
    let mut visit = || client.get("/").send().unwrap().text();
    [visit(), visit()].join("\n")
}
// ANCHOR_END: g
