//! `Scaffold`: what can be registered on an app and on a blueprint alike.
//!
//! Mirrors `flask/sansio/scaffold.py`. The functions go into a [`Functions`]: an app has one, a
//! blueprint has one until it is registered, and then the app keeps it under the blueprint's name.
//!
//! Read next: `app.rs` and `blueprint.rs`, the two scaffolds.

use std::collections::HashMap;

use crate::error::Error;
use crate::hook::{
    AfterFunction, BeforeFunction, ErrorHandler, Hook, LAMBDA, TeardownFunction,
    UrlDefaultFunction, UrlValuePreprocessor, ViewFunction, after_hook, before_hook, error_hook,
    function_name, teardown_hook, url_default_hook, url_value_hook, view_hook,
};
use crate::typing::{BeforeReturn, Catch, CatchKey, HookReturn, IntoReturnValue};
use crate::value::{Dict, Value};
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

/// The options of one URL rule: what Flask passes to `route` by keyword. A plain `&str` is a route
/// with none.
///
/// ```
/// use carafe::{App, Route, Scaffold};
/// let mut app = App::new("shop");
/// app.route("/", || "index");
/// app.route(Route::new("/cart").methods(["GET", "POST"]).endpoint("cart"), || "cart");
/// ```
#[derive(Clone, Debug)]
pub struct Route {
    pub(crate) rule: String,
    pub(crate) endpoint: Option<String>,
    pub(crate) methods: Option<Vec<String>>,
    pub(crate) defaults: Dict,
    pub(crate) strict_slashes: Option<bool>,
    pub(crate) merge_slashes: Option<bool>,
    pub(crate) provide_automatic_options: Option<bool>,
    pub(crate) blocking: Option<bool>,
}

impl Route {
    /// A rule in Werkzeug's syntax, such as `/user/<int:id>`.
    pub fn new(rule: impl Into<String>) -> Self {
        Route {
            rule: rule.into(),
            endpoint: None,
            methods: None,
            defaults: Dict::new(),
            strict_slashes: None,
            merge_slashes: None,
            provide_automatic_options: None,
            blocking: None,
        }
    }

    /// The endpoint's name. Without it a route takes the name of its view function, or of its rule
    /// where the view is a closure: `/user/<int:id>` is `user_id`, `/` is `index`. So of two closures for one rule,
    /// as for GET and for POST, one wants an endpoint:
    ///
    /// ```
    /// use carafe::{App, Route, Scaffold};
    /// let mut app = App::new("shop");
    /// app.get("/cart", || "what is in it");
    /// app.post(Route::new("/cart").endpoint("add_to_cart"), || "added");
    /// ```
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// The methods it answers to; GET without this. HEAD comes with GET.
    #[must_use]
    pub fn methods<M: Into<String>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.methods = Some(
            methods
                .into_iter()
                .map(|m| m.into().to_uppercase())
                .collect(),
        );
        self
    }

    /// One value that the view gets without its being in the URL.
    #[must_use]
    pub fn default(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.defaults.insert(name.into(), value.into());
        self
    }

    /// `strict_slashes`: with `false`, a missing or extra slash at the end makes no difference.
    #[must_use]
    pub fn strict_slashes(mut self, strict: bool) -> Self {
        self.strict_slashes = Some(strict);
        self
    }

    /// `merge_slashes`: with `false`, `//` in a path is kept and not redirected.
    #[must_use]
    pub fn merge_slashes(mut self, merge: bool) -> Self {
        self.merge_slashes = Some(merge);
        self
    }

    /// `provide_automatic_options`: with `false`, OPTIONS is not answered for the view.
    #[must_use]
    pub fn provide_automatic_options(mut self, provide: bool) -> Self {
        self.provide_automatic_options = Some(provide);
        self
    }

    /// Whether the view, or a function that runs before or after it, may make its thread wait: for a
    /// database, a lock, another server. A server runs what does not wait where it is, and what does on a thread of its pool.
    /// Without this it watches the route for a while, and treats it as one that waits until then.
    #[must_use]
    pub fn blocking(mut self, blocking: bool) -> Self {
        self.blocking = Some(blocking);
        self
    }
}

impl From<&str> for Route {
    fn from(rule: &str) -> Self {
        Route::new(rule)
    }
}

impl From<String> for Route {
    fn from(rule: String) -> Self {
        Route::new(rule)
    }
}

/// What a closure's endpoint is called: the words of its rule.
fn endpoint_from_rule(rule: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for piece in rule
        .split(['/', '<', '>', '.'])
        .filter(|piece| !piece.is_empty())
    {
        // "int(min=1):id" is the variable id.
        let name = piece.rsplit(':').next().unwrap_or(piece);
        words.push(name.replace(|c: char| !c.is_alphanumeric(), "_"));
    }
    if words.is_empty() {
        "index".to_owned()
    } else {
        words.join("_")
    }
}

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
    /// `f_name` came too late. Flask: `@setupmethod`.
    #[doc(hidden)]
    fn setup_method(&mut self, f_name: &str, change: impl FnOnce(&mut Functions))
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
            None if function_name::<V>() == LAMBDA => endpoint_from_rule(&route.rule),
            None => function_name::<V>().to_owned(),
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
        self.setup_method("errorhandler", |to| {
            to.error_handler_spec.insert(key, hook);
        });
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
            to.error_handler_spec.insert(E::key(), hook);
        });
    }
}
