//! Builds the app that a scenario describes.
//!
//! The names are those of the format: *fn*, *scaffold*, *ops*. Every function that the app registers
//! logs an event and then runs its ops.
//!
//! Read next: `ops.rs`.

use base64::Engine as _;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use carafe::clock::FixedClock;
use carafe::session::SecureCookieSessionInterface;
use carafe::signing::DigestMethod;
use carafe::typing::{Catch, ReturnValue};
use carafe::{App, Blueprint, Dict, Error, HttpException, Response, Route, Scaffold, Value};
use carafe::{ViewArgs, signals};

use crate::ops::{AppError, AuthError, DbError, Function, Scope};

/// The clock of a scenario that does not say.
const DEFAULT_NOW: f64 = 1_700_000_000.0;

/// What a scenario is turned into.
pub struct Scenario {
    pub app: App,
    pub log: Log,
    pub clock: Arc<FixedClock>,
    /// What the clock shows first. It shows whole seconds, as itsdangerous counts them; a scenario's may
    /// have fractions, which add up.
    pub now: f64,
    pub stages: bool,
}

/// The events of the current request.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<Value>>>);

impl Log {
    pub fn push<const N: usize>(&self, event: [Value; N]) {
        self.push_list(event.into());
    }

    fn push_list(&self, event: Vec<Value>) {
        self.lock().push(plain(Value::List(event)));
    }

    pub fn take(&self) -> Vec<Value> {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A value as an event has it: bytes are base64.
fn plain(value: Value) -> Value {
    let pair = |(key, value)| (key, plain(value));
    match value {
        Value::Bytes(bytes) => base64::engine::general_purpose::STANDARD
            .encode(bytes)
            .into(),
        Value::List(items) | Value::Tuple(items) => {
            Value::List(items.into_iter().map(plain).collect())
        }
        Value::Dict(dict) => Value::Dict(dict.into_iter().map(pair).collect()),
        other => other,
    }
}

/// The items of a list that may be missing.
pub fn items<'a>(of: &'a Dict, key: &str) -> &'a [Value] {
    of.get(key).and_then(Value::as_list).unwrap_or_default()
}

fn dict<'a>(value: &'a Value, what: &str) -> Result<&'a Dict, String> {
    value
        .as_dict()
        .ok_or_else(|| format!("{what} is an object"))
}

pub fn text<'a>(of: &'a Dict, key: &str) -> Result<&'a str, String> {
    of.get(key)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("{key} is text"))
}

pub fn build(scenario: &Dict) -> Result<Scenario, String> {
    let empty = Dict::new();
    let description = match scenario.get("app") {
        None => &empty,
        Some(app) => dict(app, "app")?,
    };
    let now = scenario.get("now").and_then(Value::as_f64);
    let now = now.unwrap_or(DEFAULT_NOW);
    let clock = Arc::new(FixedClock::new(whole_seconds(now)?));
    let log = Log::default();
    let mut app = App::new("scenario");
    app.config().set_clock(clock.clone());
    if let Some(config) = scenario.get("config") {
        for (key, value) in dict(config, "config")? {
            app.config()
                .set(key, value.clone())
                .map_err(|error| error.to_string())?;
        }
    }
    app.session_interface(SecureCookieSessionInterface::with_digest(
        match scenario.get("session_digest").and_then(Value::as_str) {
            None | Some("sha1") => DigestMethod::Sha1,
            Some("sha256") => DigestMethod::Sha256,
            Some("sha512") => DigestMethod::Sha512,
            Some(other) => return Err(format!("unknown digest {other:?}")),
        },
    ));
    register_scaffold(&mut app, description, &log)?;
    for function in functions(description, "before_first_request", &log)? {
        app.before_first_request(move || {
            function.call([]);
            function.run(&mut Scope::default()).map(drop)
        });
    }
    for function in functions(description, "teardown_appcontext", &log)? {
        app.teardown_appcontext(move |error| function.teardown(error));
    }
    for blueprint in items(scenario, "blueprints") {
        app.register_blueprint(make_blueprint(dict(blueprint, "a blueprint")?, &log)?);
    }
    connect_signals(&app, &log);
    let stages = scenario
        .get("stages")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    Ok(Scenario {
        app,
        log,
        clock,
        now,
        stages,
    })
}

/// What the clock shows at that time.
pub fn whole_seconds(now: f64) -> Result<u64, String> {
    if now < 0.0 {
        return Err(format!("{now} is before 1970"));
    }
    Ok(now as u64)
}

