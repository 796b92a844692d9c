//! `Hook`: a registered function, as the app keeps it.
//!
//! Flask keeps the functions themselves. Here each kind of function is one boxed type, beside its name
//! and the place where it was registered, because that is what a trace has to say of it.
//!
//! Read next: `scaffold.rs`, which registers them, and `lifecycle.rs`, which calls them.

use std::any::{TypeId, type_name};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use tracing::Span;

use crate::error::Error;
use crate::trace::{in_span, somebody_listens};
use crate::typing::{BeforeReturn, Catch, HookReturn, IntoReturnValue, ReturnValue};
use crate::value::Dict;
use crate::view::{View, ViewArgs};
use crate::wrappers::Response;

/// A registered function with what a trace says of it.
#[doc(hidden)]
// ANCHOR: hook
pub struct Hook<F: ?Sized> {
    pub(crate) func: Arc<F>,
    pub(crate) name: &'static str,
    pub(crate) location: &'static Location<'static>,
    /// The type of a function that holds no values: then the type says which function it is.
    stateless: Option<TypeId>,
}
// ANCHOR_END: hook

impl<F: ?Sized> Clone for Hook<F> {
    fn clone(&self) -> Self {
        Hook {
            func: Arc::clone(&self.func),
            name: self.name,
            location: self.location,
            stateless: self.stateless,
        }
    }
}

impl<F: ?Sized> fmt::Debug for Hook<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.name, self.location)
    }
}

impl<F: ?Sized> Hook<F> {
    /// Keeps `func` with the name of the type `T` it was given as and the place it was given at.
    #[track_caller]
    pub(crate) fn new<T: 'static>(func: Arc<F>) -> Self {
        Hook {
            func,
            name: function_name::<T>(),
            location: Location::caller(),
            stateless: (size_of::<T>() == 0).then(TypeId::of::<T>),
        }
    }

    /// Whether both are the same function: Python's `a == b` of two functions.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let same_type = self.stateless.is_some() && self.stateless == other.stateless;
        same_type || Arc::ptr_eq(&self.func, &other.func)
    }
}

impl Hook<ViewFunction> {
    /// What to do where another view has this endpoint already: nothing to say where the app chose it itself.
    pub(crate) fn endpoint_hint(&self, endpoint: &str) -> &'static str {
        let own = endpoint.rsplit('.').next();
        if self.name == LAMBDA {
            "\nA closure's endpoint is named after its rule, unless the route names it: \
             Route::new(rule).endpoint(name)."
        } else if own == Some(self.name) {
            "\nAn endpoint is named after its view (View::name), unless the route names it: \
             Route::new(rule).endpoint(name). One more rule for the same view: add_endpoint_rule(rule, endpoint)."
        } else {
            ""
        }
    }
}

/// What Python calls a function without a name.
pub(crate) const LAMBDA: &str = "<lambda>";

/// The last word of a function's type name: Python's `__name__`. A closure is a `<lambda>`, and so is a pointer
/// to a function, whose type does not say which one it is.
pub(crate) fn function_name<T: ?Sized>() -> &'static str {
    let name = type_name::<T>();
    if name.ends_with("{{closure}}") || name.starts_with("fn(") {
        return LAMBDA;
    }
    let bare = without_arguments(name);
    bare.rsplit("::").next().unwrap_or(bare)
}

/// Takes the arguments off the end of a generic function's name: they may hold paths of their own. Those of a type
/// whose method it is stand before the name, as does the type of a trait's: `<Shop as Pages>::index`.
fn without_arguments(name: &str) -> &str {
    if !name.ends_with('>') {
        return name;
    }
    let mut open = 0;
    for (at, bracket) in name.rmatch_indices(['<', '>']) {
        match bracket {
            // The arrow of a function's type.
            ">" if name[..at].ends_with('-') => {}
            ">" => open += 1,
            _ => open -= 1,
        }
        if open == 0 {
            return &name[..at];
        }
    }
    name
}

// ANCHOR: function_types
pub(crate) type ViewFunction = dyn Fn(ViewArgs) -> Result<ReturnValue, Error> + Send + Sync;
pub(crate) type BeforeFunction = dyn Fn() -> Result<Option<ReturnValue>, Error> + Send + Sync;
pub(crate) type BeforeFirstFunction = dyn Fn() -> Result<(), Error> + Send + Sync;
pub(crate) type AfterFunction = dyn Fn(&mut Response) -> Result<(), Error> + Send + Sync;
pub(crate) type TeardownFunction = dyn Fn(Option<&Error>) -> Result<(), Error> + Send + Sync;
pub(crate) type UrlValuePreprocessor =
    dyn Fn(Option<&str>, Option<&mut ViewArgs>) -> Result<(), Error> + Send + Sync;
