//! One request, from `wsgi_app` to the last teardown function: *the* file to read.
//!
//! Mirrors the request half of `flask/app.py`, with Flask 1.1's functions in the order in which a
//! request calls them. Three rules hold it together:
//! - a `catch` stands wherever Flask has a `try`, and nowhere else: there an error and a panic become
//!   the same thing;
//! - names go from the app inwards before the view, and from the innermost blueprint outwards after it;
//! - what was pushed is popped, whatever happened.
//!
//! Each function that Flask has is a span of its name: the trace is recorded from here.
//!
//! Read next: `context/request_context.rs` for push and pop, `session/secure_cookie.rs` for the
//! session, `trace/` for the recording.

use std::sync::{Arc, PoisonError};

use tracing::instrument;

use crate::app::{App, Setup};
use crate::context::RequestContext;
use crate::error::{Error, catch};
use crate::hook::{ErrorHandler, Hook};
use crate::json;
use crate::request::split_blueprint_path;
use crate::scaffold::Functions;
use crate::session::save_session;
use crate::signals;
use crate::typing::{CatchKey, ReturnValue, Status};
use crate::value::Dict;
use crate::wrappers::{HttpException, Response};
use crate::wsgi::{Body, Environ, StartResponse, WsgiApp};

impl WsgiApp for App {
    fn call(
        &self,
        environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<Body, Error> {
        self.wsgi_app(environ, start_response)
    }
}

/// The functions that Flask calls on the way, in the order in which it calls them.
impl App {
    /// Answers one request: `Flask.wsgi_app`. A server calls this for each one.
    ///
    /// # Errors
    /// An error that leaves the app: an unhandled one where TESTING, DEBUG or PROPAGATE_EXCEPTIONS say
    /// so, one that a 500 handler raised, or one that a teardown function raised.
    #[instrument(
        target = "carafe::lifecycle",
        level = "debug",
        name = "Flask.wsgi_app",
        skip_all,
        err(Debug, level = "debug")
    )]
    pub fn wsgi_app(
        &self,
        environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<Body, Error> {
        let ctx = self.request_context(environ);
        let mut error = None;
        let result = catch(|| {
            let response = catch(|| {
                ctx.push()?;
                self.full_dispatch_request(&ctx)
            });
            let response = match response {
                Ok(response) => response,
                Err(e) => self.handle_exception(&ctx, error.insert(e))?,
            };
            let (status, headers, body) = response.into_wsgi(ctx.request().http_method());
            start_response.start_response(status, headers);
            Ok(body)
        });
        ctx.preserve();
        if self.should_ignore_error(error.as_ref()) {
            error = None;
        }
        ctx.auto_pop(error.as_ref())?;
        result
    }

    /// Dispatches the request, handles what it raised, and finalizes the response.
    #[instrument(
        target = "carafe::lifecycle",
        level = "debug",
        name = "Flask.full_dispatch_request",
        skip_all,
        err(Debug, level = "debug")
    )]
    fn full_dispatch_request(&self, ctx: &RequestContext) -> Result<Response, Error> {
        self.try_trigger_before_first_request_functions(ctx)?;
        let rv = catch(|| {
            signals::REQUEST_STARTED.send(self, &())?;
            match self.preprocess_request(ctx)? {
                Some(answer) => Ok(answer),
                None => self.dispatch_request(ctx),
            }
        });
        let rv = match rv {
            Ok(rv) => rv,
            Err(e) => self.handle_user_exception(ctx, e)?,
        };
        self.finalize_request(ctx, rv, false)
    }

    /// Runs the before_first_request functions, once all of them have succeeded never again. Other
    /// threads' first requests wait until they are done.
    #[instrument(
        target = "carafe::lifecycle",
        level = "debug",
        name = "Flask.try_trigger_before_first_request_functions",
        skip_all,
        err(Debug, level = "debug")
    )]
    fn try_trigger_before_first_request_functions(
        &self,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        if self.got_first_request() {
            return Ok(());
        }
        let _only_one = self
            .before_first_request_lock()
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if self.got_first_request() {
            return Ok(());
        }
        for hook in &ctx.setup().before_first_request_funcs {
            hook.run("before_first_request", |f| f())?;
        }
        self.set_got_first_request();
        Ok(())
    }

    /// The URL value preprocessors, then the before functions, until one answers.
    #[instrument(
        target = "carafe::lifecycle",
        level = "debug",
        name = "Flask.preprocess_request",
        skip_all,
        err(Debug, level = "debug")
    )]
    fn preprocess_request(&self, ctx: &RequestContext) -> Result<Option<ReturnValue>, Error> {
        let request = ctx.request();
        let inwards = |functions: &mut dyn FnMut(&Functions) -> Result<bool, Error>| {
            let setup = ctx.setup();
            if functions(&setup.functions)? {
                return Ok(());
            }
            for name in request.blueprints().iter().rev() {
                if let Some(of_blueprint) = setup.blueprint_functions.get(*name)
                    && functions(of_blueprint)?
                {
                    return Ok(());
                }
            }
            Ok::<(), Error>(())
        };
        inwards(&mut |functions| {
            for hook in &functions.url_value_preprocessors {
                request.with_view_args(|endpoint, view_args| {
                    hook.run("url_value_preprocessor", |f| f(endpoint, view_args))
                })?;
            }
            Ok(false)
        })?;
        let mut answer = None;
        inwards(&mut |functions| {
            for hook in &functions.before_request_funcs {
                answer = hook.run("before_request", |f| f())?;
                if answer.is_some() {
                    return Ok(true);
                }
            }
            Ok(false)
        })?;
        Ok(answer)
    }

    /// Raises what the match failed with, or else calls the view.
    #[instrument(
        target = "carafe::lifecycle",
        level = "debug",
        name = "Flask.dispatch_request",
        skip_all,
        err(Debug, level = "debug")
    )]
    fn dispatch_request(&self, ctx: &RequestContext) -> Result<ReturnValue, Error> {
        let request = ctx.request();
        if let Some(error) = request.routing_exception() {
            return Err(error);
        }
        let Some(rule) = request.url_rule() else {
            return Err(HttpException::not_found().into());
        };
        if rule.provide_automatic_options && request.method() == "OPTIONS" {
            return Ok(ReturnValue::Response(
                self.make_default_options_response(ctx),
            ));
        }
        let Some(view) = ctx.setup().view_functions.get(&rule.endpoint) else {
            return Err(Error::lookup(format!(
                "no view function for {:?}",
                rule.endpoint
            )));
        };
        view.run("view", |f| f(request.view_args().unwrap_or_default()))
    }

    fn make_default_options_response(&self, ctx: &RequestContext) -> Response {
        let mut response = Response::new("");
        if let Some(url_adapter) = ctx.url_adapter() {
            let methods = url_adapter.allowed_methods(&ctx.setup().url_map, ctx.request());
            response.allow_update(methods.iter().map(String::as_str));
        }
        response
    }

    /// The first of the three places where an error is caught: what the view or a before function
    /// raised goes to its handler.
    #[instrument(
        target = "carafe::lifecycle",
        level = "debug",
        name = "Flask.handle_user_exception",
        skip_all,
        err(Debug, level = "debug")
    )]
    fn handle_user_exception(&self, ctx: &RequestContext, e: Error) -> Result<ReturnValue, Error> {
        if e.as_http().is_some() && !self.trap_http_exception(ctx, &e) {
            return self.handle_http_exception(ctx, e);
        }
        match find_error_handler(ctx, &e) {
            Some(handler) => handler.run("errorhandler", |f| f(&e)),
            None => Err(e),
        }
    }

    fn trap_http_exception(&self, ctx: &RequestContext, e: &Error) -> bool {
        let settings = ctx.settings();
        let is_bad_request = e.as_http().is_some_and(|http| http.code == 400);
        let is_key_error = e.type_name() == "BadRequestKeyError";
        settings.trap_http_exceptions
            || match settings.trap_bad_request_errors {
                Some(trap) => trap && is_bad_request,
                None => settings.debug && is_key_error,
            }
    }

    /// The second: an HTTP error is an answer already, unless it has a handler.
    #[instrument(
        target = "carafe::lifecycle",
        level = "debug",
        name = "Flask.handle_http_exception",
        skip_all,
        err(Debug, level = "debug")
    )]
    fn handle_http_exception(&self, ctx: &RequestContext, e: Error) -> Result<ReturnValue, Error> {
        let Some(http) = e.as_http() else {
            return Err(e);
        };
        // An `abort(response)` has no code to look for; a redirect is routing's own affair.
        let has_handler = http.code != 0 && http.new_url.is_none();
        let handler = if has_handler {
            find_error_handler(ctx, &e)
        } else {
            None
        };
        match handler {
            Some(handler) => handler.run("errorhandler", |f| f(&e)),
            None => Ok(ReturnValue::HttpException(Box::new(http.clone()))),
        }
    }

    /// The third, for all that got past the others: it is announced, and then it leaves the app or is
    /// logged and answered with a 500.
    #[instrument(
        target = "carafe::lifecycle",
        level = "debug",
        name = "Flask.handle_exception",
        skip_all,
        err(Debug, level = "debug")
    )]
    fn handle_exception(&self, ctx: &RequestContext, e: &Error) -> Result<Response, Error> {
        signals::GOT_REQUEST_EXCEPTION.send(self, e)?;
        let settings = ctx.settings();
        if settings
            .propagate_exceptions
            .unwrap_or(settings.testing || settings.debug)
        {
            return Err(e.clone());
        }
        self.log_exception(ctx, e);
        let server_error: Error = HttpException::internal_server_error(Some(e.clone())).into();
        let rv = match find_error_handler(ctx, &server_error) {
            Some(handler) => handler.run("errorhandler", |f| f(&server_error))?,
            None => {
                let http = HttpException::internal_server_error(Some(e.clone()));
                ReturnValue::HttpException(Box::new(http))
            }
        };
        self.finalize_request(ctx, rv, true)
    }

    /// Says what went wrong, to the log or, where there is none, to standard error: an app without any
    /// logging set up must not fail in silence.
    fn log_exception(&self, ctx: &RequestContext, e: &Error) {
        let request = ctx.request();
        let (path, method) = (request.path(), request.method());
        if tracing::enabled!(target: "carafe::app", tracing::Level::ERROR) {
            tracing::error!(target: "carafe::app", error = %e, "Exception on {path} [{method}]");
        } else {
            eprintln!("Exception on {path} [{method}]: {}: {e}", e.type_name());
        }
    }

    /// Makes the response and has it processed. `from_error_handler`: this is the 500, so a failure on
    /// the way is logged, and the response is sent as far as it got.
    #[instrument(
        target = "carafe::lifecycle",
        level = "debug",
        name = "Flask.finalize_request",
        skip_all,
        err(Debug, level = "debug")
    )]
    fn finalize_request(
        &self,
        ctx: &RequestContext,
        rv: ReturnValue,
        from_error_handler: bool,
    ) -> Result<Response, Error> {
        let mut response = self.make_response_for(rv, ctx.request().endpoint())?;
        let processed = catch(|| {
            self.process_response(ctx, &mut response)?;
            signals::REQUEST_FINISHED.send(self, &response)
        });
        match processed {
            Err(e) if from_error_handler => {
                tracing::error!(
                    target: "carafe::app",
                    error = %e,
                    "Request finalizing failed with an error while handling an error"
                );
                Ok(response)
            }
            Err(e) => Err(e),
            Ok(()) => Ok(response),
        }
    }

    /// Makes a response of whatever a view may return.
    ///
    /// # Errors
    /// A `TypeError` for nothing, a `ValueError` for a status that is none or a header value with a
    /// line break in it.
    pub fn make_response(&self, rv: ReturnValue) -> Result<Response, Error> {
        self.make_response_for(rv, None)
    }

    #[instrument(
        target = "carafe::lifecycle",
        level = "debug",
        name = "Flask.make_response",
        skip_all,
        err(Debug, level = "debug")
    )]
    fn make_response_for(
        &self,
        rv: ReturnValue,
        endpoint: Option<&str>,
    ) -> Result<Response, Error> {
        let (rv, status, headers) = match rv {
            ReturnValue::Tuple(rv, status, headers) => (*rv, status, headers),
            rv => (rv, None, Vec::new()),
        };
        let is_body = matches!(rv, ReturnValue::Body(_));
        let mut response = match rv {
            ReturnValue::Response(response) => response,
            ReturnValue::Body(body) => Response::new(body),
            ReturnValue::Json(value) => self.json_response(&value)?,
            ReturnValue::HttpException(e) => e.get_response(),
            ReturnValue::Tuple(..) => {
                return Err(Error::type_error(
                    "The view function did not return a valid response tuple: its body is a tuple.",
                ));
            }
            ReturnValue::None => {
                return Err(Error::type_error(format!(
                    "The view function for {} did not return a valid response. The function either \
                     returned None or ended without a return statement.",
                    endpoint.map_or("None".to_owned(), |name| format!("'{name}'")),
                )));
            }
        };
        match status {
            Some(Status::Code(code)) => response.set_status(code)?,
            Some(Status::Line(line)) => response.set_status(line.as_str())?,
            None => {}
        }
        for (index, (name, value)) in headers.iter().enumerate() {
            let given_before = || {
                headers[..index]
                    .iter()
                    .any(|(before, _)| before.eq_ignore_ascii_case(name))
            };
            if is_body && name.eq_ignore_ascii_case("Content-Length") {
                // The body that stands beside it knows better.
            } else if is_body && given_before() {
                response.add_header(name, value)?;
            } else {
                response.set_header(name, value)?;
            }
        }
        Ok(response)
    }

    /// `app.json.response(value)`.
    pub(crate) fn json_response(&self, value: &crate::Value) -> Result<Response, Error> {
        let text = if self.config().settings().debug {
            json::dumps_pretty(value)?
        } else {
            json::dumps(value)?
        };
        let mut response = Response::new(text + "\n");
        response.set_mimetype("application/json")?;
        Ok(response)
    }

    /// The functions that this request asked for, then the after functions from the innermost blueprint
    /// out, each one's last first; then the session is saved.
    #[instrument(
        target = "carafe::lifecycle",
        level = "debug",
        name = "Flask.process_response",
        skip_all,
        err(Debug, level = "debug")
    )]
    fn process_response(&self, ctx: &RequestContext, response: &mut Response) -> Result<(), Error> {
        let mut index = 0;
        while let Some(hook) = ctx.after_request_function(index) {
            hook.run("after_this_request", |f| f(response))?;
            index += 1;
        }
        for functions in outwards(ctx) {
            for hook in functions.after_request_funcs.iter().rev() {
                hook.run("after_request", |f| f(response))?;
            }
        }
        let setup = ctx.setup();
        match ctx.session() {
            Some(session) if setup.session_interface.is_null_session(session) => Ok(()),
            session => save_session(self, setup, session.map(|session| &**session), response),
        }
    }

    /// Whether the error that ended a request is none to the teardown functions. Flask lets a subclass
    /// decide; here none is ignored.
    #[instrument(
        target = "carafe::lifecycle",
        level = "debug",
        name = "Flask.should_ignore_error",
        skip_all
    )]
    fn should_ignore_error(&self, _error: Option<&Error>) -> bool {
        false
    }

    /// The teardown functions from the innermost blueprint out, each one's last first.
    #[instrument(
        target = "carafe::lifecycle",
        level = "debug",
        name = "Flask.do_teardown_request",
        skip_all,
        err(Debug, level = "debug")
    )]
    pub(crate) fn do_teardown_request(
        &self,
        ctx: &RequestContext,
        exc: Option<&Error>,
    ) -> Result<(), Error> {
        for functions in outwards(ctx) {
            for hook in functions.teardown_request_funcs.iter().rev() {
                hook.run("teardown_request", |f| f(exc))?;
            }
        }
        signals::REQUEST_TEARING_DOWN.send(self, &exc.cloned())
    }

    /// The app context's teardown functions, the last first.
    #[instrument(
        target = "carafe::lifecycle",
        level = "debug",
        name = "Flask.do_teardown_appcontext",
        skip_all,
        err(Debug, level = "debug")
    )]
    pub(crate) fn do_teardown_appcontext(
        &self,
        setup: &Setup,
        exc: Option<&Error>,
    ) -> Result<(), Error> {
        for hook in setup.teardown_appcontext_funcs.iter().rev() {
            hook.run("teardown_appcontext", |f| f(exc))?;
        }
        signals::APPCONTEXT_TEARING_DOWN.send(self, &exc.cloned())
    }

    /// Lets the url_defaults functions add to the values of a URL that is about to be built: the app's
    /// first, then those of the endpoint's blueprints from the outermost in.
    pub(crate) fn inject_url_defaults(
        &self,
        setup: &Setup,
        endpoint: &str,
        values: &mut Dict,
    ) -> Result<(), Error> {
        let mut names = match endpoint.rsplit_once('.') {
            Some((blueprint, _)) => split_blueprint_path(blueprint),
            None => Vec::new(),
        };
        names.reverse();
        let of_blueprints = names
            .iter()
            .filter_map(|name| setup.blueprint_functions.get(*name));
        for functions in std::iter::once(&setup.functions).chain(of_blueprints) {
            for hook in &functions.url_default_functions {
                hook.run("url_defaults", |f| f(endpoint, values))?;
            }
        }
        Ok(())
    }
}

