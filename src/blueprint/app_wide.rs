//! The `*_app_*` forms: registered through a blueprint, and in force for the whole app.
//!
//! Mirrors the second half of `flask/sansio/blueprints.py`.
//!
//! Read next: `lifecycle.rs`, to see in which order an app and its blueprints are asked.

use super::Blueprint;
use crate::error::Error;
use crate::hook::{
    after_hook, before_first_hook, before_hook, error_hook, teardown_hook, url_default_hook,
    url_value_hook,
};
use crate::scaffold::{Functions, Scaffold, check_error_code};
use crate::typing::{BeforeReturn, Catch, CatchKey, HookReturn, IntoReturnValue};
use crate::value::Dict;
use crate::view::ViewArgs;
use crate::wrappers::{HttpException, Response};

/// The `*_app_*` forms: registered through the blueprint, and in force for the whole app.
impl Blueprint {
    // ANCHOR: record_for_app
    fn record_for_app<R>(&mut self, change: impl Fn(&mut Functions) -> R + Send + Sync + 'static) {
        self.record_once(move |state| {
            state.app.setup_method("record", |to| change(to));
        });
    }
    // ANCHOR_END: record_for_app

    /// `@bp.before_app_first_request`.
    #[track_caller]
    pub fn before_app_first_request<F, R>(&mut self, f: F)
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: HookReturn,
    {
        let hook = before_first_hook(f);
        self.record_once(move |state| {
            let hook = hook.clone();
            state.app.change_setup("before_app_first_request", |setup| {
                setup.before_first_request_funcs.push(hook);
            });
        });
    }

    /// `@bp.before_app_request`.
    #[track_caller]
    pub fn before_app_request<F, R>(&mut self, f: F)
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: BeforeReturn,
    {
        let hook = before_hook(f);
        self.record_for_app(move |to| to.before_request_funcs.push(hook.clone()));
    }

    /// `@bp.after_app_request`.
    #[track_caller]
    pub fn after_app_request<F, R>(&mut self, f: F)
    where
        F: Fn(&mut Response) -> R + Send + Sync + 'static,
        R: HookReturn,
    {
        let hook = after_hook(f);
        self.record_for_app(move |to| to.after_request_funcs.push(hook.clone()));
    }

    /// `@bp.teardown_app_request`.
    #[track_caller]
    pub fn teardown_app_request<F, R>(&mut self, f: F)
    where
        F: Fn(Option<&Error>) -> R + Send + Sync + 'static,
        R: HookReturn,
    {
        let hook = teardown_hook(f);
        self.record_for_app(move |to| to.teardown_request_funcs.push(hook.clone()));
    }

    /// `@bp.app_url_value_preprocessor`.
    #[track_caller]
    pub fn app_url_value_preprocessor<F, R>(&mut self, f: F)
    where
        F: Fn(Option<&str>, Option<&mut ViewArgs>) -> R + Send + Sync + 'static,
        R: HookReturn,
    {
        let hook = url_value_hook(f);
        self.record_for_app(move |to| to.url_value_preprocessors.push(hook.clone()));
    }

    /// `@bp.app_url_defaults`.
    #[track_caller]
    pub fn app_url_defaults<F, R>(&mut self, f: F)
    where
        F: Fn(&str, &mut Dict) -> R + Send + Sync + 'static,
        R: HookReturn,
    {
        let hook = url_default_hook(f);
        self.record_for_app(move |to| to.url_default_functions.push(hook.clone()));
    }

    /// `@bp.app_errorhandler(code)`.
    ///
    /// # Panics
    /// Where `code` is not the code of an HTTP error.
    #[track_caller]
    pub fn app_errorhandler<F, R>(&mut self, code: u16, f: F)
    where
        F: Fn(&HttpException) -> R + Send + Sync + 'static,
        R: IntoReturnValue,
    {
        check_error_code(code);
        let hook = error_hook(f);
        let key = CatchKey::Code(code);
        self.record_for_app(move |to| to.error_handler_spec.insert(key, hook.clone()));
    }

    /// `@bp.app_errorhandler(SomeError)`.
    #[track_caller]
    pub fn app_errorhandler_for<E, F, R>(&mut self, f: F)
    where
        E: Catch,
        F: Fn(&E) -> R + Send + Sync + 'static,
        R: IntoReturnValue,
    {
        let hook = error_hook(f);
        self.record_for_app(move |to| to.error_handler_spec.insert(E::key(), hook.clone()));
    }
}
