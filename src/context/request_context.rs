//! `RequestContext`: all that belongs to one request.
//!
//! Mirrors `RequestContext` in `flask/ctx.py`: the request, the URL adapter, the session, the messages
//! flashed, the functions to run after it, and how often it is pushed.
//!
//! Read next: `lifecycle.rs`, where `wsgi_app` makes, pushes and pops one.

use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use smallvec::SmallVec;

use super::{APP_CTX_STACK, AppContext, REQUEST_CTX_STACK};
use crate::app::App;
use crate::config::Settings;
use crate::error::{Error, catch};
use crate::hook::{AfterFunction, Hook};
use crate::request::Request;
use crate::session::{self, Session};
use crate::setup::Setup;
use crate::signals::Flash;
use crate::trace::{Outcome, stage};
use crate::url_adapter::UrlAdapter;
use crate::wsgi::Environ;

// ANCHOR: request_context
/// The context of one request. [`App::request_context`] and [`App::test_request_context`] make one.
///
/// It stays on the thread that made it: what another thread gets is a [copy](crate::copy_current_request_context).
pub struct RequestContext {
    parts: Parts,
    /// One entry for each push: the app context that it brought along, if it did.
    implicit_app_ctx_stack: RefCell<SmallVec<[Option<Rc<AppContext>>; 1]>>,
    after_request_functions: RefCell<Vec<Hook<AfterFunction>>>,
}

// ANCHOR: parts
/// What a copy of the context shares with it; this may go to another thread.
#[derive(Clone)]
pub(super) struct Parts {
    app: App,
    /// The app as it was set up when this context was made, unless setup was over by then: a request
    /// sees one state of it.
    early_setup: Option<Arc<Setup>>,
    /// The settings, unless they are those of the first request.
    own_settings: Option<Arc<Settings>>,
    request: Arc<Request>,
    url_adapter: Option<UrlAdapter>,
    session: OnceCell<Arc<Session>>,
    flashes: OnceCell<Vec<Flash>>,
}
// ANCHOR_END: parts
// ANCHOR_END: request_context

impl Parts {
    pub(super) fn request(&self) -> &Arc<Request> {
        &self.request
    }

    /// A context of these parts, which nobody has pushed.
    pub(super) fn into_context(self) -> Rc<RequestContext> {
        Rc::new(RequestContext {
            parts: self,
            implicit_app_ctx_stack: RefCell::default(),
            after_request_functions: RefCell::default(),
        })
    }
}

// Making a copy cannot fail.
impl Outcome for Parts {}

impl RequestContext {
    #[inline(always)]
    // ANCHOR: new
    pub(crate) fn new(app: &App, environ: Environ) -> Rc<Self> {
        stage!("RequestContext.__init__", Self::new(app, environ));
        let own_settings = app.config().own_settings();
        let settings = app.config().settings_of(&own_settings);
        let request = Request::new(environ, settings);
        let url_adapter = match app.create_url_adapter(&request, settings) {
            Ok(adapter) => Some(adapter),
            Err(error) => {
                request.set_routing_exception(error);
                None
            }
        };
        let parts = Parts {
            app: app.clone(),
            early_setup: app.early_setup(),
            own_settings,
            request,
            url_adapter,
            session: OnceCell::new(),
            flashes: OnceCell::new(),
        };
        parts.into_context()
    }
    // ANCHOR_END: new

    // ANCHOR: copy
    /// What makes a context of its own for the same request and session, on whichever thread. Flask:
    /// `RequestContext.copy`.
    pub(super) fn copy(&self) -> Parts {
        stage!("RequestContext.__init__", self.copy());
        // Where that fails, it has failed before, and the request knows.
        let url_adapter = self
            .app()
            .create_url_adapter(self.request(), self.settings());
        Parts {
            url_adapter: url_adapter.ok(),
            flashes: OnceCell::new(),
            ..self.parts.clone()
        }
    }
    // ANCHOR_END: copy

