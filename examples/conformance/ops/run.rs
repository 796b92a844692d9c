//! What each op of a scenario does.
//!
//! Read next: `../client.rs`.

use std::cell::Cell;

use carafe::context::try_g;
use carafe::context::{try_request, try_session};
use carafe::typing::{ReturnValue, Status};
use carafe::{
    Error, Response, SameSite, SetCookie, Value, abort, after_this_request, current_app,
    flash_with_category, get_flashed_messages_of, has_app_context, has_request_context, json,
    jsonify, redirect_with_code, url_for,
};

use super::{AppError, AuthError, DbError, Op, Scope};
use crate::scenario::Log;

thread_local! {
    static LEVELS: Cell<usize> = const { Cell::new(0) };
}

/// One level of contexts inside of each other. A teardown function that pushes the context on whose pop
/// it runs would never end; Python stops it with a `RecursionError`, Rust with the end of the process.
struct Level;

impl Level {
    const MOST: usize = 60;

    fn enter() -> Result<Self, Error> {
        LEVELS.with(|levels| {
            if levels.get() == Self::MOST {
                let text = "maximum recursion depth exceeded";
                return Err(Error::python("RecursionError", text));
            }
            levels.set(levels.get() + 1);
            Ok(Level)
        })
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        LEVELS.with(|levels| levels.set(levels.get() - 1));
    }
}

/// Python's `str(value)`, of the values that a scenario has where text is meant.
fn python_str(value: &Value) -> String {
    match value {
        Value::Str(text) => text.clone(),
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(python_repr).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Dict(items) => {
            let pair = |(key, value): (&String, &Value)| format!("'{key}': {}", python_repr(value));
            let items: Vec<String> = items.iter().map(pair).collect();
            format!("{{{}}}", items.join(", "))
        }
        other => json::dumps(other).unwrap_or_default(),
    }
}

/// Python's `repr(value)`, of plain text without quotes in it.
fn python_repr(value: &Value) -> String {
    match value {
        Value::Str(text) => format!("'{text}'"),
        other => python_str(other),
    }
}

/// Python's `bool(value)`.
pub fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Int(number) => *number != 0,
        Value::Float(number) => *number != 0.0,
        Value::Str(text) => !text.is_empty(),
        Value::List(items) => !items.is_empty(),
        Value::Dict(items) => !items.is_empty(),
        _ => true,
    }
}

/// A status code; 0, which HTTP does not have, where it is none.
fn code(value: &Value) -> u16 {
    value
        .as_i64()
        .and_then(|code| u16::try_from(code).ok())
        .unwrap_or(0)
}

/// The seconds that a cookie lasts. What reaches beyond the year 9999 is an error, as in Python.
fn max_age(value: &Value) -> Result<Option<i64>, Error> {
    const LAST: i64 = 250_000_000_000;
    match value {
        Value::Null => Ok(None),
        Value::Int(seconds) if seconds.abs() < LAST => Ok(Some(*seconds)),
        Value::Int(_) => Err(Error::python("OverflowError", "max_age is too large")),
        _ => Err(Error::type_error("max_age is no number of seconds")),
    }
}

/// Runs the ops, until one returns.
pub(super) fn run(
    ops: &[Op],
    log: &Log,
    scope: &mut Scope<'_>,
) -> Result<Option<ReturnValue>, Error> {
    for op in ops {
        if let Some(returned) = op.run(log, scope)? {
            return Ok(Some(returned));
        }
    }
    Ok(None)
}

impl Op {
    fn arg(&self, index: usize) -> Value {
        self.args.get(index).cloned().unwrap_or_default()
    }

    fn text(&self, index: usize) -> String {
        match self.args.get(index) {
            Some(Value::Str(text)) => text.clone(),
            Some(other) => python_str(other),
            None => String::new(),
        }
    }

    fn code(&self, index: usize) -> u16 {
        code(&self.arg(index))
    }

