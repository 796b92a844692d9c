//! `DebuggedApplication`: the page for the developer, when there is one, and that it is safe to look at.
//!
//! The code: `src/middleware/debugged_application.rs`. Next: `../panics.rs`, `../wsgi_app.rs`, the errors that get there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod content;
mod safety;
mod when;

use carafe::middleware::DebuggedApplication;
use carafe::wrappers::EnvironBuilder;
use carafe::wsgi::WsgiApp;
use carafe::{App, Error};
use http::{HeaderMap, StatusCode};
use tracing::subscriber::NoSubscriber;

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