pub(crate) type UrlDefaultFunction = dyn Fn(&str, &mut Dict) -> Result<(), Error> + Send + Sync;
pub(crate) type ErrorHandler = dyn Fn(&Error) -> Result<ReturnValue, Error> + Send + Sync;
// ANCHOR_END: function_types

#[track_caller]
// ANCHOR: view_hook
pub(crate) fn view_hook<A, V: View<A>>(view: V) -> Hook<ViewFunction> {
    let name = view.name();
    let func: Arc<ViewFunction> = Arc::new(move |args| view.call(args));
    Hook {
        name,
        ..Hook::new::<V>(func)
    }
}
// ANCHOR_END: view_hook

#[track_caller]
pub(crate) fn before_hook<F, R>(f: F) -> Hook<BeforeFunction>
where
    F: Fn() -> R + Send + Sync + 'static,
    R: BeforeReturn,
{
    Hook::new::<F>(Arc::new(move || f().into_answer()))
}

#[track_caller]
pub(crate) fn before_first_hook<F, R>(f: F) -> Hook<BeforeFirstFunction>
where
    F: Fn() -> R + Send + Sync + 'static,
    R: HookReturn,
{
    Hook::new::<F>(Arc::new(move || f().into_result()))
}

#[track_caller]
pub(crate) fn after_hook<F, R>(f: F) -> Hook<AfterFunction>
where
    F: Fn(&mut Response) -> R + Send + Sync + 'static,
    R: HookReturn,
{
    Hook::new::<F>(Arc::new(move |response: &mut Response| {
        f(response).into_result()
    }))
}

#[track_caller]
pub(crate) fn teardown_hook<F, R>(f: F) -> Hook<TeardownFunction>
where
    F: Fn(Option<&Error>) -> R + Send + Sync + 'static,
    R: HookReturn,
{
    Hook::new::<F>(Arc::new(move |error: Option<&Error>| {
        f(error).into_result()
    }))
}

#[track_caller]
pub(crate) fn url_value_hook<F, R>(f: F) -> Hook<UrlValuePreprocessor>
where
    F: Fn(Option<&str>, Option<&mut ViewArgs>) -> R + Send + Sync + 'static,
    R: HookReturn,
{
    Hook::new::<F>(Arc::new(
        move |endpoint: Option<&str>, values: Option<&mut ViewArgs>| {
            f(endpoint, values).into_result()
        },
    ))
}

#[track_caller]
pub(crate) fn url_default_hook<F, R>(f: F) -> Hook<UrlDefaultFunction>
where
    F: Fn(&str, &mut Dict) -> R + Send + Sync + 'static,
    R: HookReturn,
{
    Hook::new::<F>(Arc::new(move |endpoint: &str, values: &mut Dict| {
        f(endpoint, values).into_result()
    }))
}

#[track_caller]
pub(crate) fn error_hook<E, F, R>(f: F) -> Hook<ErrorHandler>
where
    E: Catch,
    F: Fn(&E) -> R + Send + Sync + 'static,
    R: IntoReturnValue,
{
    Hook::new::<F>(Arc::new(move |error: &Error| match E::caught(error) {
        Some(caught) => f(caught).into_return_value(),
        // The lookup found this handler by the error's own type, so this cannot happen; were it to,
        // the error goes on as if it had no handler.
        None => Err(error.clone()),
    }))
}

impl<F: ?Sized> Hook<F> {
    /// Calls the function, in a span that says what it is: `kind` is the decorator's name.
    pub(crate) fn run<R>(
        &self,
        kind: &'static str,
        call: impl FnOnce(&F) -> Result<R, Error>,
    ) -> Result<R, Error> {
        if somebody_listens() {
            return in_span(move || self.span(kind), move || call(&self.func));
        }
        call(&self.func)
    }

    fn span(&self, kind: &'static str) -> Span {
        tracing::debug_span!(
            target: "carafe::hook",
            "hook",
            kind,
            name = self.name,
            file = self.location.file(),
            line = self.location.line(),
        )
    }
}
