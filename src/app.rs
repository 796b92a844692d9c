//! `App`: what is set up before the first request, and frozen after it.
//!
//! Mirrors `flask/sansio/app.py` and the registering half of `flask/app.py`. An `App` is a handle:
//! clones share one app, so that a context, a test client or a thread can hold it. The request's way
//! through it is the other half, in `lifecycle.rs`.
//!
//! Read next: `app/scaffold.rs`, the rest of the registering; `setup.rs`, what it holds; then `lifecycle.rs`.

mod scaffold;

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard};

use crate::blueprint::{Blueprint, RegisterOptions};
use crate::config::{Config, Settings};
use crate::context::{AppContext, AppCtxGlobals, RequestContext};
use crate::error::Error;
use crate::hook::{before_first_hook, teardown_hook};
use crate::pace::Pace;
use crate::request::Request;
use crate::routing::{BuildError, Converter, ConverterArgs, factory};
use crate::session::SessionInterface;
use crate::setup::Setup;
use crate::testing::{TestClient, environ_builder};
use crate::trace::stage;
use crate::typing::{HookReturn, IntoReturnValue, ReturnValue};
use crate::url_adapter::UrlAdapter;
use crate::value::Dict;
use crate::wsgi::Environ;

/// Tells one app from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AppId(u64);

/// A web application. Flask: `Flask`.
///
/// ```
/// use carafe::{App, Scaffold};
/// let mut app = App::new("hello");
/// app.route("/", || "Hello, World!");
/// app.route("/user/<int:id>", |id: i64| format!("user {id}"));
/// let mut client = app.test_client();
/// assert_eq!(client.get("/user/7").send()?.text(), "user 7");
/// # Ok::<(), carafe::Error>(())
/// ```
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

// A panic in an app's function leaves nothing of the app half-changed: see `error::catch`.
impl UnwindSafe for App {}
impl RefUnwindSafe for App {}

// ANCHOR: inner
struct Inner {
    id: AppId,
    name: String,
    config: Config,
    extensions: AppCtxGlobals,
    /// Replaced as a whole by every change, so that a context keeps the state it started with.
    setup: RwLock<Arc<Setup>>,
    /// The same from the first request on, when nothing changes it any more: no lock, no count.
    final_setup: OnceLock<Arc<Setup>>,
    before_first_request_lock: Mutex<()>,
}
// ANCHOR_END: inner