    pub(super) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The app that handles the request.
    pub fn app(&self) -> &App {
        &self.parts.app
    }

    /// The request.
    pub fn request(&self) -> &Arc<Request> {
        &self.parts.request
    }

    /// The session, once the context has been pushed; looking at it here is no access.
    pub fn session(&self) -> Option<&Arc<Session>> {
        self.parts.session.get()
    }

    /// The session for the `session` proxy: any touch counts as an access.
    pub(crate) fn accessed_session(&self) -> Option<Arc<Session>> {
        let session = self.parts.session.get()?;
        session.mark_accessed();
        Some(Arc::clone(session))
    }

    pub(crate) fn setup(&self) -> &Setup {
        self.parts.app.setup_of(&self.parts.early_setup)
    }

    pub(crate) fn settings(&self) -> &Arc<Settings> {
        self.parts
            .app
            .config()
            .settings_of(&self.parts.own_settings)
    }

    pub(crate) fn url_adapter(&self) -> Option<&UrlAdapter> {
        self.parts.url_adapter.as_ref()
    }

    pub(crate) fn flashes(&self) -> Option<&Vec<Flash>> {
        self.parts.flashes.get()
    }

    pub(crate) fn set_flashes(&self, flashes: Vec<Flash>) -> &Vec<Flash> {
        self.parts.flashes.get_or_init(|| flashes)
    }

    pub(crate) fn add_after_request_function(&self, hook: Hook<AfterFunction>) {
        self.after_request_functions.borrow_mut().push(hook);
    }

    /// The function at `index`: one of them may add another while it runs.
    pub(crate) fn after_request_function(&self, index: usize) -> Option<Hook<AfterFunction>> {
        self.after_request_functions.borrow().get(index).cloned()
    }

    /// Makes this the current request context of this thread: the app context first, then the
    /// session, then the match of the URL, which may so use the session.
    ///
    /// # Errors
    /// What the session interface, a converter or a receiver failed with; the context is pushed all
    /// the same, and wants its [`pop`](RequestContext::pop).
    #[inline(always)]
    // ANCHOR: push
    pub fn push(self: &Rc<Self>) -> Result<(), Error> {
        stage!("RequestContext.push", self.push());
        // ANCHOR: push_app_context
        let needs_app_context = APP_CTX_STACK
            .with_top(|top| top.is_none_or(|ctx| ctx.app().id() != self.parts.app.id()));
        let app_ctx = needs_app_context.then(|| {
            self.app()
                .app_context_as_of(self.parts.early_setup.clone(), self.settings())
        });
        let app_ctx_pushed = app_ctx.as_ref().map_or(Ok(()), AppContext::push);
        self.resume(app_ctx);
        app_ctx_pushed?;
        // ANCHOR_END: push_app_context

        // ANCHOR: push_session
        // The first push opens the session, once the request can be reached: a session interface may
        // want to use it. A context that is pushed again keeps the session it has.
        if self.parts.session.get().is_none() {
            let (setup, settings) = (self.setup(), self.settings());
            let session = match session::open_session(setup, settings, self.request())? {
                Some(session) => Arc::new(session),
                None => Arc::new(session::make_null_session(setup, settings)),
            };
            self.parts.session.get_or_init(|| session);
        }
        // ANCHOR_END: push_session
        // ANCHOR: push_match
        if self.parts.url_adapter.is_some() {
            self.match_request();
        }
        // ANCHOR_END: push_match
        Ok(())
    }
    // ANCHOR_END: push

    /// Puts it on the stack, and nothing else.
    #[inline]
    pub(super) fn resume(self: &Rc<Self>, implicit_app_ctx: Option<Rc<AppContext>>) {
        self.implicit_app_ctx_stack
            .borrow_mut()
            .push(implicit_app_ctx);
        REQUEST_CTX_STACK.push(Rc::clone(self));
    }

    /// Takes it off the stack, and nothing else.
    pub(super) fn suspend(self: &Rc<Self>) {
        self.implicit_app_ctx_stack.borrow_mut().pop();
        REQUEST_CTX_STACK.pop(self);
    }

