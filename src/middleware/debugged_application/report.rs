//! What there is to tell of a request that failed: the page and the plain text say the same.
//!
//! Mirrors `DebugTraceback` of `werkzeug/debug/tbtools.py` in role.
//!
//! Read next: `page.rs` and `text.rs`.

use std::error::Error as StdError;
use std::fmt;

use http::header::{ACCEPT, COOKIE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::panics::{Noted, excerpt};
use crate::error::Error;
use crate::trace::{Kind, Step, Trace, place};
use crate::wrappers::HttpException;
use crate::wrappers::datastructures::latin1_decode;
use crate::wrappers::headers::{parse_list_header, parse_options_header};
use crate::wrappers::host::{get_current_url, get_host};
use crate::wsgi::Environ;

/// What a value is shown as that is nobody's business.
const HIDDEN: &str = "(hidden)";

/// A header with one of these in its name holds what lets somebody in.
const SECRET: [&str; 9] = [
    "auth",
    "cookie",
    "token",
    "secret",
    "password",
    "credential",
    "session",
    "signature",
    "key",
];

/// How many errors of a chain are told.
const CAUSES: usize = 20;

/// What the client sent, kept because the app takes the environ.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) url: String,
    pub(super) protocol: String,
    pub(super) client: Option<String>,
    /// As they may be shown.
    pub(super) headers: Vec<(String, String)>,
    pub(super) wants_html: bool,
}

impl Asked {
    pub(super) fn new(environ: &Environ) -> Self {
        let headers = &environ.headers;
        let scheme = environ.url_scheme.as_str();
        let host = headers
            .get(HOST)
            .map(|host| latin1_decode(host.as_bytes()).into_owned());
        let server = (environ.server_name.as_str(), environ.server_port);
        let host = get_host(scheme, host.as_deref(), server, &[]).unwrap_or_default();
        let url = get_current_url(
            scheme,
            &host,
            Some(&environ.script_name),
            Some(&environ.path_info),
            Some(&environ.query_string),
        );
        let shown = headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), shown(name, value)));
        Asked {
            method: environ.method.clone(),
            path: environ.path_info.clone(),
            url,
            protocol: format!("{:?}", environ.protocol),
            client: environ.remote_addr.map(|address| address.ip().to_string()),
            headers: shown.collect(),
            wants_html: wants_html(headers),
        }
    }
}

/// A header's value, as it may be shown.
fn shown(name: &HeaderName, value: &HeaderValue) -> String {
    let text = latin1_decode(value.as_bytes());
    if name == COOKIE {
        let names = text.split(';').map(|cookie| match cookie.split_once('=') {
            Some((name, _)) => format!("{}={HIDDEN}", name.trim()),
            None => HIDDEN.to_owned(),
        });
        return names.collect::<Vec<_>>().join("; ");
    }
    let is_secret = SECRET.iter().any(|word| name.as_str().contains(word));
    if is_secret || value.is_sensitive() {
        return HIDDEN.to_owned();
    }
    text.into_owned()
}

/// Whether the client names HTML among the things it takes, and takes it no less than plain text.
fn wants_html(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(ACCEPT).iter();
    let accepts: Vec<_> = accepts
        .flat_map(|accept| parse_list_header(&latin1_decode(accept.as_bytes())))
        .collect();
    let quality = |wanted: &str| {
        let qualities = accepts.iter().filter_map(|accept| {
            let (mimetype, options) = parse_options_header(accept);
            let q = options.get("q").map_or(Ok(1.0), |q| q.parse::<f32>());
            let is_it = mimetype.eq_ignore_ascii_case(wanted);
            is_it.then(|| q.unwrap_or(0.0))
        });
        qualities.fold(0.0, f32::max)
    };
    let html = quality("text/html").max(quality("application/xhtml+xml"));
    html > 0.0 && html >= quality("text/plain")
}

/// An error, or one that led to it.
pub(super) struct Cause {
    /// Its type, where that is known.
    pub(super) name: Option<String>,
    pub(super) message: String,
}