impl App {
    /// An app with Flask's default config and a cookie session, which wants a secret key. `name` is
    /// what it calls itself in traces and logs.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        App {
            inner: Arc::new(Inner {
                id: AppId(NEXT_ID.fetch_add(1, Ordering::Relaxed)),
                name: name.into(),
                config: Config::default(),
                extensions: AppCtxGlobals::default(),
                setup: RwLock::new(Arc::new(Setup::new())),
                final_setup: OnceLock::new(),
                before_first_request_lock: Mutex::new(()),
            }),
        }
    }

    /// Tells this app from others; its clones share it.
    #[must_use]
    pub fn id(&self) -> AppId {
        self.inner.id
    }

    /// `app.name`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// `app.config`.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// `app.extensions`: where an extension keeps what it has for this app, under its own name. It is used as
    /// [`g`](crate::g()) is, and lasts as long as the app.
    ///
    /// ```
    /// use carafe::{App, Scaffold, current_app};
    /// fn init_mail(app: &mut App, sender: &str) {
    ///     app.extensions().set("mail", sender.to_owned());
    /// }
    ///
    /// let mut app = App::new("shop");
    /// init_mail(&mut app, "shop@example.com");
    /// app.get("/", || current_app().extensions().get::<String>("mail"));
    /// assert_eq!(app.test_client().get("/").send()?.text(), "shop@example.com");
    /// # Ok::<(), carafe::Error>(())
    /// ```
    #[must_use]
    pub fn extensions(&self) -> &AppCtxGlobals {
        &self.inner.extensions
    }

    /// `app.got_first_request`: whether setup is over.
    #[must_use]
    pub fn got_first_request(&self) -> bool {
        self.inner.final_setup.get().is_some()
    }

    /// Whether a request may make its thread wait. Until setup is over there is no telling.
    pub(crate) fn pace(&self, environ: &Environ) -> Option<&Arc<Pace>> {
        let setup = self.inner.final_setup.get()?;
        Some(setup.pace(&environ.method, &environ.path_info))
    }

    pub(crate) fn set_got_first_request(&self) {
        // Under the lock that a change takes: none is made that nobody would see.
        let setup = self.read_setup();
        self.inner.final_setup.get_or_init(|| Arc::clone(&setup));
        self.inner.config.settle();
    }

    fn read_setup(&self) -> RwLockReadGuard<'_, Arc<Setup>> {
        let setup = &self.inner.setup;
        setup.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn before_first_request_lock(&self) -> &Mutex<()> {
        &self.inner.before_first_request_lock
    }

    /// What is registered by now.
    pub(crate) fn setup(&self) -> Arc<Setup> {
        Arc::clone(&self.read_setup())
    }

    /// What a context has to keep, if it is made before setup is over.
    pub(crate) fn early_setup(&self) -> Option<Arc<Setup>> {
        (!self.got_first_request()).then(|| self.setup())
    }

    /// What is registered, for a context that was made with this [`App::early_setup`].
    pub(crate) fn setup_of<'a>(&'a self, early_setup: &'a Option<Arc<Setup>>) -> &'a Setup {
        match early_setup {
            Some(setup) => setup,
            None => self.inner.final_setup.get_or_init(|| self.setup()),
        }
    }

    // ANCHOR: change_setup
    /// Changes what is registered, unless the first request has been handled. The setup is locked meanwhile, so
    /// `change` drops nothing of the app's own, whose `Drop` may ask the app: it gives back what it replaced.
    #[track_caller]
    pub(crate) fn change_setup<R>(&self, f_name: &str, change: impl FnOnce(&mut Setup) -> R) -> R {
        let mut setup = self
            .inner
            .setup
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        self.check_setup_finished(f_name);
        change(Arc::make_mut(&mut setup))
    }
    // ANCHOR_END: change_setup

    // ANCHOR: check_setup_finished
    #[track_caller]
    fn check_setup_finished(&self, f_name: &str) {
        assert!(
            !self.got_first_request(),
            "The setup method '{f_name}' can no longer be called on the application. It has already \
             handled its first request, any changes will not be applied consistently.\n\
             Make sure all imports, decorators, functions, etc. needed to set up the application are \
             done before running it."
        );
    }
    // ANCHOR_END: check_setup_finished

    /// `@app.before_first_request`: runs once, before the first request is dispatched. Where one
    /// fails, all run again on the next request.
    ///
    /// # Panics
    /// After the first request.
    #[track_caller]
    pub fn before_first_request<F, R>(&mut self, f: F)
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: HookReturn,
    {
        let hook = before_first_hook(f);
        self.change_setup("before_first_request", |s| {
            s.before_first_request_funcs.push(hook);
        });
    }

    // ANCHOR: teardown_appcontext
    /// `@app.teardown_appcontext`: runs when the app context is popped, with the error that was not
    /// handled, if any.
    ///
    /// # Panics
    /// After the first request.
    #[track_caller]
    pub fn teardown_appcontext<F, R>(&mut self, f: F)
    where
        F: Fn(Option<&Error>) -> R + Send + Sync + 'static,
        R: HookReturn,
    {
        let hook = teardown_hook(f);
        self.change_setup("teardown_appcontext", |s| {
            s.teardown_appcontext_funcs.push(hook);
        });
    }
    // ANCHOR_END: teardown_appcontext

    /// `app.register_blueprint(blueprint)`.
    ///
    /// # Panics
    /// Where a blueprint of that name is registered, or after the first request.
    #[track_caller]
    pub fn register_blueprint(&mut self, blueprint: impl Into<Blueprint>) {
        self.register_blueprint_with(blueprint, RegisterOptions::new());
    }

    /// `app.register_blueprint(blueprint, **options)`.
    ///
    /// # Panics
    /// Where a blueprint of that name is registered, or after the first request.
    #[track_caller]
    pub fn register_blueprint_with(
        &mut self,
        blueprint: impl Into<Blueprint>,
        options: RegisterOptions,
    ) {
        self.check_setup_finished("register_blueprint");
        blueprint.into().register(self, options);
    }

    /// `app.session_interface = ...`.
    ///
    /// # Panics
    /// After the first request.
    #[track_caller]
    pub fn session_interface(&mut self, interface: impl SessionInterface + 'static) {
        self.change_setup("session_interface", |s| {
            std::mem::replace(&mut s.session_interface, Arc::new(interface))
        });
    }

    /// `app.url_build_error_handlers.append(f)`: may give the URL that `url_for` could not build. It gets
    /// the error, the endpoint, and the values, with `_anchor`, `_method`, `_scheme` and `_external`
    /// among them.
    ///
    /// # Panics
    /// After the first request.
    #[track_caller]
    pub fn url_build_error_handler<F>(&mut self, f: F)
    where
        F: Fn(&BuildError, &str, &Dict) -> Result<Option<String>, Error> + Send + Sync + 'static,
    {
        self.change_setup("url_build_error_handlers", |s| {
            s.url_build_error_handlers.push(Arc::new(f));
        });
    }

    /// `app.url_map.converters[name] = ...`: a converter of the app's own. `make` gets the arguments
    /// that a rule writes in brackets. [`Converter`] has an example.
    ///
    /// # Panics
    /// After the first request.
    #[track_caller]
    pub fn add_converter<F, C>(&mut self, name: &str, make: F)
    where
        F: Fn(&ConverterArgs) -> Result<C, String> + Send + Sync + 'static,
        C: Converter + 'static,
    {
        let (name, make) = (name.to_owned(), factory(make));
        self.change_setup("url_map.converters", |s| {
            Arc::make_mut(&mut s.url_map).replace_converter(name, make)
        });
    }

    /// `app.test_client()`: a browser for tests, which keeps cookies.
    #[must_use]
    pub fn test_client(&self) -> TestClient {
        TestClient::new(self.clone())
    }

    /// `app.app_context()`: a context to work in without a request.
    #[must_use]
    pub fn app_context(&self) -> Rc<AppContext> {
        self.app_context_as_of(self.early_setup(), &self.config().settings())
    }

    // ANCHOR: app_context_as_of
    /// The same, with the app as it was when a request's context was made: both see one state of it.
    #[inline(always)]
    pub(crate) fn app_context_as_of(
        &self,
        early_setup: Option<Arc<Setup>>,
        settings: &Settings,
    ) -> Rc<AppContext> {
        stage!(
            "Flask.app_context",
            self.app_context_as_of(early_setup, settings)
        );
        AppContext::new(self, early_setup, settings)
    }
    // ANCHOR_END: app_context_as_of

    /// `app.test_request_context(path)`: the context of a request that nobody sent. For more than a
    /// path, give [`App::request_context`] what [`environ_builder`] builds.
    ///
    /// # Errors
    /// Where `path` is no path.
    pub fn test_request_context(&self, path: &str) -> Result<Rc<RequestContext>, Error> {
        Ok(self.request_context(environ_builder(self, path).build()?))
    }

    /// `app.request_context(environ)`.
    #[must_use]
    #[inline(always)]
    pub fn request_context(&self, environ: Environ) -> Rc<RequestContext> {
        stage!("Flask.request_context", self.request_context(environ));
        RequestContext::new(self, environ)
    }

    /// What URLs are built and matched with in a request.
    ///
    /// # Errors
    /// A 400 where the request's host is no host.
    #[inline(always)]
    pub(crate) fn create_url_adapter(
        &self,
        request: &Request,
        settings: &Settings,
    ) -> Result<UrlAdapter, Error> {
        stage!(
            "Flask.create_url_adapter",
            self.create_url_adapter(request, settings)
        );
        UrlAdapter::for_request(request, settings)
    }

    /// What URLs are built with where there is no request: it takes a SERVER_NAME.
    #[inline(always)]
    pub(crate) fn create_url_adapter_outside_request(
        &self,
        settings: &Settings,
    ) -> Option<UrlAdapter> {
        stage!(
            "Flask.create_url_adapter",
            self.create_url_adapter_outside_request(settings)
        );
        UrlAdapter::outside_request(settings)
    }
}

/// An app may answer for another one: a view returns it, and it is called with the view's request.
impl IntoReturnValue for App {
    fn into_return_value(self) -> Result<ReturnValue, Error> {
        Ok(ReturnValue::WsgiApp(Arc::new(self)))
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Flask {:?}>", self.name())
    }
}
