//! For the chapter on dispatch and the view.
#![allow(clippy::needless_pass_by_value)] // A view takes its arguments by value.

use carafe::{App, Route, Scaffold, trace};

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[
    ("dispatch/raised_now", raised_now),
    ("dispatch/by_position", by_position),
];

// ANCHOR: raised_now
fn before() {}

fn save() -> &'static str {
    "saved"
}

fn raised_now() -> String {
    let mut app = App::new("demo");
    app.before_request(before);
    app.route(Route::new("/note").methods(["GET", "PUT"]), save);

    let requests = [
        ("PUT", "/note"),
        ("OPTIONS", "/note"),
        ("DELETE", "/note"),
        ("GET", "/nowhere"),
    ];
    let mut client = app.test_client();
    let answers = requests.map(|(method, path)| {
        let (response, trace) = trace::record(|| client.open(method, path).send());
        let response = response.unwrap();
        let (status, hooks) = (response.status_code(), trace.hooks().join(", "));
        let allow = response.header("Allow").unwrap_or_default();
        format!("{method:<7} {path:<8}  {status}  {hooks:<33} {allow}")
    });
    answers.map(|line| line.trim_end().to_owned()).join("\n")
}
// ANCHOR_END: raised_now

// ANCHOR: by_position
fn item(shop: String, id: u8) -> String {
    format!("number {id} of {shop}")
}

fn swapped(id: u8, shop: String) -> String {
    format!("number {id} of {shop}")
}

fn date(day: String, month: String) -> String {
    format!("day {day} of {month}")
}

fn by_position() -> String {
    let mut app = App::new("demo");
    app.config().set("TESTING", true).unwrap(); // Errors leave the app, so that we see them.
    app.route("/item/<shop>/<int:id>", item);
    app.route("/swapped/<shop>/<int:id>", swapped);
    app.route("/date/<month>/<day>", date);

    let mut client = app.test_client();
    let paths = [
        "/item/tea/7",
        "/item/tea/700",
        "/swapped/tea/7",
        "/date/may/17",
    ];
    let answers = paths.map(|path| match client.get(path).send() {
        Ok(response) if response.status_code() == 404 => format!("{path:<15} 404"),
        Ok(response) => format!("{path:<15} 200  {}", response.text()),
        Err(error) => format!("{path:<15} {error:?}"),
    });
    answers.join("\n")
}
// ANCHOR_END: by_position