fn functions(description: &Dict, key: &str, log: &Log) -> Result<Vec<Function>, String> {
    items(description, key)
        .iter()
        .map(|fn_| Function::parse(fn_, log))
        .collect()
}

/// What an app and a blueprint have in common.
fn register_scaffold(owner: &mut impl Scaffold, of: &Dict, log: &Log) -> Result<(), String> {
    for function in functions(of, "url_value_preprocessors", log)? {
        owner.url_value_preprocessor(move |endpoint, view_args| {
            function.url_value_preprocessor(endpoint, view_args)
        });
    }
    for function in functions(of, "before_request", log)? {
        owner.before_request(move || function.before());
    }
    for function in functions(of, "after_request", log)? {
        owner.after_request(move |response: &mut Response| function.after(response));
    }
    for function in functions(of, "teardown_request", log)? {
        owner.teardown_request(move |error| function.teardown(error));
    }
    for fn_ in items(of, "error_handlers") {
        register_handler(&mut Own(owner), fn_, log)?;
    }
    let mut views = HashSet::new();
    for fn_ in items(of, "routes") {
        let function = Function::parse(fn_, log)?;
        let route = route(dict(fn_, "a route")?)?;
        let name = function.name.clone();
        // A second rule of the same name is one more rule of the first one's function.
        if views.insert(name.clone()) {
            owner.add_url_rule(route, &name, move |args: ViewArgs| function.view(args));
        } else {
            owner.add_endpoint_rule(route, &name);
        }
    }
    Ok(())
}

fn route(of: &Dict) -> Result<Route, String> {
    let mut route = Route::new(text(of, "rule")?);
    if let Some(methods) = of.get("methods").filter(|methods| !methods.is_null()) {
        let methods = methods.as_list().ok_or("methods are a list")?;
        route = route.methods(methods.iter().filter_map(Value::as_str));
    }
    if let Some(defaults) = of.get("defaults").and_then(Value::as_dict) {
        for (name, value) in defaults {
            route = route.default(name, value.clone());
        }
    }
    if let Some(strict) = of.get("strict_slashes").and_then(Value::as_bool) {
        route = route.strict_slashes(strict);
    }
    Ok(route)
}

fn make_blueprint(of: &Dict, log: &Log) -> Result<Blueprint, String> {
    let mut blueprint = Blueprint::new(text(of, "name")?);
    if let Some(prefix) = of.get("url_prefix").and_then(Value::as_str) {
        blueprint = blueprint.with_url_prefix(prefix);
    }
    register_scaffold(&mut blueprint, of, log)?;
    for function in functions(of, "before_app_request", log)? {
        blueprint.before_app_request(move || function.before());
    }
    for function in functions(of, "after_app_request", log)? {
        blueprint.after_app_request(move |response: &mut Response| function.after(response));
    }
    for function in functions(of, "teardown_app_request", log)? {
        blueprint.teardown_app_request(move |error| function.teardown(error));
    }
    for fn_ in items(of, "app_error_handlers") {
        register_handler(&mut AppWide(&mut blueprint), fn_, log)?;
    }
    for nested in items(of, "blueprints") {
        blueprint.register_blueprint(make_blueprint(dict(nested, "a blueprint")?, log)?);
    }
    Ok(blueprint)
}

/// Where an error handler is registered: `errorhandler`, or a blueprint's `app_errorhandler`.
trait Handlers {
    fn of_code(&mut self, code: u16, function: Function);
    fn of_type<E: Catch>(&mut self, handle: impl Fn(&E) -> Answer + Send + Sync + 'static);
}

type Answer = Result<ReturnValue, Error>;
struct Own<'a, S>(&'a mut S);
struct AppWide<'a>(&'a mut Blueprint);

impl<S: Scaffold> Handlers for Own<'_, S> {
    fn of_code(&mut self, code: u16, function: Function) {
        self.0
            .errorhandler(code, move |e: &HttpException| function.http_handler(e));
    }

    fn of_type<E: Catch>(&mut self, handle: impl Fn(&E) -> Answer + Send + Sync + 'static) {
        self.0.errorhandler_for(handle);
    }
}

impl Handlers for AppWide<'_> {
    fn of_code(&mut self, code: u16, function: Function) {
        self.0
            .app_errorhandler(code, move |e: &HttpException| function.http_handler(e));
    }

    fn of_type<E: Catch>(&mut self, handle: impl Fn(&E) -> Answer + Send + Sync + 'static) {
        self.0.app_errorhandler_for(handle);
    }
}

