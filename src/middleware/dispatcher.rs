//! `DispatcherMiddleware`: several apps as one, by the beginnings of their paths.
//!
//! Mirrors `werkzeug/middleware/dispatcher.py`. An app that is mounted at `/backend` does not know: what stands before
//! its own paths goes to SCRIPT_NAME, where `url_for` and the path of a cookie find it.
//!
//! Read next: `proxy_fix.rs`; `wsgi.rs`, what an app is to a server.

use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;

use crate::error::Error;
use crate::wsgi::{Body, Environ, Pace, StartResponse, WsgiApp};

/// Gives each request to the app that is mounted where its path begins, or else to the app that it is around.
/// Werkzeug: `DispatcherMiddleware`.
///
/// ```
/// use carafe::{App, Scaffold, middleware::DispatcherMiddleware, url_for};
/// let mut frontend = App::new("frontend");
/// frontend.route("/", || "the shop");
/// let mut backend = App::new("backend");
/// backend.route("/orders", || url_for("orders").build());
///
/// let mut client = frontend.test_client().with_wsgi_app(
///     DispatcherMiddleware::new(frontend.clone()).mount("/backend", backend),
/// );
/// assert_eq!(client.get("/").send()?.text(), "the shop");
/// assert_eq!(client.get("/backend/orders").send()?.text(), "/backend/orders");
/// # Ok::<(), carafe::Error>(())
/// ```
#[derive(Clone)]
pub struct DispatcherMiddleware<A> {
    app: A,
    /// By path, the longest first.
    mounts: Vec<(String, Arc<dyn WsgiApp>)>,
}

impl<A: WsgiApp> DispatcherMiddleware<A> {
    /// Around `app`, which gets all that no other app is mounted for. Where there is none, an error may answer:
    ///
    /// ```
    /// use carafe::{App, HttpException, Scaffold, middleware::DispatcherMiddleware};
    /// let mut shop = App::new("shop");
    /// shop.route("/", || "the shop");
    ///
    /// let mut client = shop.test_client().with_wsgi_app(
    ///     DispatcherMiddleware::new(HttpException::not_found()).mount("/shop", shop),
    /// );
    /// assert_eq!(client.get("/shop/").send()?.text(), "the shop");
    /// assert_eq!(client.get("/").send()?.status_code(), 404);
    /// # Ok::<(), carafe::Error>(())
    /// ```
    #[must_use]
    pub fn new(app: A) -> Self {
        DispatcherMiddleware {
            app,
            mounts: Vec::new(),
        }
    }

    /// Mounts another app at `path`, such as `/backend`, without a slash at its end. Of two that fit, the longer path
    /// counts; a second at one path takes the place of the first.
    #[must_use]
    pub fn mount(mut self, path: impl Into<String>, app: impl WsgiApp + 'static) -> Self {
        let path = path.into();
        self.mounts.retain(|(other, _)| *other != path);
        self.mounts.push((path, Arc::new(app)));
        self.mounts.sort_by_key(|(path, _)| Reverse(path.len()));
        self
    }

    /// The path that an app is mounted at for this one, and the app.
    fn mounted(&self, path_info: &str) -> Option<&(String, Arc<dyn WsgiApp>)> {
        self.mounts.iter().find(|(path, _)| {
            let rest = path_info.strip_prefix(path.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

impl<A: WsgiApp> WsgiApp for DispatcherMiddleware<A> {
    fn call(
        &self,
        mut environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<Body, Error> {
        let Some((path, app)) = self.mounted(&environ.path_info) else {
            return self.app.call(environ, start_response);
        };
        environ.script_name.push_str(path);
        environ.path_info.drain(..path.len());
        app.call(environ, start_response)
    }

    /// A mounted app would have to see another environ than this.
    fn pace(&self, environ: &Environ) -> Option<&Arc<Pace>> {
        match self.mounted(&environ.path_info) {
            Some(_) => None,
            None => self.app.pace(environ),
        }
    }
}

impl<A: fmt::Debug> fmt::Debug for DispatcherMiddleware<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<&String> = self.mounts.iter().map(|(path, _)| path).collect();
        f.debug_struct("DispatcherMiddleware")
            .field("app", &self.app)
            .field("mounts", &paths)
            .finish()
    }
}
