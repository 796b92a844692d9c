//! `TestClient`: a browser that calls the app directly.
//!
//! Mirrors `FlaskClient` in `flask/testing.py` and `Client` in `werkzeug/test.py`.
//!
//! Read next: `request_builder.rs`, what it sends and gets.

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;

use super::redirects::Location;
use super::request_builder::{RequestBuilder, TestResponse};
use super::{Cookie, CookieJar};
use crate::app::App;
use crate::context::{PreserveContext, PreservedPair, take_preserved_contexts};
use crate::error::Error;
use crate::session::{self, Session};
use crate::wrappers::datastructures::{header_value, latin1_decode};
use crate::wrappers::urlsplit::split_netloc;
use crate::wrappers::{EnvironBuilder, Request, Response, SetCookie};
use crate::wsgi::{Body, WsgiApp};

/// A request to this app, with the scheme, host and root that its config names. Flask: `flask.testing.EnvironBuilder`.
///
/// ```
/// use carafe::{App, request, testing::environ_builder};
/// fn is_valid_edit() -> Result<bool, carafe::Error> {
///     Ok(!request().form()?.require("name")?.is_empty())
/// }
///
/// let app = App::new("shop");
/// let environ = environ_builder(&app, "/user/2/edit").method("POST").form([("name", "")]).build()?;
/// let valid = app.request_context(environ).with(is_valid_edit)?;
/// assert!(!valid?);
/// # Ok::<(), carafe::Error>(())
/// ```
pub fn environ_builder(app: &App, path: &str) -> EnvironBuilder {
    let settings = app.config().settings();
    let server_name = settings.server_name.as_deref();
    EnvironBuilder::new(path)
        .url_scheme(&settings.preferred_url_scheme)
        .server_name(
            server_name
                .filter(|name| !name.is_empty())
                .unwrap_or("localhost"),
        )
        .application_root(&settings.application_root)
}

/// A browser for tests. Flask: `app.test_client()`.
///
/// ```
/// use carafe::{App, Scaffold, request, session};
/// let mut app = App::new("shop");
/// app.config().set_secret_key("adavafa");
/// app.post("/login", || {
///     session().insert("username", request().form()?.require("username")?)?;
///     Ok::<_, carafe::Error>("welcome")
/// });
/// app.get("/", || session().get::<String>("username"));
///
/// let mut client = app.test_client();
/// client.post("/login").form([("username", "jack")]).send()?;
/// assert_eq!(client.get("/").send()?.text(), "jack");
/// # Ok::<(), carafe::Error>(())
/// ```
pub struct TestClient {
    app: App,
    /// What the requests go to: the app, or what is around it.
    wsgi_app: Arc<dyn WsgiApp>,
    cookies: Option<CookieJar>,
    /// Set while contexts outlive their requests.
    preserve_context: bool,
    /// Those that do now, the last pushed last.
    contexts: Vec<PreservedPair>,
}

impl TestClient {
    pub(crate) fn new(app: App) -> Self {
        TestClient {
            wsgi_app: Arc::new(app.clone()),
            app,
            cookies: Some(CookieJar::default()),
            preserve_context: false,
            contexts: Vec::new(),
        }
    }

    /// `app.test_client(use_cookies=False)`: keeps and sends none.
    #[must_use]
    pub fn without_cookies(mut self) -> Self {
        self.cookies = None;
        self
    }

    /// Sends the requests to `wsgi_app`, a middleware around the app. Flask: `app.wsgi_app = ...`.
    ///
    /// ```
    /// use carafe::{App, Scaffold, middleware::ProxyFix, request};
    /// let mut app = App::new("shop");
    /// app.route("/", || request().scheme().to_owned());
    /// let mut client = app.test_client().with_wsgi_app(ProxyFix::new(app.clone()));
    /// let response = client.get("/").header("X-Forwarded-Proto", "https").send()?;
    /// assert_eq!(response.text(), "https");
    /// # Ok::<(), carafe::Error>(())
    /// ```
    #[must_use]
    pub fn with_wsgi_app(mut self, wsgi_app: impl WsgiApp + 'static) -> Self {
        self.wsgi_app = Arc::new(wsgi_app);
        self
    }

