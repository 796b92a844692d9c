//! `Error`: whatever can go wrong between the socket and the view, in one small value.
//!
//! Python raises any object and Flask sorts them afterwards: an `HTTPException` is an answer, everything
//! else is a mistake that becomes a 500. [`Error`] keeps that difference. It is made by `?` from any
//! error type, is one word wide, and can be cloned, because error handlers, teardown functions,
//! signals and `InternalServerError.original_exception` all look at the same error.
//!
//! Read next: `wrappers/exceptions.rs` (the HTTP errors), `lifecycle.rs` (who catches what).

use std::any::{Any, TypeId};
use std::error::Error as StdError;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;

use crate::wrappers::exceptions::HttpException;

/// One error: an HTTP error, an error of the app's, or a panic.
///
/// Like `anyhow::Error` it does not implement [`std::error::Error`] itself; that is what lets `?` turn
/// every type that does into an `Error`.
///
/// ```
/// use carafe::error::Error;
/// use carafe::wrappers::exceptions::HttpException;
///
/// fn read() -> Result<i32, Error> {
///     Ok("seven".parse::<i32>()?)
/// }
/// let error = read().unwrap_err();
/// assert_eq!(error.type_name(), "ParseIntError");
/// assert!(error.location().is_some());
/// assert!(error.is::<std::num::ParseIntError>());
///
/// let error = Error::from(HttpException::new(404));
/// assert_eq!(error.type_name(), "NotFound");
/// assert_eq!(error.as_http().map(|http| http.code), Some(404));
/// ```
#[derive(Clone)]
pub struct Error(Arc<Kind>);

// ANCHOR: kind
enum Kind {
    Http(HttpException),
    App {
        error: Box<dyn StdError + Send + Sync>,
        type_name: &'static str,
        type_id: TypeId,
        /// Where it became one: the `?`, or the constructor's call.
        location: &'static Location<'static>,
    },
    Panic(Panic),
}
// ANCHOR_END: kind

/// The error that a panic in a view, a hook or a handler becomes.
#[derive(Clone, Debug)]
pub struct Panic {
    message: String,
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Panic {}

/// One of Python's built-in exceptions, where Flask raises one: its class name and its message.
///
/// `?` turns it into an [`Error`] whose [`Error::type_name`] is the Python class name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PyError {
    /// Python's class name, like `"RuntimeError"`.
    pub kind: &'static str,
    /// What Python's `str(error)` gives.
    pub message: String,
}

impl fmt::Display for PyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for PyError {}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    #[track_caller]
    fn from(error: E) -> Self {
        // One generic impl has to serve every type, and Rust has no second, more special one. So ask
        // for the two types that are not the app's own, as a downcast.
        let mut slot = Some(error);
        let any: &mut dyn Any = &mut slot;
        if let Some(http) = any.downcast_mut::<Option<HttpException>>() {
            if let Some(http) = http.take() {
                return Self(Arc::new(Kind::Http(http)));
            }
        } else if let Some(panic) = any.downcast_mut::<Option<Panic>>()
            && let Some(panic) = panic.take()
        {
            return Self(Arc::new(Kind::Panic(panic)));
        }
        match slot {
            Some(error) => Self::app(error),
            // Not reached: the slot is emptied only where this function returns above.
            None => Self::runtime("an error was lost"),
        }
    }
}

