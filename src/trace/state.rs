//! `State`: what there is to see on a thread at one moment.
//!
//! It is read from the thread's own contexts, without a lock that could be waited for and without
//! marking the session as accessed. What is in use at that very moment is shown as it last was.
//!
//! Read next: `recorder.rs`, which takes one at each enter and exit.

use std::cell::RefCell;

use super::Cookie;
use crate::context::{APP_CTX_STACK, REQUEST_CTX_STACK};
use crate::signing::DigestMethod;
use crate::value::Dict;
use crate::wrappers::Response;

/// The contexts of a thread at one moment, and what is in them.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct State {
    /// The app contexts, the current one last: the name of each one's app.
    pub app_contexts: Vec<String>,
    /// The request contexts, the current one last: each one's method and path.
    pub request_contexts: Vec<String>,
    /// The current request's session, once it is open.
    pub session: Option<SessionState>,
    /// The names that are set on the current `g`.
    pub g: Vec<String>,
}

/// A session at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SessionState {
    /// What is in it.
    pub data: Dict,
    /// Whether the client brought none.
    pub new: bool,
    /// Whether it has been changed.
    pub modified: bool,
    /// Whether the app has touched it.
    pub accessed: bool,
    /// Whether it is a null session: there is no secret key.
    pub null: bool,
}

impl State {
    /// How many app contexts and how many request contexts there are.
    #[must_use]
    pub fn depths(&self) -> (usize, usize) {
        (self.app_contexts.len(), self.request_contexts.len())
    }

    /// What is in the session, where one is open.
    #[must_use]
    pub fn session(&self) -> Option<&Dict> {
        self.session.as_ref().map(|session| &session.data)
    }

    /// This thread's state now. `last` stands in for what cannot be looked at.
    pub(super) fn now(last: &State) -> State {
        let app_contexts = APP_CTX_STACK.peek_all(|ctx| ctx.app().name().to_owned());
        let request_contexts = REQUEST_CTX_STACK.peek_all(|ctx| {
            let request = ctx.request();
            format!("{} {}", request.method(), request.path())
        });
        let g = APP_CTX_STACK.peek_all(|ctx| ctx.g().peek_names()).pop();
        let session = REQUEST_CTX_STACK.peek_all(|ctx| Some(ctx.session()?.peek()));
        State {
            app_contexts,
            request_contexts,
            session: session
                .into_iter()
                .next_back()
                .flatten()
                .and_then(|peeked| peeked.or_else(|| last.session.clone())),
            g: g.map_or_else(Vec::new, |names| names.unwrap_or_else(|| last.g.clone())),
        }
    }
}

thread_local! {
    /// The cookies that the last `save_session` set, for the Recorders that wait for it to end.
    static SET_COOKIES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Shows a response to the Recorders that may be waiting for it: a response is in no context, where they could find it,
/// and its cookies must not be in a span.
pub(crate) fn show_response(response: &Response) {
    let headers = response.headers().get_all(&http::header::SET_COOKIE);
    let texts = headers.iter().filter_map(|header| header.to_str().ok());
    SET_COOKIES.set(texts.map(str::to_owned).collect());
}

/// Forgets the last response.
pub(super) fn want_response() {
    SET_COOKIES.take();
}

/// The session cookies among those of the response that was shown last.
pub(super) fn set_cookies() -> Vec<Cookie> {
    let cookies = SET_COOKIES.with_borrow(Vec::clone);
    let values = cookies.iter().filter_map(|cookie| {
        let (name, rest) = cookie.split_once('=')?;
        let value = rest.split(';').next().unwrap_or(rest);
        Some((name, value))
    });
    with_session_cookie_name(|wanted| {
        let own = values.filter(|(name, value)| *name == wanted && !value.is_empty());
        own.map(|(_, value)| checked(value)).collect()
    })
}

/// The session cookie that the current request brought.
pub(super) fn request_cookie() -> Vec<Cookie> {
    with_session_cookie_name(|name| {
        let found = REQUEST_CTX_STACK.with_top(|top| {
            let cookie = top?.request().cookie(name)?;
            Some(cookie.into_owned())
        });
        let brought = found.filter(|value| !value.is_empty());
        brought.iter().map(|value| checked(value)).collect()
    })
}

fn with_session_cookie_name(find: impl FnOnce(&str) -> Vec<Cookie>) -> Vec<Cookie> {
    let settings = REQUEST_CTX_STACK.with_top(|top| top.map(|ctx| ctx.settings().clone()));
    settings.map_or_else(Vec::new, |settings| find(&settings.session_cookie_name))
}

/// The cookie, taken apart and checked with the app's own keys, as Flask's session interface signs.
fn checked(value: &str) -> Cookie {
    let mut cookie = Cookie::take_apart(value);
    let is_session = REQUEST_CTX_STACK
        .with_top(|top| top.is_none_or(|ctx| ctx.setup().session_interface.keeps_in_cookie()));
    if !is_session {
        cookie.is_id = true;
        return cookie;
    }
    let settings = REQUEST_CTX_STACK.with_top(|top| top.map(|ctx| ctx.settings().clone()));
    if let Some(settings) = settings {
        let mut keys = settings.secret_key_fallbacks.clone();
        keys.extend(settings.secret_key.clone());
        let digests = [
            DigestMethod::Sha256,
            DigestMethod::Sha1,
            DigestMethod::Sha512,
        ];
        for digest in digests {
            if cookie.check(keys.clone(), Cookie::SALT, digest) {
                break;
            }
        }
    }
    cookie
}

/// What the match of the current request found, for the step that is `match_request`.
pub(super) fn matched() -> Vec<(String, String)> {
    REQUEST_CTX_STACK.with_top(|top| {
        let Some(request) = top.map(|ctx| ctx.request()) else {
            return Vec::new();
        };
        let mut fields = Vec::new();
        let mut add = |key: &str, value: String| fields.push((key.to_owned(), value));
        if let Some(rule) = request.url_rule() {
            add("rule", rule.rule.clone());
            add("endpoint", rule.endpoint.clone());
        }
        if let Some(error) = request.routing_exception() {
            let name = error.type_name();
            add("routing_exception", name.to_owned());
        }
        fields
    })
}
