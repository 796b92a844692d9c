//! `Live`: takes a reader's request to the demo app, and answers with the trace of it.
//!
//! It is an app without a framework: contexts of its own would show in what it records. A reader chooses one
//! of the demo's own requests by its number, and fills in its form. The request is made here, sent to the
//! app on this thread, recorded on this thread, and forgotten. What the app knows of a reader is in the cookie
//! that the reader keeps, so nobody can get to see another one's trace.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /live/choices` | the requests that one may choose |
//! | `POST /live/send` with `{"choice": 1, "form": {"username": "jack"}}` | what `stepper.js` plays |
//!
//! Read next: `demo.rs`, the app; `moments/mod.rs`, what is made of the trace.

use std::collections::BTreeMap;

use carafe::trace;
use carafe::wrappers::Request;
use carafe::wsgi::{Body, Environ, StartResponse, WsgiApp};
use carafe::{App, Error};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::demo::{self, CHOICES, Choice};
use super::lifecycle::visits::Visit;
use super::lifecycle::{options, report, server};
use super::{headers, moments};

/// Below this path.
pub(crate) const ROOT: &str = "/live/";

/// In bytes; a reader's request is a line.
const MOST_BODY: usize = 4096;
/// In characters.
const MOST_IN_A_FIELD: usize = 200;

pub(crate) struct Live {
    app: App,
}

/// What a reader sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    choice: usize,
    #[serde(default)]
    form: BTreeMap<String, String>,
}

/// A form's fields, in order.
type Form = Vec<(String, String)>;

/// What is answered: data, or why not.
struct Answer {
    status: StatusCode,
    json: Value,
    /// `Set-Cookie` headers of the demo's.
    cookies: Vec<HeaderValue>,
}

impl Answer {
    fn ok(json: Value) -> Self {
        Answer {
            status: StatusCode::OK,
            json,
            cookies: Vec::new(),
        }
    }

    fn refused(status: StatusCode, why: impl Into<String>) -> Self {
        Answer {
            status,
            json: json!({"error": why.into()}),
            cookies: Vec::new(),
        }
    }
}

impl Live {
    /// With the app that readers send their requests to.
    pub(crate) fn new(app: App) -> Self {
        Live { app }
    }

    fn answer(&self, request: &Request) -> Result<Answer, Answer> {
        let path = request.path();
        match (request.method(), path.strip_prefix(ROOT)) {
            ("GET" | "HEAD", Some("choices")) => Ok(Answer::ok(choices())),
            ("POST", Some("send")) => self.send(request),
            (_, Some("choices" | "send")) => Err(Answer::refused(
                StatusCode::METHOD_NOT_ALLOWED,
                "choices are for GET, send is for POST",
            )),
            _ => Err(Answer::refused(
                StatusCode::NOT_FOUND,
                "there is no such page",
            )),
        }
    }

    fn send(&self, request: &Request) -> Result<Answer, Answer> {
        let (choice, form) = asked(request)?;
        let cookie = request.cookie(demo::COOKIE);
        let visit = self.visit(choice, form, cookie.as_deref());
        let visit = visit.map_err(|error| {
            let why = format!("the request could not be sent: {error}");
            Answer::refused(StatusCode::BAD_REQUEST, why)
        })?;
        let cookies = visit.response.as_ref().map(|answer| {
            let cookies = answer.headers.get_all(SET_COOKIE);
            cookies.into_iter().cloned().collect()
        });
        let cookies = cookies.unwrap_or_default();
        let document = report::document(std::iter::once(visit));
        Ok(Answer {
            cookies,
            ..Answer::ok(moments::of(
                &document,
                &[0],
                "Your request",
                "live_book/demo.rs",
            ))
        })
    }

    // ANCHOR: visit
    /// Sends the request to the app, and records what happens on this thread until it is answered.
    fn visit(&self, choice: &Choice, form: Form, cookie: Option<&str>) -> Result<Visit, Error> {
        let mut environ = Environ::builder(choice.path).method(choice.method);
        if choice.method == "POST" {
            environ = environ.form(form.iter().map(|(name, value)| (&**name, &**value)));
        }
        if let Some(cookie) = cookie.filter(|cookie| is_plain(cookie)) {
            environ = environ.header("Cookie", format!("{}={cookie}", demo::COOKIE));
        }
        let mut environ = environ.build()?;
        let sent = server::request_wire(&mut environ)?;
        let (response, trace) = trace::record(|| server::serve(&self.app, environ));
        Ok(Visit {
            request: options::Request {
                method: choice.method.to_owned(),
                path: choice.path.to_owned(),
                form,
            },
            sent,
            response,
            trace,
            in_store: false,
        })
    }
    // ANCHOR_END: visit
}

fn choices() -> Value {
    let choices = CHOICES.iter().map(|choice| {
        json!({
            "method": choice.method,
            "path": choice.path,
            "fields": choice.fields,
            "about": choice.about,
            "most": MOST_IN_A_FIELD,
        })
    });
    choices.collect()
}

// ANCHOR: asked
/// What the reader wants: one of the choices, with the fields that it has and no others.
fn asked(request: &Request) -> Result<(&'static Choice, Form), Answer> {
    let refused = |status, why: &str| Err(Answer::refused(status, why));
    // No page of another site can send this type without being asked to show itself first.
    if request.mimetype() != "application/json" {
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send JSON");
    }
    request.set_max_content_length(Some(MOST_BODY as u64));
    let Ok(body) = request.get_data() else {
        return refused(StatusCode::PAYLOAD_TOO_LARGE, "that is too long");
    };
    let Ok(mut asked) = serde_json::from_slice::<Asked>(&body) else {
        return refused(StatusCode::BAD_REQUEST, "that is no choice");
    };
    let Some(choice) = CHOICES.get(asked.choice) else {
        return refused(StatusCode::NOT_FOUND, "the app has no such request");
    };
    let mut form = Vec::new();
    for name in choice.fields {
        let value = asked.form.remove(*name).unwrap_or_default();
        if value.chars().count() > MOST_IN_A_FIELD {
            let why = format!("{name} is longer than {MOST_IN_A_FIELD} characters");
            return Err(Answer::refused(StatusCode::PAYLOAD_TOO_LARGE, why));
        }
        form.push(((*name).to_owned(), value));
    }
    if !asked.form.is_empty() {
        return refused(StatusCode::BAD_REQUEST, "the form has no such field");
    }
    Ok((choice, form))
}
// ANCHOR_END: asked

/// Whether it can be a session cookie, which has base64 and dots.
fn is_plain(cookie: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    cookie.len() <= MOST_BODY && cookie.bytes().all(plain)
}

impl WsgiApp for Live {
    fn call(
        &self,
        environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<Body, Error> {
        let request = Request::from_environ(environ);
        let answer = self.answer(&request).unwrap_or_else(|refusal| refusal);
        let body = answer.json.to_string();
        let mut headers = HeaderMap::new();
        let json = HeaderValue::from_static("application/json");
        headers.insert(CONTENT_TYPE, json);
        headers.insert(CONTENT_LENGTH, body.len().into());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers::add_to(&mut headers, headers::NOTHING)?;
        for cookie in answer.cookies {
            headers.append(SET_COOKIE, cookie);
        }
        start_response.start_response(answer.status, headers);
        Ok(match request.method() {
            "HEAD" => Body::from(""),
            _ => Body::from(body),
        })
    }
}
