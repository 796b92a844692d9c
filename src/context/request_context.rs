//! `RequestContext`: all that belongs to one request.
//!
//! Mirrors `RequestContext` in `flask/ctx.py`: the request, the URL adapter, the session, the messages
//! flashed, the functions to run after it, and how often it is pushed.
//!
//! Read next: `lifecycle.rs`, where `wsgi_app` makes, pushes and pops one.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tracing::instrument;

use super::{APP_CTX_STACK, AppContext, REQUEST_CTX_STACK};
use crate::app::{App, Setup};
use crate::config::Settings;
use crate::error::{Error, catch};
use crate::hook::{AfterFunction, Hook};
use crate::request::Request;
use crate::session::{self, Session};
use crate::signals::Flash;
use crate::url_adapter::UrlAdapter;
use crate::wsgi::Environ;

/// The context of one request. [`App::request_context`] and [`App::test_request_context`] make one.
pub struct RequestContext {
    app: App,
    /// The app as it was set up when this context was made: a request sees one state of it.
    setup: Arc<Setup>,
    settings: Arc<Settings>,
    request: Arc<Request>,
    url_adapter: Option<UrlAdapter>,
    session: OnceLock<Arc<Session>>,
    state: Mutex<State>,
}

/// What changes while the request runs.
#[derive(Default)]
struct State {
    /// One entry for each push: the app context that it brought along, if it did.
    implicit_app_ctx_stack: Vec<Option<Arc<AppContext>>>,
    flashes: Option<Vec<Flash>>,
    after_request_functions: Vec<Hook<AfterFunction>>,
}

