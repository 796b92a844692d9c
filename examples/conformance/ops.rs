//! The functions of a scenario, read: their names and ops.
//!
//! Read next: `ops/run.rs` (what each op does), then `client.rs`.

mod run;

use std::fmt;

use carafe::typing::ReturnValue;
use carafe::{Error, Response, Value, ViewArgs};

pub use run::truth;

use crate::scenario::{Log, text};

/// The three unrelated application errors.
#[derive(Debug)]
pub struct AppError(String);
/// Another.
#[derive(Debug)]
pub struct DbError(String);
/// The third.
#[derive(Debug)]
pub struct AuthError(String);

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for AppError {}
impl std::error::Error for DbError {}
impl std::error::Error for AuthError {}

/// A *fn*: its name and ops, and where it logs.
#[derive(Clone)]
pub struct Function {
    pub name: String,
    pub log: Log,
    ops: Vec<Op>,
}

/// One op: its name and arguments, as the scenario has them, and the ops inside of it.
#[derive(Clone)]
struct Op {
    name: String,
    args: Vec<Value>,
    inner: Vec<Op>,
    function: Option<Function>,
}

/// What an op can work on, beside the globals.
#[derive(Default)]
pub struct Scope<'a> {
    pub response: Option<&'a mut Response>,
    pub view_args: Option<&'a mut ViewArgs>,
}

const OPS: [&str; 28] = [
    "session_set",
    "session_get",
    "session_pop",
    "session_clear",
    "session_permanent",
    "session_touch",
    "session_all",
    "g_set",
    "g_get",
    "g_pop",
    "flash",
    "get_flashed",
    "abort",
    "raise",
    "return",
    "return_json",
    "redirect",
    "set_header",
    "set_status",
    "set_cookie",
    "delete_cookie",
    "after_this_request",
    "url_for",
    "request",
    "contexts",
    "app_context",
    "request_context",
    "pop_value",
];

const ATTRIBUTES: [&str; 24] = [
    "endpoint",
    "path",
    "full_path",
    "method",
    "blueprint",
    "blueprints",
    "view_args",
    "url",
    "base_url",
    "url_root",
    "script_root",
    "host",
    "scheme",
    "is_secure",
    "url_rule",
    "is_json",
    "mimetype",
    "json",
    "data",
    "args",
    "args_list",
    "form",
    "cookies",
    "header",
];

fn is_attribute(name: &Value) -> bool {
    name.as_str().is_some_and(|name| ATTRIBUTES.contains(&name))
}

impl Function {
    pub fn parse(fn_: &Value, log: &Log) -> Result<Self, String> {
        let fn_ = fn_.as_dict().ok_or("a function is an object")?;
        let ops = fn_.get("ops").cloned().unwrap_or(Value::List(Vec::new()));
        Ok(Function {
            name: text(fn_, "name")?.to_owned(),
            log: log.clone(),
            ops: parse(&ops, log)?,
        })
    }

    /// Runs the ops, until one returns.
    pub fn run(&self, scope: &mut Scope<'_>) -> Result<Option<ReturnValue>, Error> {
        run::run(&self.ops, &self.log, scope)
    }
}

fn parse(ops: &Value, log: &Log) -> Result<Vec<Op>, String> {
    ops.as_list()
        .ok_or("ops are a list")?
        .iter()
        .map(|op| parse_op(op, log))
        .collect()
}

fn parse_op(op: &Value, log: &Log) -> Result<Op, String> {
    let (name, args) = match op {
        Value::Str(name) => (name.clone(), Vec::new()),
        Value::List(parts) => match parts.split_first() {
            Some((Value::Str(name), args)) => (name.clone(), args.to_vec()),
            _ => return Err("an op starts with its name".to_owned()),
        },
        _ => return Err("an op is a list".to_owned()),
    };
    if !OPS.contains(&name.as_str()) {
        return Err(format!("unknown op {name:?}"));
    }
    let nothing = Value::List(Vec::new());
    let inner = match name.as_str() {
        "app_context" => args.first().unwrap_or(&nothing),
        "request_context" => args.get(1).unwrap_or(&nothing),
        _ => &nothing,
    };
    let inner = parse(inner, log)?;
    let function = match name.as_str() {
        "after_this_request" => Some(Function::parse(args.first().unwrap_or(&nothing), log)?),
        _ => None,
    };
    if name == "request" && !args.first().is_some_and(is_attribute) {
        return Err(format!("unknown request attribute {:?}", args.first()));
    }
    let known_error = ["AppError", "DbError", "AuthError"];
    if name == "raise"
        && !args
            .first()
            .and_then(Value::as_str)
            .is_some_and(|e| known_error.contains(&e))
    {
        return Err(format!("unknown error type {:?}", args.first()));
    }
    Ok(Op {
        name,
        args,
        inner,
        function,
    })
}
