//! For the chapter on `make_response`.

use std::collections::BTreeMap;

use carafe::{App, Error, HttpException, Json, Response, Scaffold};

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[
    ("make_response/forms", forms),
    ("make_response/headers", headers),
    ("make_response/nothing", nothing),
];

// ANCHOR: forms
fn app_of_forms() -> App {
    let mut other = App::new("other");
    other.route("/another-app", || "hello from the other app");

    let mut app = App::new("demo");
    app.route("/text", || "hello");
    app.route("/bytes", || vec![b'h', b'i']);
    app.route("/dict", || Json(BTreeMap::from([("tea", 2), ("milk", 1)])));
    app.route("/list", || Json([1, 2]));
    app.route("/code", || ("made", 201));
    app.route("/line", || ("made", "201 CREATED"));
    app.route("/header", || ("made", [("Content-Type", "text/plain")]));
    app.route("/both", || ("made", 201, [("Content-Type", "text/plain")]));
    app.route("/dict-code", || (Json([1]), 418));
    app.route("/some", || Some("hello"));
    app.route("/error", HttpException::not_found);
    app.route("/another-app", move || other.clone());
    app
}
// ANCHOR_END: forms

fn forms() -> String {
    let mut client = app_of_forms().test_client();
    let paths = [
        "/text",
        "/bytes",
        "/dict",
        "/list",
        "/code",
        "/line",
        "/header",
        "/both",
        "/dict-code",
        "/some",
        "/error",
        "/another-app",
    ];
    let lines = paths.map(|path| {
        let response = client.get(path).send().unwrap();
        let content_type = response.header("Content-Type").unwrap_or_default();
        let text = response.text();
        let mut words = text.lines().next().unwrap_or_default().to_owned();
        if text.lines().count() > 1 {
            words += " ...";
        }
        let status = response.status_code();
        format!("{path:<13} {status}  {content_type:<24}  {words}")
    });
    lines.join("\n")
}

// ANCHOR: headers
type Headers<const N: usize> = [(&'static str, &'static str); N];

fn beside_a_body() -> (&'static str, Headers<2>) {
    ("tea", [("X-Cup", "small"), ("X-Cup", "large")])
}

fn beside_a_response() -> Result<(Response, Headers<1>), Error> {
    let mut response = Response::new("tea");
    response.set_header("X-Cup", "small")?;
    Ok((response, [("X-Cup", "large")]))
}
// ANCHOR_END: headers

fn headers() -> String {
    let mut app = App::new("demo");
    app.route("/body", beside_a_body);
    app.route("/response", beside_a_response);
    let mut client = app.test_client();
    let lines = ["/body", "/response"].map(|path| {
        let response = client.get(path).send().unwrap();
        let values = response.headers().get_all("X-Cup").iter();
        let cups: Vec<&str> = values.map(|value| value.to_str().unwrap()).collect();
        format!("{path:<10} X-Cup: {}", cups.join(", X-Cup: "))
    });
    lines.join("\n")
}

// ANCHOR: nothing
fn forgetful() -> Option<&'static str> {
    None
}

fn nothing() -> String {
    let mut app = App::new("demo");
    app.config().set("TESTING", true).unwrap(); // Errors leave the app, so that we see them.
    app.route("/", forgetful);
    let error = app.test_client().get("/").send().unwrap_err();
    format!("{error:?}")
}
// ANCHOR_END: nothing
