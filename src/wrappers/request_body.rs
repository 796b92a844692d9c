//! The body of a request: raw, as a form, or as JSON.
//!
//! Mirrors `werkzeug/wrappers/request.py` (`request.rs` has what is in `werkzeug/sansio/request.py`), and
//! `on_json_loading_failed` of `flask/wrappers.py`. A body can be read once, so the order in which these
//! are called matters, as it does in Flask: who asks for the form first finds no data afterwards.
//!
//! Read next: `input.rs` (how far a body is read).

use std::sync::{MutexGuard, PoisonError};

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::datastructures::MultiDict;
use super::exceptions::HttpException;
use super::input::{Input, check_length};
use super::request::Request;
use super::urls::parse_qsl;
use crate::error::Error;
use crate::json::{self, JsonError};
use crate::value::Value;

impl Request {
    /// The form: the fields of an urlencoded body. Empty where the body is something else, a
    /// `multipart/form-data` one included.
    ///
    /// # Errors
    /// 413 `RequestEntityTooLarge`, or 400 `ClientDisconnected` where the body ends too early.
    pub fn form(&self) -> Result<&MultiDict, Error> {
        let mut input = self.lock_input();
        self.load_form_data(&mut input)
    }

    fn load_form_data(&self, input: &mut Input) -> Result<&MultiDict, Error> {
        if let Some(form) = self.parsed().form.get() {
            return Ok(form);
        }
        let (length, max) = (self.content_length(), self.max_content_length());
        let form = if self.mimetype() == "application/x-www-form-urlencoded" {
            let body = input.read_uncached(length, max)?;
            std::str::from_utf8(&body)
                .map(parse_qsl)
                .unwrap_or_default()
        } else {
            // A body that is too large is refused by whoever asks for a part of it first.
            check_length(length, max)?;
            MultiDict::new()
        };
        // Whoever holds the input's lock is the only one here.
        Ok(self.parsed().form.get_or_init(|| form))
    }

    /// The arguments of the query string, and then those of the form, unless the method is `GET`.
    ///
    /// # Errors
    /// As [`Request::form`].
    pub fn values(&self) -> Result<MultiDict, Error> {
        let mut values = self.args().clone();
        if self.method() != "GET" {
            values.extend(self.form()?.iter_multi());
        }
        Ok(values)
    }

    /// The body, where it is no form: that one is parsed, and gone. [`Request::get_data`] gives both.
    ///
    /// # Errors
    /// As [`Request::form`].
    pub fn data(&self) -> Result<Bytes, Error> {
        let mut input = self.lock_input();
        if input.cached().is_none() {
            self.load_form_data(&mut input)?;
        }
        input.read(self.content_length(), self.max_content_length())
    }

    /// The body. It is read once and kept; but where [`Request::form`] came first, it is gone.
    ///
    /// # Errors
    /// As [`Request::form`].
    pub fn get_data(&self) -> Result<Bytes, Error> {
        self.lock_input()
            .read(self.content_length(), self.max_content_length())
    }

    fn lock_input(&self) -> MutexGuard<'_, Input> {
        // Poisoned means that the server's reader panicked: its next read will say what is wrong.
        self.input.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The body as JSON. [`Request::json_as`] gives it as a type of the app's own.
    ///
    /// # Errors
    /// 415 `UnsupportedMediaType` where the mimetype is not JSON's, 400 `BadRequest` where the body is
    /// not JSON, and those of [`Request::form`].
    pub fn json(&self) -> Result<Value, Error> {
        self.get_json(false, false)
    }

    /// The body as JSON, as any type that serde can build. Python's `json` is a dict, whose missing key is an error
    /// where it is looked up; here the type says what has to be there.
    ///
    /// ```
    /// use carafe::{App, Error, Scaffold, request};
    /// #[derive(serde::Deserialize)]
    /// struct Todo {
    ///     title: String,
    /// }
    ///
    /// let mut app = App::new("todo");
    /// app.post("/", || {
    ///     let todo: Todo = request().json_as()?;
    ///     Ok::<_, Error>(todo.title)
    /// });
    ///
    /// let json = |text: &'static str| app.test_client().post("/").body(text, "application/json").send();
    /// assert_eq!(json(r#"{"title": "tea"}"#)?.text(), "tea");
    /// assert_eq!(json(r#"{"titel": "tea"}"#)?.status_code(), 400);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Request::json`]; and 400 `BadRequest`, with serde's words as its description, where the JSON does
    /// not fit the type.
    pub fn json_as<T: DeserializeOwned>(&self) -> Result<T, Error> {
        json::from_value(self.json()?).map_err(|error| {
            HttpException::new(400)
                .with_description(error.to_string())
                .into()
        })
    }

    /// The body as JSON, with Flask's options: `force` does not look at the mimetype, `silent` gives
    /// [`Value::Null`] in place of the 415 and the 400.
    ///
    /// # Errors
    /// As [`Request::json`].
    pub fn get_json(&self, force: bool, silent: bool) -> Result<Value, Error> {
        if let Some(value) = self.parsed().json.get() {
            return Ok(value.clone());
        }
        if !force && !self.is_json() {
            return if silent {
                Ok(Value::Null)
            } else {
                Err(HttpException::new(415)
                    .with_description(
                        "Did not attempt to load JSON data because the request Content-Type was not \
                         'application/json'.",
                    )
                    .into())
            };
        }
        // (Python raises a RecursionError, which is no 400, for what nests too deeply.)
        match json::loads_bytes(&self.get_data()?) {
            Ok(value) => Ok(self.parsed().json.get_or_init(|| value).clone()),
            Err(_) if silent => Ok(Value::Null),
            Err(error) => Err(self.on_json_loading_failed(&error)),
        }
    }

    /// The 400 for a body that is not JSON. What is wrong with it is said in debug mode only.
    fn on_json_loading_failed(&self, error: &JsonError) -> Error {
        let bad_request = HttpException::new(400);
        if self.debug() {
            bad_request
                .with_description(format!("Failed to decode JSON object: {error}"))
                .into()
        } else {
            bad_request.into()
        }
    }
}