    /// Starts a GET.
    pub fn get(&mut self, path: &str) -> RequestBuilder<'_> {
        self.open("GET", path)
    }

    /// Starts a POST.
    pub fn post(&mut self, path: &str) -> RequestBuilder<'_> {
        self.open("POST", path)
    }

    /// Starts a PUT.
    pub fn put(&mut self, path: &str) -> RequestBuilder<'_> {
        self.open("PUT", path)
    }

    /// Starts a PATCH.
    pub fn patch(&mut self, path: &str) -> RequestBuilder<'_> {
        self.open("PATCH", path)
    }

    /// Starts a DELETE.
    pub fn delete(&mut self, path: &str) -> RequestBuilder<'_> {
        self.open("DELETE", path)
    }

    /// Starts a HEAD.
    pub fn head(&mut self, path: &str) -> RequestBuilder<'_> {
        self.open("HEAD", path)
    }

    /// Starts an OPTIONS.
    pub fn options(&mut self, path: &str) -> RequestBuilder<'_> {
        self.open("OPTIONS", path)
    }

    /// Starts a request with any method. Flask: `client.open`.
    pub fn open(&mut self, method: &str, path: &str) -> RequestBuilder<'_> {
        let builder = environ_builder(&self.app, path).method(method);
        RequestBuilder::new(self, builder)
    }

    /// The cookies, where it keeps any.
    pub fn cookies(&self) -> Option<&CookieJar> {
        self.cookies.as_ref()
    }

    /// `client.get_cookie(key)`: the value of a cookie that goes to the app's root, as it stood in the
    /// header.
    #[must_use]
    pub fn get_cookie(&self, key: &str) -> Option<&str> {
        let jar = self.cookies.as_ref()?;
        let cookie = jar.get(key, &self.server_name(), &self.root_path())?;
        Some(&cookie.value)
    }

    /// `client.set_cookie(key, value)`, for every path of the app's host.
    pub fn set_cookie(&mut self, key: &str, value: &str) {
        // Quoted where it has to be, as a response would have it.
        let header = SetCookie::new(key, value).dump(0).unwrap_or_default();
        let quoted = header
            .split(';')
            .next()
            .and_then(|pair| pair.split_once('='));
        let value = quoted.map_or(value, |(_key, value)| value);
        let cookie = Cookie::new(key, value, self.server_name());
        if let Some(jar) = &mut self.cookies {
            jar.set(cookie);
        }
    }

    /// `client.delete_cookie(key)`.
    pub fn delete_cookie(&mut self, key: &str) {
        if let Some(jar) = &mut self.cookies {
            jar.delete(key);
        }
    }

    /// The app's host, in the form that the jar has of a request to it.
    fn server_name(&self) -> String {
        let settings = self.app.config().settings();
        split_netloc(settings.server_name.as_deref().unwrap_or("localhost")).hostname
    }

    /// The path of the app's root, with a slash at its end.
    fn root_path(&self) -> String {
        let settings = self.app.config().settings();
        match settings.application_root.trim_matches('/') {
            "" => "/".to_owned(),
            root => format!("/{root}/"),
        }
    }

    /// `with client.session_transaction() as session:`. Lets `change` look at the session that the next
    /// request will find, and change it.
    ///
    /// # Errors
    /// Where there are no cookies to keep it in; where the session cannot be opened or saved; what
    /// `change` fails with, and then nothing is saved.
    // ANCHOR: session_transaction
    pub fn session_transaction<R>(
        &mut self,
        change: impl FnOnce(&Session) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let Some(jar) = &self.cookies else {
            return Err(Error::type_error(
                "Cookies are disabled. Create a client with 'use_cookies=True'.",
            ));
        };
        let mut builder = environ_builder(&self.app, "/");
        if let Some(cookie) = jar.header(&self.server_name(), &self.root_path()) {
            builder = builder.header("Cookie", cookie);
        }
        let ctx = self.app.request_context(builder.build()?);
        let (setup, settings) = (ctx.setup(), ctx.settings());
        let session = ctx.with(|| session::open_session(setup, settings, ctx.request()))??;
        let session =
            session.ok_or_else(|| Error::runtime("Session backend did not open a session."))?;
        let result = change(&session)?;
        if setup.session_interface.is_null_session(&session) {
            return Ok(result);
        }
        let mut response = Response::new("");
        ctx.with(|| session::save_session(setup, settings, Some(&session), &mut response))??;
        self.update_cookies(response.headers(), &self.server_name(), "/");
        Ok(result)
    }
    // ANCHOR_END: session_transaction

    /// `with client:`. While `body` runs, the contexts of a request stay current after it, so that
    /// `session()`, `g()` and `request()` can be looked at; until the next request or the end. The teardown
    /// functions have run once by then, and do so again: what they take out of `g` is gone.
    ///
    /// # Errors
    /// What popping the last contexts failed with.
    pub fn with_contexts<R>(&mut self, body: impl FnOnce(&mut Self) -> R) -> Result<R, Error> {
        self.preserve_context = true;
        let result = body(self);
        self.preserve_context = false;
        self.pop_contexts()?;
        Ok(result)
    }

    // ANCHOR: pop_contexts
    fn pop_contexts(&mut self) -> Result<(), Error> {
        while let Some((app_ctx, req_ctx)) = self.contexts.pop() {
            req_ctx.pop(None)?;
            app_ctx.pop(None)?;
        }
        Ok(())
    }
    // ANCHOR_END: pop_contexts

    // ANCHOR: push_contexts
    fn push_contexts(&mut self) -> Result<(), Error> {
        for (app_ctx, req_ctx) in take_preserved_contexts() {
            app_ctx.push()?;
            req_ctx.push()?;
            self.contexts.push((app_ctx, req_ctx));
        }
        Ok(())
    }
    // ANCHOR_END: push_contexts

    fn update_cookies(&mut self, headers: &HeaderMap, server_name: &str, path: &str) {
        let Some(jar) = &mut self.cookies else { return };
        for header in headers.get_all(http::header::SET_COOKIE) {
            jar.update(&latin1_decode(header.as_bytes()), server_name, path);
        }
    }

    // ANCHOR: run
    /// Sends one request and reads the whole response.
    pub(super) fn run(
        &mut self,
        mut builder: EnvironBuilder,
    ) -> Result<(TestResponse, Location), Error> {
        self.pop_contexts()?;
        if self.preserve_context {
            builder = builder.extension(PreserveContext);
        }
        let mut environ = builder.clone().build()?;
        let from = Location::of(&environ)?;
        if let Some(jar) = &self.cookies
            && let Some(cookie) = jar.header(&from.server_name, &from.path)
            && let Ok(value) = header_value(&cookie)
        {
            environ.headers.insert(http::header::COOKIE, value);
        }
        // The app reads the body of the one; a test may look at the other.
        let mut sent = builder.build()?;
        sent.headers.clone_from(&environ.headers);
        let mut started = None;
        let body = self
            .wsgi_app
            .call(environ, &mut |status: http::StatusCode, headers| {
                started = Some((status, headers));
            });
        let data = body.and_then(Body::into_bytes).inspect_err(|_| {
            // The contexts of a request that failed are not looked at, so the next one must not find them.
            drop(take_preserved_contexts());
        })?;
        let (status, headers) = started
            .ok_or_else(|| Error::assertion("the app returned without calling start_response"))?;
        self.update_cookies(&headers, &from.server_name, &from.path);
        if self.preserve_context {
            self.push_contexts()?;
        }
        let response =
            TestResponse::new(status.as_u16(), headers, data, Request::from_environ(sent));
        Ok((response, from))
    }
    // ANCHOR_END: run
}

impl fmt::Debug for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClient")
            .field("app", &self.app)
            .field("cookies", &self.cookies)
            .finish_non_exhaustive()
    }
}

impl Drop for TestClient {
    fn drop(&mut self) {
        // A test that ends early, by a panic in `with_contexts`, must not leave contexts behind.
        drop(self.pop_contexts());
    }
}