    /// Does one thing; `Some` ends the function.
    fn run(&self, log: &Log, scope: &mut Scope<'_>) -> Result<Option<ReturnValue>, Error> {
        match self.name.as_str() {
            "session_set" => try_session()?.insert(self.text(0), self.arg(1))?,
            "session_get" => {
                let value: Option<Value> = try_session()?.get(&self.text(0));
                log.push(["session".into(), self.arg(0), value.unwrap_or_default()]);
            }
            "session_pop" => drop(try_session()?.pop(&self.text(0))?),
            "session_clear" => try_session()?.clear()?,
            "session_permanent" => {
                try_session()?.set_permanent(truth(&self.arg(0)))?;
            }
            "session_touch" => try_session()?.set_modified(true),
            "session_all" => {
                log.push(["session_all".into(), Value::Dict(try_session()?.to_dict())]);
            }
            "g_set" => try_g()?.set(self.text(0), self.arg(1)),
            "g_get" => {
                let value: Option<Value> = try_g()?.get(&self.text(0));
                log.push(["g".into(), self.arg(0), value.unwrap_or_default()]);
            }
            "g_pop" => {
                let value: Option<Value> = try_g()?.pop(&self.text(0));
                log.push(["g".into(), self.arg(0), value.unwrap_or_default()]);
            }
            "flash" => {
                try_session()?;
                let category = if self.args.len() > 1 {
                    self.text(1)
                } else {
                    "message".to_owned()
                };
                flash_with_category(self.text(0), category)?;
            }
            "get_flashed" => log.push(["flashed".into(), self.flashed()?]),
            "abort" => return Err(abort(self.code(0))),
            "raise" => return Err(self.raised()),
            "return" => return Ok(Some(self.returned()?)),
            "return_json" => {
                return Ok(Some(ReturnValue::Response(Box::new(jsonify(self.arg(0))?))));
            }
            "redirect" => {
                let code = if self.args.len() > 1 {
                    self.code(1)
                } else {
                    302
                };
                let response = redirect_with_code(self.text(0), code)?;
                return Ok(Some(ReturnValue::Response(Box::new(response))));
            }
            "after_this_request" => {
                try_request()?;
                if let Some(function) = self.function.clone() {
                    after_this_request(move |response: &mut Response| function.after(response));
                }
            }
            "url_for" => log.push(["url".into(), self.url().map_or(Value::Null, Value::Str)]),
            "request" => log.push(["request".into(), self.arg(0), self.request()?]),
            "contexts" => {
                let contexts = [has_app_context().into(), has_request_context().into()];
                let [app, request] = contexts;
                log.push(["contexts".into(), app, request]);
            }
            "app_context" => {
                let _level = Level::enter()?;
                let ctx = current_app().app_context();
                ctx.push()?;
                return self.with(log, scope, |error| ctx.pop(error));
            }
            "request_context" => {
                let _level = Level::enter()?;
                let ctx = current_app().test_request_context(&self.text(0))?;
                if let Err(error) = ctx.push() {
                    ctx.auto_pop(Some(&error))?;
                    return Err(error);
                }
                return self.with(log, scope, |error| ctx.auto_pop(error));
            }
            "pop_value" => {
                if let Some(view_args) = &mut scope.view_args {
                    view_args.shift_remove(&self.text(0));
                }
            }
            _ => self.change_response(scope)?,
        }
        Ok(None)
    }

    /// Runs the ops inside of this one: Python's `with`, which tells the pop what was raised.
    fn with(
        &self,
        log: &Log,
        scope: &mut Scope<'_>,
        pop: impl FnOnce(Option<&Error>) -> Result<(), Error>,
    ) -> Result<Option<ReturnValue>, Error> {
        let result = run(&self.inner, log, scope);
        pop(result.as_ref().err())?;
        result
    }

    fn flashed(&self) -> Result<Value, Error> {
        let categories: Vec<String> = match self.args.first() {
            Some(Value::List(names)) => names
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            _ => Vec::new(),
        };
        let names: Vec<&str> = categories.iter().map(String::as_str).collect();
        let flashes = get_flashed_messages_of(&names)?;
        let pair = |flash: &carafe::Flash| {
            Value::List(vec![
                flash.category.as_str().into(),
                flash.message.as_str().into(),
            ])
        };
        Ok(Value::List(flashes.iter().map(pair).collect()))
    }

    fn raised(&self) -> Error {
        let message = self.text(1);
        match self.text(0).as_str() {
            "DbError" => DbError(message).into(),
            "AuthError" => AuthError(message).into(),
            _ => AppError(message).into(),
        }
    }

    fn returned(&self) -> Result<ReturnValue, Error> {
        let body = match self.arg(0) {
            Value::Str(text) => ReturnValue::Body(text.into()),
            value @ (Value::Dict(_) | Value::List(_)) => ReturnValue::Json(value),
            // A number or so is no response either: what Rust's compiler would refuse.
            _ => ReturnValue::None,
        };
        // Of two, the second may be headers as well.
        let (status, headers_value) = match (self.arg(1), self.arg(2)) {
            (second @ (Value::Dict(_) | Value::List(_)), Value::Null) => (Value::Null, second),
            arguments => arguments,
        };
        let status = match status {
            Value::Null => None,
            Value::Str(line) => Some(Status::Line(line)),
            // A code that HTTP does not have is refused where the response is made.
            other => Some(Status::Code(code(&other))),
        };
        let mut headers = Vec::new();
        match headers_value {
            Value::Dict(pairs) => {
                for (name, value) in pairs {
                    // In a dict, a list holds the values of several headers.
                    let values = match value {
                        Value::List(values) => values.iter().map(python_str).collect(),
                        value => vec![python_str(&value)],
                    };
                    headers.push((name, values));
                }
            }
            Value::List(pairs) => {
                for pair in pairs {
                    if let Some([name, value]) = pair.as_list() {
                        headers.push((python_str(name), vec![python_str(value)]));
                    }
                }
            }
            _ => {}
        }
        if status.is_none() && headers.is_empty() && self.arg(0).is_null() {
            return Ok(body);
        }
        Ok(ReturnValue::Tuple(Box::new(body), status, headers))
    }

