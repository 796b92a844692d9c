//! For the chapter on where Rust differs.

use carafe::{App, Error, Scaffold, abort, request};

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[
    ("differences/proxies", proxies),
    ("differences/arguments", arguments),
    ("differences/abort", aborting),
    ("differences/config", config),
];

// ANCHOR: proxies
fn proxies() -> String {
    let careful = carafe::context::try_request().map(|request| request.path().to_owned());
    let careless = std::panic::catch_unwind(|| request().path().to_owned());
    format!(
        "try_request: {}\nrequest: {}",
        careful.unwrap_err(),
        if careless.is_err() {
            "panicked"
        } else {
            "answered"
        }
    )
}
// ANCHOR_END: proxies

// ANCHOR: arguments
fn between(from: u8, to: u8) -> String {
    format!("{from} to {to}")
}

fn arguments() -> String {
    let mut app = App::new("demo");
    app.get("/<int:first>/<int:last>", between);

    let mut client = app.test_client();
    let mut tell = |path: &str| {
        let response = client.get(path).send().unwrap();
        let (status, text) = (response.status_code(), response.text());
        let said = if status == 200 { &text } else { "no such page" };
        format!("{path:<8} {status} {said}")
    };
    [tell("/3/200"), tell("/3/300")].join("\n")
}
// ANCHOR_END: arguments

// ANCHOR: abort
fn must_be_known(name: &str) -> Result<(), Error> {
    match name {
        "jack" | "jill" => Ok(()),
        _ => Err(abort(404)),
    }
}

fn look_up(name: String) -> Result<String, Error> {
    must_be_known(&name)?;
    Ok(name + " is known")
}
// ANCHOR_END: abort

fn aborting() -> String {
    let mut app = App::new("demo");
    app.get("/<name>", look_up);
    let mut client = app.test_client();
    let mut tell = |path: &str| {
        let status = client.get(path).send().unwrap().status_code();
        format!("{path:<8} {status}")
    };
    [tell("/jack"), tell("/joe")].join("\n")
}

// ANCHOR: config
fn config() -> String {
    let app = App::new("demo");
    let tries = [
        app.config().set("PERMANENT_SESSION_LIFETIME", -60),
        app.config().set("SESSION_COOKIE_SAMESITE", "Loose"),
        app.config().set("DEBUG", "yes"),
    ];
    tries
        .map(|refused| refused.unwrap_err().to_string())
        .join("\n")
}
// ANCHOR_END: config