    // ANCHOR: match_request
    /// Finds the rule for the URL. That there is none is not said now: dispatch raises it, so that
    /// before functions run first. A push calls this when the session is open; a session interface that wants to
    /// know the endpoint calls it before.
    #[inline(always)]
    pub fn match_request(&self) {
        stage!("RequestContext.match_request", self.match_request());
        let Some(url_adapter) = &self.parts.url_adapter else {
            return;
        };
        match url_adapter.match_request(&self.setup().url_map, &self.parts.request) {
            Ok(matched) => self.parts.request.set_match(matched),
            Err(error) => self.parts.request.set_routing_exception(error),
        }
    }
    // ANCHOR_END: match_request

    /// Takes it away again. The last pop runs the teardown functions, with `exc`, and then pops the
    /// app context that the push brought along.
    ///
    /// # Errors
    /// What a teardown function or a receiver failed with; an `AssertionError` where another context
    /// was on top. The contexts are gone from the stacks in every case, and so is what was left above them.
    #[inline(always)]
    // ANCHOR: pop
    pub fn pop(self: &Rc<Self>, exc: Option<&Error>) -> Result<(), Error> {
        stage!("RequestContext.pop", self.pop(exc));
        let last = self.implicit_app_ctx_stack.borrow().len() <= 1;
        let torn_down = if last {
            catch(|| self.parts.app.do_teardown_request(self, exc))
        } else {
            Ok(())
        };
        let top = REQUEST_CTX_STACK.pop(self);
        let app_ctx = self.implicit_app_ctx_stack.borrow_mut().pop().flatten();
        let app_ctx_popped = app_ctx.map_or(Ok(()), |app_ctx| app_ctx.pop(exc));
        // As where Python raises in a `finally`: the last of several errors is the one that counts.
        app_ctx_popped?;
        match top {
            Some(top) if Rc::ptr_eq(&top, self) => torn_down,
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
    #[inline(always)]
    pub fn auto_pop(self: &Rc<Self>, exc: Option<&Error>) -> Result<(), Error> {
        stage!("RequestContext.auto_pop", self.auto_pop(exc));
        self.pop(exc)
    }

    /// Keeps the contexts for a test client that wants to look at them after the request.
    #[inline]
    pub(crate) fn preserve(self: &Rc<Self>) {
        if self
            .request()
            .extensions()
            .get::<PreserveContext>()
            .is_some()
            && let Some(app_ctx) = APP_CTX_STACK.top()
        {
            PRESERVED.with_borrow_mut(|preserved| preserved.push((app_ctx, Rc::clone(self))));
        }
    }

    /// Runs `body` in this context: Flask's `with app.test_request_context(...):`.
    ///
    /// # Errors
    /// What pushing or popping failed with.
    ///
    /// # Panics
    /// Where `body` does, after the context is popped.
    pub fn with<R>(self: &Rc<Self>, body: impl FnOnce() -> R) -> Result<R, Error> {
        let pushed = catch(|| self.push());
        super::run_and_pop(pushed, body, |error| self.auto_pop(error))
    }
}

impl fmt::Debug for RequestContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (url, method) = (self.parts.request.url(), self.parts.request.method());
        write!(
            f,
            "<RequestContext {url:?} [{method}] of {}>",
            self.parts.app.name()
        )
    }
}

/// An entry of the environ's extensions: the contexts of this request are wanted when it has ended.
/// Werkzeug: `werkzeug.debug.preserve_context`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PreserveContext;

thread_local! {
    static PRESERVED: RefCell<Vec<PreservedPair>> = const { RefCell::new(Vec::new()) };
}

pub(crate) type PreservedPair = (Rc<AppContext>, Rc<RequestContext>);

/// The contexts of the requests that have ended on this thread with [`PreserveContext`].
pub(crate) fn take_preserved_contexts() -> Vec<PreservedPair> {
    PRESERVED.take()
}