    fn url(&self) -> Option<String> {
        let mut url = url_for(self.text(0));
        if let Some(values) = self.arg(1).as_dict() {
            for (name, value) in values {
                let as_text = || value.as_str().map(str::to_owned);
                url = match name.as_str() {
                    _ if name.starts_with('_') && value.is_null() => url,
                    "_anchor" => url.anchor(as_text()?),
                    "_method" => url.method(as_text()?),
                    "_scheme" => url.scheme(as_text()?),
                    "_external" => url.external(truth(value)),
                    _ => url.arg(name, value.clone()),
                };
            }
        }
        url.build().ok()
    }

    fn request(&self) -> Result<Value, Error> {
        let request = try_request()?;
        let key = self.text(1);
        let optional = |text: Option<&str>| text.map_or(Value::Null, Value::from);
        Ok(match self.text(0).as_str() {
            "endpoint" => optional(request.endpoint()),
            "path" => request.path().into(),
            "full_path" => request.full_path().into(),
            "method" => request.method().into(),
            "blueprint" => optional(request.blueprint()),
            "blueprints" => {
                Value::List(request.blueprints().into_iter().map(Value::from).collect())
            }
            "view_args" => request.view_args().map_or(Value::Null, Value::Dict),
            "url" => request.url().into(),
            "base_url" => request.base_url().into(),
            "url_root" => request.url_root().into(),
            "script_root" => request.script_root().into(),
            "host" => request.host().into(),
            "scheme" => request.scheme().into(),
            "is_secure" => request.is_secure().into(),
            "url_rule" => optional(request.url_rule().map(|rule| rule.rule.as_str())),
            "is_json" => request.is_json().into(),
            "mimetype" => request.mimetype().into(),
            "json" => request.get_json(false, true)?,
            "data" => String::from_utf8_lossy(&request.data()?)
                .into_owned()
                .into(),
            "args" => optional(request.args().get(&key)),
            "args_list" => {
                let values = request.args().getlist(&key);
                Value::List(values.iter().map(|value| value.as_str().into()).collect())
            }
            "form" => optional(request.form()?.get(&key)),
            "cookies" => optional(request.cookies().get(&key)),
            "header" => optional(request.header(&key).as_deref()),
            other => return Err(Error::python("AttributeError", other)),
        })
    }

    /// The ops of after functions.
    fn change_response(&self, scope: &mut Scope<'_>) -> Result<(), Error> {
        let Some(response) = &mut scope.response else {
            return Err(Error::python("AttributeError", "there is no response yet"));
        };
        match self.name.as_str() {
            "set_header" => response.set_header(&self.text(0), &self.text(1)),
            "set_status" => response.set_status(self.code(0)),
            "set_cookie" => self.set_cookie(response),
            _ => {
                if !matches!(self.args.first(), Some(Value::Str(_))) {
                    return Err(Error::python("AttributeError", "a cookie's name is text"));
                }
                response.delete_cookie(&self.text(0))
            }
        }
    }

    fn set_cookie(&self, response: &mut Response) -> Result<(), Error> {
        let mut cookie = SetCookie::new(self.text(0), self.text(1));
        let options = self.arg(2);
        if let Some(options) = options.as_dict() {
            for (name, value) in options {
                let as_text = value.as_str();
                cookie = match name.as_str() {
                    "max_age" => cookie.max_age(max_age(value)?),
                    "path" => cookie.path(as_text),
                    "domain" => cookie.domain(as_text),
                    "secure" => cookie.secure(truth(value)),
                    "httponly" => cookie.httponly(truth(value)),
                    "samesite" => {
                        if as_text.is_none() && !value.is_null() {
                            return Err(Error::python("AttributeError", "samesite is no text"));
                        }
                        cookie.samesite(as_text.map(str::parse::<SameSite>).transpose()?)
                    }
                    "partitioned" => cookie.partitioned(truth(value)),
                    other => return Err(Error::type_error(format!("no cookie has a {other}"))),
                };
            }
        }
        // Werkzeug looks at the value before the name.
        if !matches!(self.args.get(1), Some(Value::Str(_)) | None) {
            return Err(Error::type_error("a cookie's value is text"));
        }
        if !matches!(self.args.first(), Some(Value::Str(_))) {
            return Err(Error::python("AttributeError", "a cookie's name is text"));
        }
        response.set_cookie(cookie)
    }
}
