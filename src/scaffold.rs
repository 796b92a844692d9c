//! `Scaffold`: what can be registered on an app and on a blueprint alike.
//!
//! Mirrors `flask/sansio/scaffold.py`. The functions go into a [`Functions`]: an app has one, a
//! blueprint has one until it is registered, and then the app keeps it under the blueprint's name.
//!
//! Read next: `scaffold/route.rs`, then `app.rs` and `blueprint.rs`, the two scaffolds.

mod route;

use std::collections::HashMap;

pub use route::Route;
use route::endpoint_from_rule;

use crate::error::Error;
use crate::hook::{
    AfterFunction, BeforeFunction, ErrorHandler, Hook, LAMBDA, TeardownFunction,
    UrlDefaultFunction, UrlValuePreprocessor, ViewFunction, after_hook, before_hook, error_hook,
    teardown_hook, url_default_hook, url_value_hook, view_hook,
};
use crate::typing::{BeforeReturn, Catch, CatchKey, HookReturn, IntoReturnValue};
use crate::value::Dict;
use crate::view::{View, ViewArgs};
use crate::wrappers::exceptions::default_exception;
use crate::wrappers::{HttpException, Response};

// ANCHOR: functions
/// The functions that an app or one blueprint has registered, each kind in order.
#[derive(Clone, Debug, Default)]
pub struct Functions {
    pub(crate) url_value_preprocessors: Vec<Hook<UrlValuePreprocessor>>,
    pub(crate) url_default_functions: Vec<Hook<UrlDefaultFunction>>,
    pub(crate) before_request_funcs: Vec<Hook<BeforeFunction>>,
    pub(crate) after_request_funcs: Vec<Hook<AfterFunction>>,
    pub(crate) teardown_request_funcs: Vec<Hook<TeardownFunction>>,
    pub(crate) error_handler_spec: HashMap<CatchKey, Hook<ErrorHandler>>,
}
// ANCHOR_END: functions

/// Refuses a handler for what is no HTTP error.
#[track_caller]
pub(crate) fn check_error_code(code: u16) {
    assert!(
        default_exception(code).is_some(),
        "'{code}' is not a recognized HTTP error code."
    );
}

/// Registration, the same for an [`App`](crate::App) and a [`Blueprint`](crate::Blueprint). Every
/// method is named as Flask's decorator is.
///
/// # Panics
/// Every method does, with Flask's words, once the app has handled its first request.
pub trait Scaffold {
    /// Changes the functions registered so far, unless setup is over: then it panics and says that
    /// `f_name` came too late. `change` gives back what it replaced, as `App::change_setup` says. Flask: `@setupmethod`.
    #[doc(hidden)]
    fn setup_method<R>(&mut self, f_name: &str, change: impl FnOnce(&mut Functions) -> R) -> R
    where
        Self: Sized;

    /// Adds a rule, and its view where there is one.
    #[doc(hidden)]
    fn add_rule(&mut self, route: Route, endpoint: &str, view: Option<Hook<ViewFunction>>)
    where
        Self: Sized;

    /// Gives an endpoint its view, in place of the one it may have.
    #[doc(hidden)]
    fn set_endpoint(&mut self, endpoint: &str, view: Hook<ViewFunction>)
    where
        Self: Sized;

    /// `@app.get`: a route for GET.
    #[track_caller]
    fn get<A, V: View<A>>(&mut self, route: impl Into<Route>, view: V)
    where
        Self: Sized,
    {
        self.setup_method("get", |_| ());
        self.route(route.into().methods(["GET"]), view);
    }

    /// `@app.post`: a route for POST.
    #[track_caller]
    fn post<A, V: View<A>>(&mut self, route: impl Into<Route>, view: V)
    where
        Self: Sized,
    {
        self.setup_method("post", |_| ());
        self.route(route.into().methods(["POST"]), view);
    }

    /// `@app.put`: a route for PUT.
    #[track_caller]
    fn put<A, V: View<A>>(&mut self, route: impl Into<Route>, view: V)
    where
        Self: Sized,
    {
        self.setup_method("put", |_| ());
        self.route(route.into().methods(["PUT"]), view);
    }

    /// `@app.delete`: a route for DELETE.
    #[track_caller]
    fn delete<A, V: View<A>>(&mut self, route: impl Into<Route>, view: V)
    where
        Self: Sized,
    {
        self.setup_method("delete", |_| ());
        self.route(route.into().methods(["DELETE"]), view);
    }

    /// `@app.patch`: a route for PATCH.
    #[track_caller]
    fn patch<A, V: View<A>>(&mut self, route: impl Into<Route>, view: V)
    where
        Self: Sized,
    {
        self.setup_method("patch", |_| ());
        self.route(route.into().methods(["PATCH"]), view);
    }

    /// `@app.route`: a rule and its view.
    ///
    /// # Panics
    /// Where the rule is malformed, or its endpoint already has another view; a closure's is the one of
    /// [its rule](Route::endpoint).
    #[track_caller]
    fn route<A, V: View<A>>(&mut self, route: impl Into<Route>, view: V)
    where
        Self: Sized,
    {
        // For the name of it in the message where setup is over.
        self.setup_method("route", |_| ());
        let route = route.into();
        let endpoint = match &route.endpoint {
            Some(endpoint) => endpoint.clone(),
            None if view.name() == LAMBDA => endpoint_from_rule(&route.rule),
            None => view.name().to_owned(),
        };
        self.add_rule(route, &endpoint, Some(view_hook(view)));
    }

