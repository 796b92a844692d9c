//! The body of a request: raw, as a form, or as JSON.
//!
//! Mirrors `werkzeug/wrappers/request.py` (`request.rs` has what is in `werkzeug/sansio/request.py`), and
//! `on_json_loading_failed` of `flask/wrappers.py`. A body can be read once, so the order in which these
//! are called matters, as it does in Flask: who asks for the form first finds no data afterwards.
//!
//! Read next: `input.rs` (how far a body is read), `formparser.rs`.

use std::sync::{MutexGuard, PoisonError};

use bytes::Bytes;

use super::datastructures::MultiDict;
use super::exceptions::HttpException;
use super::formparser::{Files, FormData, Limits, parse_multipart, parse_urlencoded};
use super::input::Input;
use super::request::Request;
use crate::error::Error;
use crate::json::{self, JsonError};
use crate::value::Value;

impl Request {
    /// The form. Empty where the body is something else.
    ///
    /// # Errors
    /// 413 `RequestEntityTooLarge`, or 400 `ClientDisconnected` where the body ends too early.
    pub fn form(&self) -> Result<&MultiDict, Error> {
        let mut input = self.lock_input();
        Ok(&self.load_form_data(&mut input)?.form)
    }

    /// The uploaded files. Empty unless the body is `multipart/form-data`.
    ///
    /// # Errors
    /// As [`Request::form`].
    pub fn files(&self) -> Result<&Files, Error> {
        let mut input = self.lock_input();
        Ok(&self.load_form_data(&mut input)?.files)
    }

    fn load_form_data(&self, input: &mut Input) -> Result<&FormData, Error> {
        if let Some(data) = self.form.get() {
            return Ok(data);
        }
        let data = match self.mimetype() {
            "application/x-www-form-urlencoded" => {
                let body = input.read_uncached(self.content_length(), self.max_content_length())?;
                parse_urlencoded(&body)
            }
            "multipart/form-data" => self.parse_multipart(input)?,
            _ => FormData::default(),
        };
        // Whoever holds the input's lock is the only one here.
        Ok(self.form.get_or_init(|| data))
    }

    fn parse_multipart(&self, input: &mut Input) -> Result<FormData, Error> {
        // Without a boundary Werkzeug does not touch the body.
        let Some(boundary) = self.mimetype_params().get("boundary") else {
            return Ok(FormData::default());
        };
        let body = input.read_uncached(self.content_length(), self.max_content_length())?;
        let limits = Limits {
            max_form_memory_size: self.max_form_memory_size(),
            max_form_parts: self.max_form_parts(),
        };
        parse_multipart(&body, boundary, limits)
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

    /// The body as JSON.
    ///
    /// # Errors
    /// 415 `UnsupportedMediaType` where the mimetype is not JSON's, 400 `BadRequest` where the body is
    /// not JSON, and those of [`Request::form`].
    pub fn json(&self) -> Result<Value, Error> {
        self.get_json(false, false)
    }

    /// The body as JSON, with Flask's options: `force` does not look at the mimetype, `silent` gives
    /// [`Value::Null`] in place of the 415 and the 400.
    ///
    /// # Errors
    /// As [`Request::json`].
    pub fn get_json(&self, force: bool, silent: bool) -> Result<Value, Error> {
        if let Some(value) = self.json.get() {
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
            Ok(value) => Ok(self.json.get_or_init(|| value).clone()),
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
