//! `DebuggedApplication`: a page for the developer where a request fails, with the trace of that request.
//!
//! Mirrors the role of `werkzeug/debug/__init__.py`. Its interactive console is left out on purpose: a page that runs code
//! is a way in, and it has been one. In its place stands what Python has no name for, the lifecycle trace of
//! the very request that failed.
//!
//! With DEBUG an app does not answer an unhandled error with a 500 of its own (DEBUG implies
//! PROPAGATE_EXCEPTIONS): the error leaves `wsgi_app`, and this is where it arrives.
//!
//! Read next: `debugged_application/report.rs`, what there is to tell, and `page.rs`, how it looks.

mod forward;
mod page;
mod panics;
mod report;
mod text;

use std::sync::Arc;

use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY};
use tracing_subscriber::layer::SubscriberExt;

use crate::app::App;
use crate::error::{Error, catch};
use crate::logging;
use crate::trace::{Recorder, Trace, visible};
use crate::wrappers::Response;
use crate::wsgi::{Body, Environ, Pace, StartResponse, WsgiApp};
use forward::Forward;
use report::{Asked, Report};

/// Answers an unhandled error with a page that shows the error, the request, and all that the request went
/// through. For development only. Werkzeug: `DebuggedApplication`, without its console.
///
/// It does nothing unless the app's DEBUG is on when a request comes: then it hands the request
/// through, records nothing and shows nothing.
///
/// Where DEBUG is on, every request is recorded, which costs more than most requests do. A client that
/// does not ask for HTML, such as curl, gets the page as plain text. The values of `Cookie`,
/// `Authorization` and headers of such names are not shown; what is in the session is. The error is
/// logged too, as a server would have. An error in a body that is already being streamed comes too late
/// for a page: it is the server's to log.
///
/// ```
/// use carafe::middleware::DebuggedApplication;
/// use carafe::wsgi::{Environ, WsgiApp};
/// use carafe::{App, Error, Scaffold};
///
/// let mut app = App::new("shop");
/// app.config().set("DEBUG", true)?;
/// app.route("/", || -> Result<String, Error> { Ok("seven".parse::<i32>()?.to_string()) });
///
/// let site = DebuggedApplication::new(app);
/// let mut status = None;
/// let body = site.call(Environ::builder("/").build()?, &mut |code, _| status = Some(code))?;
/// assert_eq!(status, Some(http::StatusCode::INTERNAL_SERVER_ERROR));
/// let text = String::from_utf8_lossy(&body.into_bytes()?).into_owned();
/// assert!(text.starts_with("ParseIntError: invalid digit found in string\n"));
/// assert!(text.contains("Flask.dispatch_request"));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DebuggedApplication {
    app: App,
}

impl DebuggedApplication {
    /// Around an app, whose DEBUG it follows.
    #[must_use]
    pub fn new(app: App) -> Self {
        DebuggedApplication { app }
    }
}

impl WsgiApp for DebuggedApplication {
    fn call(
        &self,
        environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<Body, Error> {
        if !self.app.config().settings().debug {
            return self.app.call(environ, start_response);
        }
        let asked = Asked::new(&environ);
        // The head is held back until the app returns: a teardown function may fail after it was given.
        let mut head = None;
        let mut keep_head = |status, headers| {
            head = Some((status, headers));
        };
        let call = || catch(|| self.app.call(environ, &mut keep_head));
        let ((result, panics), trace) = recorded(|| panics::noted(call));
        let error = match result {
            Ok(body) => {
                if let Some((status, headers)) = head {
                    start_response.start_response(status, headers);
                }
                return Ok(body);
            }
            Err(error) => error,
        };
        // An error's own text may fail, too. Then it is the server's, as without this middleware.
        let page = catch(|| {
            let report = Report::new(self.app.name(), &asked, &error, &panics, &trace);
            log(&report, &error);
            Ok(response(&report))
        });
        let Ok(page) = page else {
            return Err(error);
        };
        let (status, headers, body) = page.into_wsgi(&asked.method);
        start_response.start_response(status, headers);
        Ok(body)
    }

    fn pace(&self, environ: &Environ) -> Option<&Arc<Pace>> {
        self.app.pace(environ)
    }
}

/// [`record`](crate::trace::record), but who listens on this thread goes on hearing all of it.
fn recorded<R>(f: impl FnOnce() -> R) -> (R, Trace) {
    let recorder = Recorder::new();
    let subscriber = tracing_subscriber::registry()
        .with(recorder.layer())
        .with(Forward::new());
    let result = tracing::subscriber::with_default(subscriber, f);
    (result, recorder.take())
}

fn log(report: &Report<'_>, error: &Error) {
    let asked = report.asked;
    let mut message = format!("Exception on {} [{}]", asked.path, asked.method);
    if let Some(raised) = &report.raised {
        message.push_str(&format!(", {raised}"));
    }
    logging::error(&visible(&message, 2000), error);
}

fn response(report: &Report<'_>) -> Response {
    let (text, content_type, policy) = if report.asked.wants_html {
        let policy = page::content_security_policy();
        (page::page(report), "text/html; charset=utf-8", policy)
    } else {
        let policy = "default-src 'none'".to_owned();
        (text::text(report), "text/plain; charset=utf-8", policy)
    };
    let mut response = Response::new(text);
    response.status = http::StatusCode::INTERNAL_SERVER_ERROR;
    let headers = response.headers_mut();
    let nosniff = HeaderName::from_static("x-content-type-options");
    headers.insert(nosniff, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static(content_type),
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}