fn register_handler(to: &mut impl Handlers, fn_: &Value, log: &Log) -> Result<(), String> {
    let function = Function::parse(fn_, log)?;
    let on = dict(fn_, "a function")?.get("on");
    if let Some(Value::Int(code)) = on {
        let code = u16::try_from(*code).map_err(|error| error.to_string())?;
        to.of_code(code, function);
        return Ok(());
    }
    match on.and_then(Value::as_str) {
        Some("AppError") => to.of_type(move |_: &AppError| function.handler("AppError")),
        Some("DbError") => to.of_type(move |_: &DbError| function.handler("DbError")),
        Some("AuthError") => to.of_type(move |_: &AuthError| function.handler("AuthError")),
        Some("HTTPException") => to.of_type(move |e: &HttpException| function.http_handler(e)),
        Some("Exception") => to.of_type(move |e: &Error| function.any_handler(e)),
        _ => return Err(format!("no error is called {on:?}")),
    }
    Ok(())
}

/// Logs every signal of the app.
fn connect_signals(app: &App, log: &Log) {
    fn connect<A: 'static>(signal: &'static signals::Signal<A>, app: &App, log: &Log) {
        let log = log.clone();
        signal.connect_via(app, move |_, _| {
            log.push(["signal".into(), signal.name().into()]);
        });
    }
    connect(&signals::APPCONTEXT_PUSHED, app, log);
    connect(&signals::REQUEST_STARTED, app, log);
    connect(&signals::REQUEST_FINISHED, app, log);
    connect(&signals::GOT_REQUEST_EXCEPTION, app, log);
    connect(&signals::REQUEST_TEARING_DOWN, app, log);
    connect(&signals::APPCONTEXT_TEARING_DOWN, app, log);
    connect(&signals::APPCONTEXT_POPPED, app, log);
    connect(&signals::MESSAGE_FLASHED, app, log);
}

/// What each kind of function logs and does.
impl Function {
    fn before(&self) -> Result<Option<ReturnValue>, Error> {
        self.call([]);
        match self.run(&mut Scope::default())? {
            // Python's `return None` lets the request go on.
            Some(ReturnValue::None) => Ok(None),
            answer => Ok(answer),
        }
    }

    fn view(&self, args: ViewArgs) -> Result<ReturnValue, Error> {
        self.call([]);
        if !args.is_empty() {
            self.log.push(["view_args".into(), Value::Dict(args)]);
        }
        Ok(self
            .run(&mut Scope::default())?
            .unwrap_or(ReturnValue::None))
    }

    pub fn after(&self, response: &mut Response) -> Result<(), Error> {
        self.call([i64::from(response.status_code()).into()]);
        let mut scope = Scope {
            response: Some(response),
            ..Scope::default()
        };
        self.run(&mut scope).map(drop)
    }

    fn teardown(&self, error: Option<&Error>) -> Result<(), Error> {
        self.call([type_of(error)]);
        self.run(&mut Scope::default()).map(drop)
    }

    fn http_handler(&self, error: &HttpException) -> Result<ReturnValue, Error> {
        let original = type_of(error.original_exception.as_ref());
        self.call([i64::from(error.code).into(), original]);
        Ok(self
            .run(&mut Scope::default())?
            .unwrap_or(ReturnValue::None))
    }

    fn handler(&self, type_name: &str) -> Result<ReturnValue, Error> {
        self.call([type_name.into()]);
        Ok(self
            .run(&mut Scope::default())?
            .unwrap_or(ReturnValue::None))
    }

    fn any_handler(&self, error: &Error) -> Result<ReturnValue, Error> {
        match error.as_http() {
            Some(http) => self.http_handler(http),
            None => self.handler(error.type_name()),
        }
    }

    fn url_value_preprocessor(
        &self,
        endpoint: Option<&str>,
        view_args: Option<&mut ViewArgs>,
    ) -> Result<(), Error> {
        self.call([]);
        let values = view_args
            .as_ref()
            .map_or(Value::Null, |args| Value::Dict((**args).clone()));
        self.log.push([
            "value".into(),
            endpoint.map_or(Value::Null, Value::from),
            values,
        ]);
        let mut scope = Scope {
            view_args,
            ..Scope::default()
        };
        self.run(&mut scope).map(drop)
    }

    /// Logs the call, with whatever more there is to say of it.
    fn call<const N: usize>(&self, more: [Value; N]) {
        let mut event = vec![Value::from("call"), Value::from(self.name.as_str())];
        event.extend(more);
        self.log.push_list(event);
    }
}

/// An error's type by name, or null.
fn type_of(error: Option<&Error>) -> Value {
    error.map_or(Value::Null, |error| error.type_name().into())
}