/// The functions of the request's blueprints from the innermost out, and the app's last.
fn outwards(ctx: &RequestContext) -> impl Iterator<Item = &Functions> {
    let setup: &Arc<Setup> = ctx.setup();
    let names = ctx.request().blueprints();
    let of_blueprints = names
        .into_iter()
        .filter_map(|name| setup.blueprint_functions.get(name));
    of_blueprints.chain(std::iter::once(&setup.functions))
}

/// The handler for an error. By code before by type; within each, the innermost blueprint's before the
/// app's; within one map, the most exact type: Flask's `_find_error_handler`.
fn find_error_handler<'a>(ctx: &'a RequestContext, e: &Error) -> Option<&'a Hook<ErrorHandler>> {
    let http = e.as_http();
    let by_code = http.map(|http| [CatchKey::Code(http.code)]);
    let by_type = [
        http.map_or(CatchKey::Type(e.type_id()), |_| CatchKey::Http),
        CatchKey::Any,
    ];
    let passes = by_code
        .as_ref()
        .map(|keys| &keys[..])
        .into_iter()
        .chain([&by_type[..]]);
    for keys in passes {
        for functions in outwards(ctx) {
            for key in keys {
                if let Some(handler) = functions.error_handler_spec.get(key) {
                    return Some(handler);
                }
            }
        }
    }
    None
}
