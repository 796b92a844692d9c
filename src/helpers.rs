//! What a view calls: `url_for`, `redirect`, `flash`, `make_response`, `jsonify`.
//!
//! Mirrors `flask/helpers.py` and `flask/json/__init__.py`, and `Flask.url_for`, which the first of
//! them calls.
//!
//! Read next: `typing.rs`, what a view may return.

use serde::Serialize;

use crate::app::App;
use crate::context::{
    APP_CTX_STACK, REQUEST_CTX_STACK, current_app, session, try_current_app, try_request,
    try_session,
};
use crate::error::Error;
use crate::json;
use crate::python::repr;
use crate::routing::BuildError;
use crate::signals::{self, Flash};
use crate::typing::IntoReturnValue;
use crate::url_adapter::BuildOptions;
use crate::value::{Dict, Value};
use crate::wrappers::urls::{FRAGMENT, quote};
use crate::wrappers::{self, Response};

/// The URL of an endpoint, by the app that is at work: give it values and options, then
/// [`build`](UrlFor::build) it. Flask: `url_for`.
///
/// ```
/// use carafe::{App, Scaffold, url_for};
/// let mut app = App::new("shop");
/// app.route("/user/<int:id>", |_id: i64| url_for("user_id").arg("id", 8).arg("tab", "x").build());
/// assert_eq!(app.test_client().get("/user/7").send()?.text(), "/user/8?tab=x");
/// # Ok::<(), carafe::Error>(())
/// ```
pub fn url_for(endpoint: impl Into<String>) -> UrlFor {
    UrlFor {
        app: None,
        endpoint: endpoint.into(),
        values: Dict::new(),
        anchor: None,
        method: None,
        scheme: None,
        external: None,
    }
}

impl App {
    /// [`url_for`], by this app: it works without a context too, where SERVER_NAME is set. Flask:
    /// `app.url_for`.
    pub fn url_for(&self, endpoint: impl Into<String>) -> UrlFor {
        UrlFor {
            app: Some(self.clone()),
            ..url_for(endpoint)
        }
    }
}

/// A URL to be built; see [`url_for`].
#[derive(Clone, Debug)]
#[must_use = "a URL is made by `build`"]
pub struct UrlFor {
    app: Option<App>,
    endpoint: String,
    values: Dict,
    anchor: Option<String>,
    method: Option<String>,
    scheme: Option<String>,
    external: Option<bool>,
}

impl UrlFor {
    /// A variable of the rule, or else an argument of the query. A list is repeated, null left out.
    pub fn arg(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.values.insert(name.into(), value.into());
        self
    }

    /// Several at once.
    pub fn args(mut self, values: Dict) -> Self {
        self.values.extend(values);
        self
    }

    /// `_anchor`: goes behind a `#`.
    pub fn anchor(mut self, anchor: impl Into<String>) -> Self {
        self.anchor = Some(anchor.into());
        self
    }

    /// `_method`: takes the rule for this method.
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// `_scheme`: the scheme of an external URL; it makes the URL one.
    pub fn scheme(mut self, scheme: impl Into<String>) -> Self {
        self.scheme = Some(scheme.into());
        self
    }

    /// `_external`: with scheme and host. By default only outside a request.
    pub fn external(mut self, external: bool) -> Self {
        self.external = Some(external);
        self
    }

    /// Builds it.
    ///
    /// # Errors
    /// A [`BuildError`] where there is no such endpoint or the values do not fit, and no
    /// `url_build_error_handler` gave a URL; a `RuntimeError` outside a request without SERVER_NAME; a
    /// `ValueError` for a scheme on a URL that is to be internal.
    pub fn build(self) -> Result<String, Error> {
        let UrlFor {
            app,
            mut endpoint,
            mut values,
            anchor,
            method,
            scheme,
            external,
        } = self;
        let req_ctx = REQUEST_CTX_STACK.top();
        let app_ctx = APP_CTX_STACK.top();
        let app = match app {
            Some(app) => app,
            None => try_current_app()?,
        };
        let outside_setup;
        let (setup, external) = match &req_ctx {
            Some(ctx) => {
                if let Some(relative) = endpoint.strip_prefix('.') {
                    endpoint = match ctx.request().blueprint() {
                        Some(blueprint) => format!("{blueprint}.{relative}"),
                        None => relative.to_owned(),
                    };
                }
                (ctx.setup(), external.unwrap_or(scheme.is_some()))
            }
            None => {
                outside_setup = app.setup();
                (&*outside_setup, external.unwrap_or(true))
            }
        };
        let outside_adapter;
        let url_adapter = match (&req_ctx, &app_ctx) {
            (Some(ctx), _) => ctx.url_adapter(),
            (None, Some(ctx)) => ctx.url_adapter(),
            (None, None) => {
                let settings = app.config().settings();
                outside_adapter = app.create_url_adapter_outside_request(&settings);
                outside_adapter.as_ref()
            }
        };
        let Some(url_adapter) = url_adapter else {
            return Err(Error::runtime(
                "Unable to build URLs outside an active request without 'SERVER_NAME' configured. \
                 Also configure 'APPLICATION_ROOT' and 'PREFERRED_URL_SCHEME' as needed.",
            ));
        };
        if scheme.is_some() && !external {
            return Err(Error::value_error(
                "When specifying '_scheme', '_external' must be True.",
            ));
        }
        app.inject_url_defaults(setup, &endpoint, &mut values)?;
        let options = BuildOptions {
            method: method.as_deref(),
            scheme: scheme.as_deref(),
            external,
        };
        let request = req_ctx.as_ref().map(|ctx| &**ctx.request());
        match url_adapter.build(&setup.url_map, request, &endpoint, &values, &options) {
            Ok(mut url) => {
                if let Some(anchor) = anchor {
                    url.push('#');
                    url.push_str(&quote(&anchor, FRAGMENT));
                }
                Ok(url)
            }
            Err(error) => {
                // A handler that builds the URL in the app's place has to know these too.
                values.insert("_anchor".to_owned(), anchor.into());
                values.insert("_method".to_owned(), method.into());
                values.insert("_scheme".to_owned(), scheme.into());
                values.insert("_external".to_owned(), external.into());
                app.handle_url_build_error(*error, &endpoint, &values)
            }
        }
    }
}

