//! What an app may register, and what its functions may return.
//!
//! Mirrors `flask/typing.py`. Flask looks at a return value when it has it; Rust's compiler looks at
//! the type, so a view that returns something that is no response does not compile. What is left to
//! decide at run time (an `Option` that is `None`, an error) travels in a [`ReturnValue`] until
//! `App::make_response` turns it into a [`Response`].
//!
//! Read next: `scaffold.rs`, where these functions are registered.

use std::any::TypeId;
use std::borrow::Cow;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

use crate::error::Error;
use crate::json;
use crate::value::{Dict, Value};
use crate::wrappers::datastructures::latin1_decode;
use crate::wrappers::{HttpException, Response};
use crate::wsgi::WsgiApp;

/// What a view, a before function or an error handler returned, not yet a response.
/// Flask: `ft.ResponseReturnValue`.
#[non_exhaustive]
// ANCHOR: return_value
pub enum ReturnValue {
    /// Nothing. From a view that is an error, as it is in Flask.
    None,
    /// A finished response. In a box, as most views return something smaller, which is moved from stage to stage.
    Response(Box<Response>),
    /// A text or bytes body, to be sent as HTML.
    Body(Bytes),
    /// A dict, list or other value, to be sent as JSON.
    Json(Value),
    /// An HTTP error, returned and not raised.
    HttpException(Box<HttpException>),
    /// Another WSGI app, to answer this request.
    WsgiApp(Arc<dyn WsgiApp>),
    /// Any of these with a status, headers, or both.
    Tuple(Box<ReturnValue>, Option<Status>, TupleHeaders),
}
// ANCHOR_END: return_value

impl fmt::Debug for ReturnValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Response(response) => response.fmt(f),
            Self::Body(body) => write!(f, "Body({} bytes)", body.len()),
            Self::Json(value) => write!(f, "Json({})", value.type_name()),
            Self::HttpException(error) => error.fmt(f),
            Self::WsgiApp(_) => f.write_str("WsgiApp"),
            Self::Tuple(body, status, headers) => (body, status, headers).fmt(f),
        }
    }
}

/// The headers of a tuple return: names, each with the values that belong together, as in a `HeaderMap` or in Python's
/// dict of lists. Of pairs each is one of its own.
pub type TupleHeaders = Vec<(String, Vec<String>)>;

/// The status of a tuple return: a number, or a whole status line such as `"201 CREATED"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// `404`.
    Code(u16),
    /// `"404 NOT FOUND"`.
    Line(String),
}

/// What Flask's `make_response` accepts, as a trait: the return type of a view.
// ANCHOR: into_return_value
#[diagnostic::on_unimplemented(
    message = "a view cannot return `{Self}`",
    note = "it can return text, bytes, a `Response`, `Json(..)`, `(body, status)`, \
            `(body, status, headers)`, or an `Option` or `Result` of one"
)]
pub trait IntoReturnValue {
    /// Converts it; the `Err` is an error that the function raised.
    ///
    /// # Errors
    /// Whatever the app's own function failed with.
    fn into_return_value(self) -> Result<ReturnValue, Error>;
}
// ANCHOR_END: into_return_value

impl IntoReturnValue for ReturnValue {
    fn into_return_value(self) -> Result<ReturnValue, Error> {
        Ok(self)
    }
}

impl IntoReturnValue for Response {
    fn into_return_value(self) -> Result<ReturnValue, Error> {
        Ok(ReturnValue::Response(Box::new(self)))
    }
}

impl IntoReturnValue for &'static str {
    fn into_return_value(self) -> Result<ReturnValue, Error> {
        Ok(ReturnValue::Body(Bytes::from_static(self.as_bytes())))
    }
}

impl IntoReturnValue for String {
    fn into_return_value(self) -> Result<ReturnValue, Error> {
        self.into_bytes().into_return_value()
    }
}

impl IntoReturnValue for Cow<'static, str> {
    fn into_return_value(self) -> Result<ReturnValue, Error> {
        match self {
            Cow::Borrowed(text) => text.into_return_value(),
            Cow::Owned(text) => text.into_return_value(),
        }
    }
}