    /// `app.add_url_rule(rule, endpoint, view_func)`.
    ///
    /// # Panics
    /// Where the rule is malformed, or `endpoint` already has another view.
    #[track_caller]
    fn add_url_rule<A, V: View<A>>(&mut self, route: impl Into<Route>, endpoint: &str, view: V)
    where
        Self: Sized,
    {
        self.add_rule(route.into(), endpoint, Some(view_hook(view)));
    }

    /// `app.add_url_rule(rule, endpoint)`: one more rule for an endpoint whose view is given elsewhere.
    ///
    /// # Panics
    /// Where the rule is malformed.
    #[track_caller]
    fn add_endpoint_rule(&mut self, route: impl Into<Route>, endpoint: &str)
    where
        Self: Sized,
    {
        self.add_rule(route.into(), endpoint, None);
    }

    /// `@app.endpoint`: the view of an endpoint whose rules are given elsewhere, in place of the one that it may
    /// have. A blueprint puts no name before it: its own endpoint is `"shop.index"` here.
    #[track_caller]
    fn endpoint<A, V: View<A>>(&mut self, endpoint: &str, view: V)
    where
        Self: Sized,
    {
        self.set_endpoint(endpoint, view_hook(view));
    }

    /// `@app.before_request`: runs before the view; `Some(response)` answers in its place.
    #[track_caller]
    fn before_request<F, R>(&mut self, f: F)
    where
        Self: Sized,
        F: Fn() -> R + Send + Sync + 'static,
        R: BeforeReturn,
    {
        let hook = before_hook(f);
        self.setup_method("before_request", |to| to.before_request_funcs.push(hook));
    }

    /// `@app.after_request`: may change the response, or replace it by assigning to it.
    #[track_caller]
    fn after_request<F, R>(&mut self, f: F)
    where
        Self: Sized,
        F: Fn(&mut Response) -> R + Send + Sync + 'static,
        R: HookReturn,
    {
        let hook = after_hook(f);
        self.setup_method("after_request", |to| to.after_request_funcs.push(hook));
    }

    /// `@app.teardown_request`: runs when the request context is popped, with the error that was not
    /// handled, if any.
    #[track_caller]
    fn teardown_request<F, R>(&mut self, f: F)
    where
        Self: Sized,
        F: Fn(Option<&Error>) -> R + Send + Sync + 'static,
        R: HookReturn,
    {
        let hook = teardown_hook(f);
        self.setup_method("teardown_request", |to| {
            to.teardown_request_funcs.push(hook);
        });
    }

    /// `@app.url_value_preprocessor`: sees the endpoint and the view arguments before any before
    /// function, and may change them. Both are `None` where no rule matched.
    #[track_caller]
    fn url_value_preprocessor<F, R>(&mut self, f: F)
    where
        Self: Sized,
        F: Fn(Option<&str>, Option<&mut ViewArgs>) -> R + Send + Sync + 'static,
        R: HookReturn,
    {
        let hook = url_value_hook(f);
        self.setup_method("url_value_preprocessor", |to| {
            to.url_value_preprocessors.push(hook);
        });
    }

    /// `@app.url_defaults`: may add values that `url_for` was not given.
    #[track_caller]
    fn url_defaults<F, R>(&mut self, f: F)
    where
        Self: Sized,
        F: Fn(&str, &mut Dict) -> R + Send + Sync + 'static,
        R: HookReturn,
    {
        let hook = url_default_hook(f);
        self.setup_method("url_defaults", |to| to.url_default_functions.push(hook));
    }

    /// `@app.errorhandler(code)`.
    ///
    /// What is a subclass in Python, like an extension's `CSRFError(BadRequest)`, is an error with an
    /// [`original_exception`](HttpException::original_exception) here. Whoever handles 400 gets it, and may look:
    ///
    /// ```
    /// use carafe::{App, Error, HttpException, Scaffold};
    ///
    /// #[derive(Debug)]
    /// struct CsrfError;
    /// impl std::error::Error for CsrfError {}
    /// impl std::fmt::Display for CsrfError {
    ///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    ///         f.write_str("The CSRF token is missing.")
    ///     }
    /// }
    ///
    /// fn protect() -> Result<(), Error> {
    ///     let mut http = HttpException::new(400).with_description(CsrfError.to_string());
    ///     http.original_exception = Some(CsrfError.into());
    ///     Err(http.into())
    /// }
    ///
    /// let mut app = App::new("shop");
    /// app.before_request(protect);
    /// app.errorhandler(400, |http| match &http.original_exception {
    ///     Some(error) if error.is::<CsrfError>() => ("Please send the form again.".to_owned(), 400),
    ///     _ => (http.description(), 400),
    /// });
    /// assert_eq!(app.test_client().post("/").send()?.text(), "Please send the form again.");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Panics
    /// Where `code` is not the code of an HTTP error.
    #[track_caller]
    fn errorhandler<F, R>(&mut self, code: u16, f: F)
    where
        Self: Sized,
        F: Fn(&HttpException) -> R + Send + Sync + 'static,
        R: IntoReturnValue,
    {
        check_error_code(code);
        let hook = error_hook(f);
        let key = CatchKey::Code(code);
        self.setup_method("errorhandler", |to| to.error_handler_spec.insert(key, hook));
    }

    /// `@app.errorhandler(SomeError)`: the closure's argument says which type. Take `&HttpException`
    /// for all HTTP errors, `&carafe::Error` for any error.
    #[track_caller]
    fn errorhandler_for<E, F, R>(&mut self, f: F)
    where
        Self: Sized,
        E: Catch,
        F: Fn(&E) -> R + Send + Sync + 'static,
        R: IntoReturnValue,
    {
        let hook = error_hook(f);
        self.setup_method("errorhandler", |to| {
            to.error_handler_spec.insert(E::key(), hook)
        });
    }
}