impl Error {
    #[track_caller]
    fn app<E: StdError + Send + Sync + 'static>(error: E) -> Self {
        let any: &dyn Any = &error;
        let type_name = match any.downcast_ref::<PyError>() {
            Some(error) => error.kind,
            None => short_type_name::<E>(),
        };
        Self(Arc::new(Kind::App {
            error: Box::new(error),
            type_name,
            type_id: TypeId::of::<E>(),
            location: Location::caller(),
        }))
    }

    /// An error with the name of one of Python's exception classes.
    #[track_caller]
    #[cold]
    pub fn python(kind: &'static str, message: impl Into<String>) -> Self {
        Self::app(PyError {
            kind,
            message: message.into(),
        })
    }

    /// Python's `RuntimeError`.
    #[track_caller]
    #[cold]
    pub fn runtime(message: impl Into<String>) -> Self {
        Self::python("RuntimeError", message)
    }

    /// Python's `TypeError`.
    #[track_caller]
    #[cold]
    pub fn type_error(message: impl Into<String>) -> Self {
        Self::python("TypeError", message)
    }

    /// Python's `ValueError`.
    #[track_caller]
    #[cold]
    pub fn value_error(message: impl Into<String>) -> Self {
        Self::python("ValueError", message)
    }

    /// Python's `AssertionError`.
    #[track_caller]
    #[cold]
    pub fn assertion(message: impl Into<String>) -> Self {
        Self::python("AssertionError", message)
    }

    /// Python's `LookupError`.
    #[track_caller]
    #[cold]
    pub fn lookup(message: impl Into<String>) -> Self {
        Self::python("LookupError", message)
    }

    /// The error for a panic with this message.
    #[cold]
    pub fn panic(message: impl Into<String>) -> Self {
        Self(Arc::new(Kind::Panic(Panic {
            message: message.into(),
        })))
    }

    /// The HTTP error, if it is one: Python's `isinstance(error, HTTPException)`.
    pub fn as_http(&self) -> Option<&HttpException> {
        match &*self.0 {
            Kind::Http(http) => Some(http),
            _ => None,
        }
    }

    /// Whether a panic made this error.
    pub fn is_panic(&self) -> bool {
        matches!(&*self.0, Kind::Panic(_))
    }

    /// The error inside, as the standard library sees it.
    pub fn as_std(&self) -> &(dyn StdError + Send + Sync + 'static) {
        match &*self.0 {
            Kind::Http(http) => http,
            Kind::App { error, .. } => error.as_ref(),
            Kind::Panic(panic) => panic,
        }
    }

    /// The error inside, if it is an `E`.
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.as_std().downcast_ref::<E>()
    }

    /// Whether the error inside is an `E`.
    pub fn is<E: StdError + 'static>(&self) -> bool {
        self.as_std().is::<E>()
    }

    /// The class name a Python programmer would see: Werkzeug's for an HTTP error, `"Panic"` for a
    /// panic, [`PyError::kind`], and otherwise the Rust type's name without its path.
    pub fn type_name(&self) -> &str {
        match &*self.0 {
            Kind::Http(http) => http.class_name(),
            Kind::App { type_name, .. } => type_name,
            Kind::Panic(_) => "Panic",
        }
    }

    /// Where it was raised: the line of the `?` that made it, or of the constructor's call. An HTTP error
    /// and a panic do not say.
    pub fn location(&self) -> Option<&'static Location<'static>> {
        match &*self.0 {
            Kind::App { location, .. } => Some(location),
            Kind::Http(_) | Kind::Panic(_) => None,
        }
    }

    /// The Rust type of the error inside: what an error handler is looked up by.
    pub fn type_id(&self) -> TypeId {
        match &*self.0 {
            Kind::Http(_) => TypeId::of::<HttpException>(),
            Kind::App { type_id, .. } => *type_id,
            Kind::Panic(_) => TypeId::of::<Panic>(),
        }
    }

    /// Whether both are the same error, not just equal ones: Python's `a is b`.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_std(), f)
    }
}

impl fmt::Debug for Error {
    /// Python's last line of a traceback, `ValueError: message`, and the errors that led to it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.type_name(), self.as_std())?;
        let mut source = self.as_std().source();
        while let Some(error) = source {
            write!(f, "\n  caused by: {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

/// An error on its way out of code that knows [`Error`].
struct Boxed(Error);

impl fmt::Display for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl StdError for Boxed {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.as_std().source()
    }
}

/// For a library that takes any error, and for a `main` that returns one:
///
/// ```
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let app = carafe::App::new("shop");
///     assert_eq!(app.test_client().get("/").send()?.status_code(), 404);
///     Ok(())
/// }
/// ```
impl From<Error> for Box<dyn StdError + Send + Sync> {
    fn from(error: Error) -> Self {
        Box::new(Boxed(error))
    }
}

impl From<Error> for Box<dyn StdError> {
    fn from(error: Error) -> Self {
        Box::new(Boxed(error))
    }
}

/// `carafe::error::Error` to `Error`; type parameters keep their paths.
fn short_type_name<E>() -> &'static str {
    let full = std::any::type_name::<E>();
    let path_end = full.find('<').unwrap_or(full.len());
    match full[..path_end].rfind("::") {
        Some(colons) => &full[colons + 2..],
        None => full,
    }
}

/// Runs code of the app's, and makes an error of a panic in it.
///
/// A raise in Python unwinds to Flask, which answers with a 500; a panic does the same here, so a
/// mistake in one view never ends a worker.
///
/// # Errors
/// What `f` returns, or an error named `Panic` with the panic's message.
///
/// ```
/// let result = carafe::error::catch(|| -> Result<(), _> { panic!("no {}", 7) });
/// let error = result.unwrap_err();
/// assert!(error.is_panic());
/// assert_eq!(error.to_string(), "no 7");
/// ```
// ANCHOR: catch
pub fn catch<T>(f: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // `AssertUnwindSafe` promises that nobody sees a half-changed value because of the panic. What `f`
    // owns is dropped with it. What it shares, it shares through a `Mutex` (which is then poisoned), an
    // atomic, or the request's own cells, which change in one step. An app that breaks its own rules
    // half-way is where a Python app is after an exception: Carafe's memory is safe in both cases.
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => result,
        Err(payload) => Err(Error::panic(panic_message(payload.as_ref()))),
    }
}
// ANCHOR_END: catch

/// The text that was given to `panic!`, where it was text.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "a panic without a message"
    }
}