impl IntoReturnValue for Vec<u8> {
    fn into_return_value(self) -> Result<ReturnValue, Error> {
        // Cut to its length: with room behind it, it would need a count of its own.
        Ok(ReturnValue::Body(self.into_boxed_slice().into()))
    }
}

impl IntoReturnValue for Bytes {
    fn into_return_value(self) -> Result<ReturnValue, Error> {
        Ok(ReturnValue::Body(self))
    }
}

impl IntoReturnValue for Value {
    fn into_return_value(self) -> Result<ReturnValue, Error> {
        Ok(ReturnValue::Json(self))
    }
}

impl IntoReturnValue for Dict {
    fn into_return_value(self) -> Result<ReturnValue, Error> {
        Ok(ReturnValue::Json(Value::Dict(self)))
    }
}

impl IntoReturnValue for HttpException {
    fn into_return_value(self) -> Result<ReturnValue, Error> {
        Ok(ReturnValue::HttpException(Box::new(self)))
    }
}

impl IntoReturnValue for Vec<Value> {
    fn into_return_value(self) -> Result<ReturnValue, Error> {
        Ok(ReturnValue::Json(Value::List(self)))
    }
}

impl IntoReturnValue for Arc<dyn WsgiApp> {
    fn into_return_value(self) -> Result<ReturnValue, Error> {
        Ok(ReturnValue::WsgiApp(self))
    }
}

/// Anything that serde can serialize, sent as JSON: a view's `return {"a": 1}`.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoReturnValue for Json<T> {
    fn into_return_value(self) -> Result<ReturnValue, Error> {
        Ok(ReturnValue::Json(json::to_value(&self.0)?))
    }
}

impl<T: IntoReturnValue> IntoReturnValue for Option<T> {
    fn into_return_value(self) -> Result<ReturnValue, Error> {
        self.map_or(Ok(ReturnValue::None), T::into_return_value)
    }
}

impl<T: IntoReturnValue, E: Into<Error>> IntoReturnValue for Result<T, E> {
    fn into_return_value(self) -> Result<ReturnValue, Error> {
        self.map_err(Into::into)?.into_return_value()
    }
}

/// The second or third place of a tuple return: a status or headers.
///
/// ```
/// use carafe::{App, Error, Scaffold, url_for};
/// let mut app = App::new("shop");
/// app.get("/item/<int:id>", |id: i64| format!("item {id}"));
/// app.post("/item", || {
///     let url = url_for("item_id").arg("id", 7).build()?;
///     Ok::<_, Error>(("made", 201, [("Location", url)]))
/// });
/// let response = app.test_client().post("/item").send()?;
/// assert_eq!(response.status_code(), 201);
/// assert_eq!(response.header("Location").as_deref(), Some("/item/7"));
/// # Ok::<(), Error>(())
/// ```
pub trait TuplePart {
    /// Puts itself where it belongs.
    fn apply(self, status: &mut Option<Status>, headers: &mut TupleHeaders);
}

impl TuplePart for u16 {
    fn apply(self, status: &mut Option<Status>, _: &mut TupleHeaders) {
        *status = Some(Status::Code(self));
    }
}

impl TuplePart for StatusCode {
    fn apply(self, status: &mut Option<Status>, _: &mut TupleHeaders) {
        *status = Some(Status::Code(self.as_u16()));
    }
}

impl TuplePart for &str {
    fn apply(self, status: &mut Option<Status>, _: &mut TupleHeaders) {
        *status = Some(Status::Line(self.to_owned()));
    }
}

impl<K: Into<String>, V: Into<String>, const N: usize> TuplePart for [(K, V); N] {
    fn apply(self, _: &mut Option<Status>, headers: &mut TupleHeaders) {
        headers.extend(self.map(|(name, value)| (name.into(), vec![value.into()])));
    }
}

impl<K: Into<String>, V: Into<String>> TuplePart for Vec<(K, V)> {
    fn apply(self, _: &mut Option<Status>, headers: &mut TupleHeaders) {
        let text = |(name, value): (K, V)| (name.into(), vec![value.into()]);
        headers.extend(self.into_iter().map(text));
    }
}

impl TuplePart for HeaderMap {
    fn apply(self, _: &mut Option<Status>, headers: &mut TupleHeaders) {
        let text = |value: &HeaderValue| latin1_decode(value.as_bytes()).into_owned();
        headers.extend(self.keys().map(|name| {
            let values = self.get_all(name).iter().map(text);
            (name.as_str().to_owned(), values.collect())
        }));
    }
}

