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
//! Read next: `lifecycle/errors.rs` and `lifecycle/response.rs`, the parts of it that stand aside so that
//! the order can be seen here; `context/request_context.rs` for push and pop, `session/secure_cookie.rs` for the
//! session, `trace/` for the recording.

mod errors;
mod response;

use std::sync::{Arc, PoisonError};

use crate::app::App;
use crate::context::RequestContext;
use crate::error::{Error, catch};
use crate::logging;
use crate::request::split_blueprint_path;
use crate::scaffold::Functions;
use crate::session::save_session;
use crate::setup::Setup;
use crate::signals;
use crate::trace::{self, stage};
use crate::typing::{IntoReturnValue, ReturnValue};
use crate::value::Dict;
use crate::wrappers::{HttpException, Response};
use crate::wsgi::{Body, Environ, Pace, StartResponse, WsgiApp};

impl WsgiApp for App {
    fn call(
        &self,
        environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<Body, Error> {
        self.wsgi_app(environ, start_response)
    }

    fn pace(&self, environ: &Environ) -> Option<&Arc<Pace>> {
        self.pace(environ)
    }
}

/// The functions that Flask calls on the way, in the order in which it calls them.
impl App {
    /// Answers one request: `Flask.wsgi_app`. A server calls this for each one.
    ///
    /// # Errors
    /// An error that leaves the app: an unhandled one where TESTING, DEBUG or PROPAGATE_EXCEPTIONS say
    /// so, one that a 500 handler raised, or one that a teardown function raised.
    #[inline(always)]
    // ANCHOR: wsgi_app
    pub fn wsgi_app(
        &self,
        environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<Body, Error> {
        let _asked = trace::ask_once();
        stage!("Flask.wsgi_app", self.wsgi_app(environ, start_response));
        let ctx = self.request_context(environ);
        let mut error = None;
        let result = catch(|| {
            let mut response = catch(|| {
                ctx.push()?;
                self.full_dispatch_request(&ctx)
            });
            if let Err(e) = response {
                response = self.handle_exception(&ctx, error.insert(e));
            }
            // Asked where it is: a response is large, and to move it would take its time.
            let response = response.as_mut().map_err(|e| e.clone())?;
            let (status, headers, body) = response.get_wsgi_response(ctx.request().http_method());
            start_response.start_response(status, headers);
            Ok(body)
        });
        // Here goes what the app keeps in `g` and in its errors: a `Drop` of theirs may panic, too.
        catch(move || {
            ctx.preserve();
            if self.should_ignore_error(error.as_ref()) {
                error = None;
            }
            ctx.auto_pop(error.as_ref())
        })?;
        result
    }
    // ANCHOR_END: wsgi_app

    /// Dispatches the request, handles what it raised, and finalizes the response.
    #[inline(always)]
    // ANCHOR: full_dispatch_request
    fn full_dispatch_request(&self, ctx: &RequestContext) -> Result<Response, Error> {
        stage!(
            "Flask.full_dispatch_request",
            self.full_dispatch_request(ctx)
        );
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
    // ANCHOR_END: full_dispatch_request

    /// Runs the before_first_request functions, once all of them have succeeded never again. Other
    /// threads' first requests wait until they are done.
    #[inline(always)]
    // ANCHOR: try_trigger_before_first_request_functions
    fn try_trigger_before_first_request_functions(
        &self,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        stage!(
            "Flask.try_trigger_before_first_request_functions",
            self.try_trigger_before_first_request_functions(ctx)
        );
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
    // ANCHOR_END: try_trigger_before_first_request_functions

    /// The URL value preprocessors, then the before functions, until one answers. A test of code that counts on
    /// them may call it in a context of its own.
    ///
    /// ```
    /// use carafe::{App, Scaffold, g};
    /// let mut app = App::new("shop");
    /// app.before_request(|| g().set("user", "jack"));
    /// let ctx = app.test_request_context("/")?;
    /// ctx.with(|| {
    ///     assert!(app.preprocess_request(&ctx)?.is_none());
    ///     assert_eq!(g().get("user"), Some("jack"));
    ///     Ok::<_, carafe::Error>(())
    /// })??;
    /// # Ok::<(), carafe::Error>(())
    /// ```
    ///
    /// # Errors
    /// What one of them failed with.
    #[inline(always)]
    // ANCHOR: preprocess_request
    pub fn preprocess_request(&self, ctx: &RequestContext) -> Result<Option<ReturnValue>, Error> {
        stage!("Flask.preprocess_request", self.preprocess_request(ctx));
        let request = ctx.request();
        for functions in inwards(ctx) {
            for hook in &functions.url_value_preprocessors {
                request.with_view_args(|endpoint, view_args| {
                    hook.run("url_value_preprocessor", |f| f(endpoint, view_args))
                })?;
            }
        }
        for functions in inwards(ctx) {
            for hook in &functions.before_request_funcs {
                if let Some(answer) = hook.run("before_request", |f| f())? {
                    return Ok(Some(answer));
                }
            }
        }
        Ok(None)
    }
    // ANCHOR_END: preprocess_request

    /// Raises what the match failed with, or else calls the view.
    #[inline(always)]
    // ANCHOR: dispatch_request
    fn dispatch_request(&self, ctx: &RequestContext) -> Result<ReturnValue, Error> {
        stage!("Flask.dispatch_request", self.dispatch_request(ctx));
        let request = ctx.request();
        if let Some(error) = request.routing_exception() {
            return Err(error);
        }
        let Some(rule) = request.url_rule() else {
            return Err(HttpException::not_found().into());
        };
        if rule.provide_automatic_options && request.method() == "OPTIONS" {
            return self.make_default_options_response(ctx).into_return_value();
        }
        let Some(view) = ctx.setup().view_functions.get(&rule.endpoint) else {
            return Err(Error::lookup(format!(
                "no view function for {:?}",
                rule.endpoint
            )));
        };
        view.run("view", |f| f(request.view_args().unwrap_or_default()))
    }
    // ANCHOR_END: dispatch_request

    fn make_default_options_response(&self, ctx: &RequestContext) -> Response {
        let mut response = Response::new("");
        if let Some(url_adapter) = ctx.url_adapter() {
            let methods = url_adapter.allowed_methods(&ctx.setup().url_map, ctx.request());
            response.allow_update(methods.iter().map(String::as_str));
        }
        response
    }

    /// Makes the response and has it processed. `from_error_handler`: this is the 500, so a failure on
    /// the way is logged, and the response is sent as far as it got.
    #[inline(always)]
    // ANCHOR: finalize_request
    fn finalize_request(
        &self,
        ctx: &RequestContext,
        rv: ReturnValue,
        from_error_handler: bool,
    ) -> Result<Response, Error> {
        stage!(
            "Flask.finalize_request",
            self.finalize_request(ctx, rv, from_error_handler)
        );
        let mut made = self.make_response_for(rv, Some(ctx.request()));
        let Ok(response) = &mut made else {
            return made;
        };
        let processed = catch(|| {
            self.process_response(ctx, response)?;
            signals::REQUEST_FINISHED.send(self, response)
        });
        if let Err(e) = processed {
            if !from_error_handler {
                return Err(e);
            }
            logging::error(
                "Request finalizing failed with an error while handling an error",
                &e,
            );
        }
        made
    }
    // ANCHOR_END: finalize_request

    /// The functions that this request asked for, then the after functions from the innermost blueprint
    /// out, each one's last first; then the session is saved.
    #[inline(always)]
    // ANCHOR: process_response
    fn process_response(&self, ctx: &RequestContext, response: &mut Response) -> Result<(), Error> {
        stage!(
            "Flask.process_response",
            self.process_response(ctx, response)
        );
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
            session => {
                let session = session.map(|session| &**session);
                save_session(setup, ctx.settings(), session, response)
            }
        }
    }
    // ANCHOR_END: process_response

    /// Whether the error that ended a request is none to the teardown functions. Flask lets a subclass
    /// decide; here none is ignored.
    #[inline(always)]
    fn should_ignore_error(&self, _error: Option<&Error>) -> bool {
        stage!(
            "Flask.should_ignore_error",
            self.should_ignore_error(_error)
        );
        false
    }

    /// The teardown functions from the innermost blueprint out, each one's last first.
    #[inline(always)]
    // ANCHOR: do_teardown_request
    pub(crate) fn do_teardown_request(
        &self,
        ctx: &RequestContext,
        exc: Option<&Error>,
    ) -> Result<(), Error> {
        stage!(
            "Flask.do_teardown_request",
            self.do_teardown_request(ctx, exc)
        );
        for functions in outwards(ctx) {
            for hook in functions.teardown_request_funcs.iter().rev() {
                hook.run("teardown_request", |f| f(exc))?;
            }
        }
        signals::REQUEST_TEARING_DOWN.send(self, &exc.cloned())
    }
    // ANCHOR_END: do_teardown_request

    /// The app context's teardown functions, the last first.
    #[inline(always)]
    // ANCHOR: do_teardown_appcontext
    pub(crate) fn do_teardown_appcontext(
        &self,
        setup: &Setup,
        exc: Option<&Error>,
    ) -> Result<(), Error> {
        stage!(
            "Flask.do_teardown_appcontext",
            self.do_teardown_appcontext(setup, exc)
        );
        for hook in setup.teardown_appcontext_funcs.iter().rev() {
            hook.run("teardown_appcontext", |f| f(exc))?;
        }
        signals::APPCONTEXT_TEARING_DOWN.send(self, &exc.cloned())
    }
    // ANCHOR_END: do_teardown_appcontext

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

// ANCHOR: inwards
/// The app's functions first, then those of the request's blueprints from the outermost in.
fn inwards(ctx: &RequestContext) -> impl Iterator<Item = &Functions> {
    let setup = ctx.setup();
    let names = ctx.request().blueprints().into_iter().rev();
    let of_blueprints = names.filter_map(|name| setup.blueprint_functions.get(name));
    std::iter::once(&setup.functions).chain(of_blueprints)
}
// ANCHOR_END: inwards

// ANCHOR: outwards
/// The functions of the request's blueprints from the innermost out, and the app's last.
fn outwards(ctx: &RequestContext) -> impl Iterator<Item = &Functions> {
    let setup = ctx.setup();
    let names = ctx.request().blueprints();
    let of_blueprints = names
        .into_iter()
        .filter_map(|name| setup.blueprint_functions.get(name));
    of_blueprints.chain(std::iter::once(&setup.functions))
}
// ANCHOR_END: outwards