impl App {
    /// Asks the url_build_error_handlers, the first to register first.
    fn handle_url_build_error(
        &self,
        error: BuildError,
        endpoint: &str,
        values: &Dict,
    ) -> Result<String, Error> {
        // A value that a converter refuses is no build error in Flask: it is not shown to them.
        if error.cause.is_some() {
            return Err(error.into());
        }
        let setup = self.setup();
        let mut latest = Error::from(error);
        for handler in &setup.url_build_error_handlers {
            let Some(error) = latest.downcast_ref() else {
                break;
            };
            match handler(error, endpoint, values) {
                Ok(Some(url)) => return Ok(url),
                Ok(None) => {}
                // The next one is asked about this error.
                Err(newer) if newer.is::<BuildError>() => latest = newer,
                Err(other) => return Err(other),
            }
        }
        Err(latest)
    }
}

/// A redirect to `location` with a 302. Flask: `redirect`.
///
/// # Errors
/// A `ValueError` where `location` has a line break in it.
pub fn redirect(location: impl AsRef<str>) -> Result<Response, Error> {
    wrappers::redirect(location.as_ref(), 302)
}

/// A redirect with another code: 301, 303, 305, 307 or 308.
///
/// # Errors
/// As [`redirect`]; and where `code` is not in 100..=999. One that is no redirect's is sent as it is.
pub fn redirect_with_code(location: impl AsRef<str>, code: u16) -> Result<Response, Error> {
    wrappers::redirect(location.as_ref(), code)
}

/// A response of what a view could return, to change it before it is returned. Flask:
/// `make_response`.
///
/// # Errors
/// What [`App::make_response`] fails with, or `rv` itself where it is an `Err`.
///
/// # Panics
/// Outside an app context.
pub fn make_response(rv: impl IntoReturnValue) -> Result<Response, Error> {
    current_app().make_response(rv.into_return_value()?)
}

/// A JSON response. A view may as well return [`Json`](crate::Json). Flask: `jsonify`.
///
/// # Errors
/// Where `value` cannot be JSON.
///
/// # Panics
/// Outside an app context.
pub fn jsonify(value: impl Serialize) -> Result<Response, Error> {
    current_app().json_response(&json::to_value(&value)?)
}

const FLASHES: &str = "_flashes";

/// Stores a message in the session until [`get_flashed_messages`] takes it. Flask: `flash`.
///
/// # Errors
/// A `RuntimeError` without a secret key; what a receiver of `message_flashed` fails with.
///
/// # Panics
/// Outside a request context.
pub fn flash(message: impl Into<String>) -> Result<(), Error> {
    flash_with_category(message, "message")
}

/// [`flash`], with a category such as `"error"`.
///
/// # Errors
/// As [`flash`].
///
/// # Panics
/// Outside a request context.
pub fn flash_with_category(
    message: impl Into<String>,
    category: impl Into<String>,
) -> Result<(), Error> {
    let flash = Flash {
        category: category.into(),
        message: message.into(),
    };
    let pair = Value::Tuple(vec![
        flash.category.as_str().into(),
        flash.message.as_str().into(),
    ]);
    session().update(
        |data| match data.setdefault(FLASHES.to_owned(), Value::Null) {
            Value::List(flashes) => flashes.push(pair),
            other => *other = Value::List(vec![pair]),
        },
    )?;
    signals::MESSAGE_FLASHED.send(&current_app(), &flash)
}

/// The messages stored so far, taken out of the session. Within a request each call gives the same
/// ones. Flask: `get_flashed_messages(with_categories=True)`.
///
/// # Errors
/// A `RuntimeError` outside a request context.
pub fn get_flashed_messages() -> Result<Vec<Flash>, Error> {
    let Some(ctx) = REQUEST_CTX_STACK.top() else {
        // Its error says what is missing.
        return try_request().map(|_| Vec::new());
    };
    if let Some(flashes) = ctx.flashes() {
        return Ok(flashes.clone());
    }
    // Asking whether there are any is an access to the session even where there are none.
    let session = try_session()?;
    let stored = if session.contains_key(FLASHES) {
        session.pop(FLASHES)?
    } else {
        None
    };
    let flashes: Vec<Flash> = match stored {
        Some(Value::List(pairs) | Value::Tuple(pairs)) => {
            pairs.iter().filter_map(flash_from).collect()
        }
        _ => Vec::new(),
    };
    Ok(ctx.set_flashes(flashes).clone())
}

fn flash_from(pair: &Value) -> Option<Flash> {
    let (Value::Tuple(pair) | Value::List(pair)) = pair else {
        return None;
    };
    // A Flask app may have flashed anything, and often flashes Markup.
    match pair.as_slice() {
        [category, message] => Some(Flash {
            category: repr::str(category).into_owned(),
            message: repr::str(message).into_owned(),
        }),
        _ => None,
    }
}

/// The messages of some categories only. Flask: `get_flashed_messages(category_filter=...)`.
///
/// # Errors
/// As [`get_flashed_messages`].
pub fn get_flashed_messages_of(categories: &[&str]) -> Result<Vec<Flash>, Error> {
    let mut flashes = get_flashed_messages()?;
    flashes.retain(|flash| categories.contains(&flash.category.as_str()));
    Ok(flashes)
}