impl<T: IntoReturnValue, A: TuplePart> IntoReturnValue for (T, A) {
    fn into_return_value(self) -> Result<ReturnValue, Error> {
        let (mut status, mut headers) = (None, Vec::new());
        self.1.apply(&mut status, &mut headers);
        Ok(ReturnValue::Tuple(
            Box::new(self.0.into_return_value()?),
            status,
            headers,
        ))
    }
}

impl<T: IntoReturnValue, A: TuplePart, B: TuplePart> IntoReturnValue for (T, A, B) {
    fn into_return_value(self) -> Result<ReturnValue, Error> {
        let (mut status, mut headers) = (None, Vec::new());
        self.1.apply(&mut status, &mut headers);
        self.2.apply(&mut status, &mut headers);
        Ok(ReturnValue::Tuple(
            Box::new(self.0.into_return_value()?),
            status,
            headers,
        ))
    }
}

#[diagnostic::on_unimplemented(
    message = "a before function cannot return `{Self}`",
    note = "it returns nothing to let the request go on, or an `Option` of what a view can return, or a `Result` of \
            either"
)]
// ANCHOR: before_return
/// What a before function may return: nothing, or `Some(response)` to answer in the view's place.
pub trait BeforeReturn {
    /// Converts it; `None` lets the request go on.
    ///
    /// # Errors
    /// Whatever the app's own function failed with.
    fn into_answer(self) -> Result<Option<ReturnValue>, Error>;
}

impl BeforeReturn for () {
    fn into_answer(self) -> Result<Option<ReturnValue>, Error> {
        Ok(None)
    }
}

impl<T: IntoReturnValue> BeforeReturn for Option<T> {
    fn into_answer(self) -> Result<Option<ReturnValue>, Error> {
        self.map(T::into_return_value).transpose()
    }
}

impl<T: BeforeReturn, E: Into<Error>> BeforeReturn for Result<T, E> {
    fn into_answer(self) -> Result<Option<ReturnValue>, Error> {
        self.map_err(Into::into)?.into_answer()
    }
}
// ANCHOR_END: before_return

/// What every other hook may return: nothing, or a `Result` of nothing.
#[diagnostic::on_unimplemented(
    message = "this function cannot return `{Self}`",
    note = "it returns nothing, or a `Result` of nothing; an after function changes the `&mut Response` that it is given"
)]
pub trait HookReturn {
    /// Converts it.
    ///
    /// # Errors
    /// Whatever the app's own function failed with.
    fn into_result(self) -> Result<(), Error>;
}

impl HookReturn for () {
    fn into_result(self) -> Result<(), Error> {
        Ok(())
    }
}

impl<E: Into<Error>> HookReturn for Result<(), E> {
    fn into_result(self) -> Result<(), Error> {
        self.map_err(Into::into)
    }
}

/// An error type that a handler can be registered for: any [`std::error::Error`] (an exact type),
/// [`HttpException`] for all HTTP errors, or [`Error`] for any error at all.
pub trait Catch: 'static {
    /// The key under which its handler is kept.
    #[doc(hidden)]
    fn key() -> CatchKey;
    /// The error as this type.
    #[doc(hidden)]
    fn caught(error: &Error) -> Option<&Self>;
}

/// Which errors a handler is for.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CatchKey {
    /// HTTP errors of one code.
    Code(u16),
    /// All HTTP errors.
    Http,
    /// One error type.
    Type(TypeId),
    /// Any error.
    Any,
}

impl Catch for Error {
    fn key() -> CatchKey {
        CatchKey::Any
    }
    fn caught(error: &Error) -> Option<&Self> {
        Some(error)
    }
}

impl<E: std::error::Error + Send + Sync + 'static> Catch for E {
    fn key() -> CatchKey {
        if TypeId::of::<E>() == TypeId::of::<HttpException>() {
            return CatchKey::Http;
        }
        CatchKey::Type(TypeId::of::<E>())
    }
    fn caught(error: &Error) -> Option<&Self> {
        error.downcast_ref::<E>()
    }
}