impl RequestContext {
    #[instrument(
        target = "carafe::lifecycle",
        level = "debug",
        name = "RequestContext.__init__",
        skip_all
    )]
    pub(crate) fn new(app: &App, environ: Environ) -> Arc<Self> {
        let settings = app.config().settings();
        let request = Arc::new(Request::new(environ, &settings));
        let url_adapter = match app.create_url_adapter(&request, &settings) {
            Ok(adapter) => Some(adapter),
            Err(error) => {
                request.set_routing_exception(error);
                None
            }
        };
        Self::assemble(app.clone(), app.setup(), settings, request, url_adapter)
    }

    fn assemble(
        app: App,
        setup: Arc<Setup>,
        settings: Arc<Settings>,
        request: Arc<Request>,
        url_adapter: Option<UrlAdapter>,
    ) -> Arc<Self> {
        let (session, state) = (OnceLock::new(), Mutex::default());
        Arc::new(RequestContext {
            app,
            setup,
            settings,
            request,
            url_adapter,
            session,
            state,
        })
    }

    // ANCHOR: copy
    /// A context of its own for the same request and session, to be pushed on another thread. Flask:
    /// `RequestContext.copy`.
    #[must_use]
    pub fn copy(&self) -> Arc<Self> {
        let copy = Self::assemble(
            self.app.clone(),
            Arc::clone(&self.setup),
            Arc::clone(&self.settings),
            Arc::clone(&self.request),
            self.url_adapter.clone(),
        );
        if let Some(session) = self.session.get() {
            copy.session.get_or_init(|| Arc::clone(session));
        }
        copy
    }
    // ANCHOR_END: copy

    /// The app that handles the request.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The request.
    pub fn request(&self) -> &Arc<Request> {
        &self.request
    }

    /// The session, once the context has been pushed; looking at it here is no access.
    pub fn session(&self) -> Option<&Arc<Session>> {
        self.session.get()
    }

    /// The session for the `session` proxy: any touch counts as an access.
    pub(crate) fn accessed_session(&self) -> Option<Arc<Session>> {
        let session = self.session.get()?;
        session.mark_accessed();
        Some(Arc::clone(session))
    }

    pub(crate) fn setup(&self) -> &Arc<Setup> {
        &self.setup
    }

    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    pub(crate) fn url_adapter(&self) -> Option<&UrlAdapter> {
        self.url_adapter.as_ref()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn flashes(&self) -> Option<Vec<Flash>> {
        self.state().flashes.clone()
    }

    pub(crate) fn set_flashes(&self, flashes: Vec<Flash>) {
        self.state().flashes = Some(flashes);
    }

    pub(crate) fn add_after_request_function(&self, hook: Hook<AfterFunction>) {
        self.state().after_request_functions.push(hook);
    }

    /// The function at `index`: one of them may add another while it runs.
    pub(crate) fn after_request_function(&self, index: usize) -> Option<Hook<AfterFunction>> {
        self.state().after_request_functions.get(index).cloned()
    }

    /// Makes this the current request context of this thread: the app context first, then the
    /// session, then the match of the URL, which may so use the session.
    ///
    /// # Errors
    /// What the session interface, a converter or a receiver failed with; the context is pushed all
    /// the same, and wants its [`pop`](RequestContext::pop).
    #[instrument(
        target = "carafe::lifecycle",
        level = "debug",
        name = "RequestContext.push",
        skip_all,
        err(Debug, level = "debug")
    )]
    pub fn push(self: &Arc<Self>) -> Result<(), Error> {
        let needs_app_context =
            APP_CTX_STACK.with_top(|top| top.is_none_or(|ctx| ctx.app().id() != self.app.id()));
        let app_ctx = needs_app_context.then(|| {
            let setup = Arc::clone(&self.setup);
            self.app.app_context_as_of(setup, &self.settings)
        });
        let app_ctx_pushed = app_ctx.as_ref().map_or(Ok(()), AppContext::push);
        self.state().implicit_app_ctx_stack.push(app_ctx);
        REQUEST_CTX_STACK.push(Arc::clone(self));
        app_ctx_pushed?;

        // The first push opens the session, once the request can be reached: a session interface may
        // want to use it. A context that is pushed again keeps the session it has.
        if self.session.get().is_none() {
            let session = match session::open_session(&self.app, &self.setup, &self.request)? {
                Some(session) => session,
                None => session::make_null_session(&self.app, &self.setup),
            };
            self.session.get_or_init(|| Arc::new(session));
        }
        if self.url_adapter.is_some() {
            self.match_request();
        }
        Ok(())
    }

    /// Finds the rule for the URL. That there is none is not said now: dispatch raises it, so that
    /// before functions run first.
    #[instrument(
        target = "carafe::lifecycle",
        level = "debug",
        name = "RequestContext.match_request",
        skip_all
    )]
    fn match_request(&self) {
        let Some(url_adapter) = &self.url_adapter else {
            return;
        };
        match url_adapter.match_request(&self.setup.url_map, &self.request) {
            Ok(matched) => self.request.set_match(matched),
            Err(error) => self.request.set_routing_exception(error),
        }
    }

    /// Takes it away again. The last pop runs the teardown functions, with `exc`, and then pops the
    /// app context that the push brought along.
    ///
    /// # Errors
    /// What a teardown function or a receiver failed with; an `AssertionError` where another context
    /// was on top. The contexts are gone from the stacks in every case.
    #[instrument(
        target = "carafe::lifecycle",
        level = "debug",
        name = "RequestContext.pop",
        skip_all,
        err(Debug, level = "debug")
    )]
    // ANCHOR: pop
    pub fn pop(self: &Arc<Self>, exc: Option<&Error>) -> Result<(), Error> {
        let last = self.state().implicit_app_ctx_stack.len() <= 1;
        let torn_down = if last {
            catch(|| self.app.do_teardown_request(self, exc))
        } else {
            Ok(())
        };
        let popped = REQUEST_CTX_STACK.pop();
        let app_ctx = self.state().implicit_app_ctx_stack.pop().flatten();
        let app_ctx_popped = app_ctx.map_or(Ok(()), |app_ctx| app_ctx.pop(exc));
        // As where Python raises in a `finally`: the last of several errors is the one that counts.
        app_ctx_popped?;
        match popped {
            Some(top) if Arc::ptr_eq(&top, self) => torn_down,
            other => {
                let found = other.map_or("None".to_owned(), |top| format!("{top:?}"));
                Err(Error::assertion(format!(
                    "Popped wrong request context. ({found} instead of {self:?})"
                )))
            }
        }
    }
    // ANCHOR_END: pop

    /// The pop at the end of a `with`, and of a request. In Flask 1.1 it could leave the context to a
    /// debugger; since then it just pops.
    ///
    /// # Errors
    /// As [`pop`](RequestContext::pop).
    #[instrument(
        target = "carafe::lifecycle",
        level = "debug",
        name = "RequestContext.auto_pop",
        skip_all
    )]
    pub fn auto_pop(self: &Arc<Self>, exc: Option<&Error>) -> Result<(), Error> {
        self.pop(exc)
    }

    /// Tells a test client that wants to look at the contexts after the request which they were: it
    /// pushes them again.
    pub(crate) fn preserve(self: &Arc<Self>) {
        if let Some(preserved) = self.request.extensions().get::<PreservedContexts>()
            && let Some(app_ctx) = APP_CTX_STACK.top()
        {
            preserved.keep(app_ctx, Arc::clone(self));
        }
    }

    /// Runs `body` in this context: Flask's `with app.test_request_context(...):`.
    ///
    /// # Errors
    /// What pushing or popping failed with.
    ///
    /// # Panics
    /// Where `body` does, after the context is popped.
    pub fn with<R>(self: &Arc<Self>, body: impl FnOnce() -> R) -> Result<R, Error> {
        let pushed = catch(|| self.push());
        super::run_and_pop(pushed, body, |error| self.auto_pop(error))
    }
}

impl fmt::Debug for RequestContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (url, method) = (self.request.url(), self.request.method());
        write!(
            f,
            "<RequestContext {url:?} [{method}] of {}>",
            self.app.name()
        )
    }
}

/// The contexts of a request that has ended, for a test client that wants them back: an entry of the
/// environ's extensions. Werkzeug: `werkzeug.debug.preserve_context`.
#[derive(Clone, Debug, Default)]
pub(crate) struct PreservedContexts(Arc<Mutex<Vec<PreservedPair>>>);

type PreservedPair = (Arc<AppContext>, Arc<RequestContext>);

impl PreservedContexts {
    fn keep(&self, app_ctx: Arc<AppContext>, req_ctx: Arc<RequestContext>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((app_ctx, req_ctx));
    }

    pub(crate) fn take(&self) -> Vec<PreservedPair> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