/// Where the error came from.
pub(super) struct Raised {
    /// The function in which it first showed, such as `view index`.
    pub(super) label: String,
    /// Where that one was `registered at`, or where it stands, `at` some line.
    pub(super) place: Option<(&'static str, String)>,
    /// Its step in the trace.
    pub(super) step: usize,
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "in {}", self.label)?;
        match &self.place {
            Some((at, place)) => write!(f, ", {at} {place}"),
            None => Ok(()),
        }
    }
}

/// The line of code where an error was made.
pub(super) struct Line<'a> {
    /// `raised at` or `panicked at`.
    pub(super) how: &'static str,
    pub(super) file: &'a str,
    pub(super) line: u32,
}

/// All that is told of a request that failed.
pub(super) struct Report<'a> {
    pub(super) app: &'a str,
    pub(super) asked: &'a Asked,
    /// The error, then what caused it.
    pub(super) causes: Vec<Cause>,
    pub(super) raised: Option<Raised>,
    /// The line of the error, or of the panic, where it is known.
    pub(super) line: Option<Line<'a>>,
    /// The lines around that place.
    pub(super) source: Vec<(u32, String)>,
    pub(super) trace: &'a Trace,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        app: &'a str,
        asked: &'a Asked,
        error: &Error,
        panics: &'a [Noted],
        trace: &'a Trace,
    ) -> Self {
        let causes = causes(error);
        // The panics that were handled are noted as well; the message tells them apart.
        let message = causes.first().map(|cause| cause.message.as_str());
        let panicked = panics
            .iter()
            .rfind(|noted| error.is_panic() && Some(noted.message.as_str()) == message)
            .map(|noted| Line {
                how: "panicked at",
                file: &noted.file,
                line: noted.line,
            });
        // A 500 that a handler raised anew is as good as the error it is for.
        let first = error
            .as_http()
            .and_then(|http| http.original_exception.as_ref());
        let raised_at = first.unwrap_or(error).location().map(|place| Line {
            how: "raised at",
            file: place.file(),
            line: place.line(),
        });
        let line = panicked.or(raised_at);
        let source = line.as_ref().map(|line| excerpt(line.file, line.line));
        Report {
            app,
            asked,
            causes,
            raised: raised(trace, error),
            line,
            source: source.unwrap_or_default(),
            trace,
        }
    }
}

/// The error, its source, the source of that.
fn causes(error: &Error) -> Vec<Cause> {
    let cause = |error: &Error| Cause {
        name: Some(error.type_name().to_owned()),
        message: error.to_string(),
    };
    let mut causes = vec![cause(error)];
    let mut last: &(dyn StdError + 'static) = error.as_std();
    while causes.len() < CAUSES {
        let http = last.downcast_ref::<HttpException>();
        if let Some(original) = http.and_then(|http| http.original_exception.as_ref()) {
            // The error that became a 500 is kept with its type.
            causes.push(cause(original));
            last = original.as_std();
        } else if let Some(source) = last.source() {
            causes.push(Cause {
                name: None,
                message: source.to_string(),
            });
            last = source;
        } else {
            break;
        }
    }
    causes
}

/// The innermost step that ended with this error: there it was raised, from there it went outwards.
fn raised(trace: &Trace, error: &Error) -> Option<Raised> {
    let text = format!("{error:?}");
    let ended_with_it = trace.iter().enumerate().filter(|(_, step)| {
        let ended = step.error.as_deref();
        ended == Some(&text) || (error.is_panic() && ended == Some("panicked"))
    });
    // Of several that are as deep, a panic was the last: those before were caught. An error that is
    // handed on, as by a handler that returns what it was given, came from the first.
    let depth = |(_, step): &(usize, &Step)| step.depth;
    let (step, at) = if error.is_panic() {
        ended_with_it.max_by_key(depth)
    } else {
        ended_with_it.rev().max_by_key(depth)
    }?;
    let how = match at.kind {
        Kind::Hook => "registered at",
        _ => "at",
    };
    Some(Raised {
        label: at.label(),
        place: place(at).map(|place| (how, place)),
        step,
    })
}
