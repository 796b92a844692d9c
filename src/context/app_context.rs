//! `AppContext`: which app is at work, and its `g`.
//!
//! Mirrors `AppContext` and `_AppCtxGlobals` in `flask/ctx.py`. It is a stack of its own because code
//! may need the app without a request: a command, a job, a test.
//!
//! Read next: `request_context.rs`, which pushes an app context where there is none.

use std::any::Any;
use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use super::APP_CTX_STACK;
use crate::app::App;
use crate::config::Settings;
use crate::error::{Error, catch};
use crate::setup::Setup;
use crate::signals;
use crate::trace::stage;
use crate::url_adapter::UrlAdapter;

// ANCHOR: app_context
/// The context of an app at work. [`App::app_context`] makes one.
pub struct AppContext {
    app: App,
    /// The app as it was set up when this context was made, unless setup was over by then.
    early_setup: Option<Arc<Setup>>,
    url_adapter: Option<UrlAdapter>,
    /// Made when it is first asked for: many requests never do.
    g: OnceCell<Arc<AppCtxGlobals>>,
    /// How often it is on a stack now. Flask: `len(_cv_tokens)`, before that `_refcnt`.
    refcnt: Cell<usize>,
}
// ANCHOR_END: app_context

impl AppContext {
    #[inline(always)]
    pub(crate) fn new(app: &App, early_setup: Option<Arc<Setup>>, settings: &Settings) -> Rc<Self> {
        stage!("AppContext.__init__", Self::new(app, early_setup, settings));
        Rc::new(AppContext {
            app: app.clone(),
            early_setup,
            url_adapter: app.create_url_adapter_outside_request(settings),
            g: OnceCell::new(),
            refcnt: Cell::new(0),
        })
    }

    /// A context of its own with the same `g`, which nobody has pushed: it may go to another thread.
    pub(super) fn copy(&self) -> Self {
        AppContext {
            app: self.app.clone(),
            early_setup: self.early_setup.clone(),
            url_adapter: self.url_adapter.clone(),
            g: OnceCell::from(Arc::clone(self.g())),
            refcnt: Cell::new(0),
        }
    }

    /// The app that this is the context of.
    pub fn app(&self) -> &App {
        &self.app
    }

    pub(crate) fn setup(&self) -> &Setup {
        self.app.setup_of(&self.early_setup)
    }

    /// This context's `g`.
    pub fn g(&self) -> &Arc<AppCtxGlobals> {
        self.g.get_or_init(Arc::default)
    }

    pub(crate) fn url_adapter(&self) -> Option<&UrlAdapter> {
        self.url_adapter.as_ref()
    }

    /// Makes this the current app context of this thread.
    ///
    /// # Errors
    /// What a receiver of `appcontext_pushed` failed with; the context is pushed all the same.
    #[inline(always)]
    // ANCHOR: push
    pub fn push(self: &Rc<Self>) -> Result<(), Error> {
        stage!("AppContext.push", self.push());
        self.resume();
        catch(|| signals::APPCONTEXT_PUSHED.send(&self.app, &()))
    }
    // ANCHOR_END: push

    /// Puts it on the stack, and nothing else.
    #[inline]
    pub(super) fn resume(self: &Rc<Self>) {
        self.refcnt.set(self.refcnt.get() + 1);
        APP_CTX_STACK.push(Rc::clone(self));
    }

    /// Takes it off the stack, and nothing else.
    pub(super) fn suspend(self: &Rc<Self>) {
        self.refcnt.set(self.refcnt.get().saturating_sub(1));
        APP_CTX_STACK.pop(self);
    }

    /// Takes it away again. The last pop runs the app context's teardown functions, with `exc`.
    ///
    /// # Errors
    /// What a teardown function or a receiver failed with; an `AssertionError` where another context
    /// was on top. The context is gone from the stack in every case, and so is what was left above it.
    #[inline(always)]
    // ANCHOR: pop
    pub fn pop(self: &Rc<Self>, exc: Option<&Error>) -> Result<(), Error> {
        stage!("AppContext.pop", self.pop(exc));
        let last = self.refcnt.get() <= 1;
        let torn_down = if last {
            catch(|| self.app.do_teardown_appcontext(self.setup(), exc))
        } else {
            Ok(())
        };
        self.refcnt.set(self.refcnt.get().saturating_sub(1));
        let top = APP_CTX_STACK.pop(self);
        torn_down?;
        match top {
            Some(top) if Rc::ptr_eq(&top, self) => {}
            other => {
                let found = other.map_or("None".to_owned(), |top| format!("{top:?}"));
                return Err(Error::assertion(format!(
                    "Popped wrong app context. ({found} instead of {self:?})"
                )));
            }
        }
        catch(|| signals::APPCONTEXT_POPPED.send(&self.app, &()))
    }
    // ANCHOR_END: pop

    /// Runs `body` in this context: Flask's `with app.app_context():`.
    ///
    /// # Errors
    /// What pushing or popping failed with.
    ///
    /// # Panics
    /// Where `body` does, after the context is popped.
    pub fn with<R>(self: &Rc<Self>, body: impl FnOnce() -> R) -> Result<R, Error> {
        let pushed = self.push();
        super::run_and_pop(pushed, body, |error| self.pop(error))
    }
}

impl fmt::Debug for AppContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<AppContext of {:?}>", self.app.name())
    }
}

/// `g`: a place for the app's own values, for as long as the app context lasts. Flask:
/// `_AppCtxGlobals`. And [`App::extensions`], which lasts as long as the app.
///
/// ```
/// use carafe::{App, g};
/// let app = App::new("shop");
/// app.app_context().with(|| {
///     g().set("started", 1_u64);
///     assert_eq!(g().get::<u64>("started"), Some(1));
///     assert_eq!(g().pop::<u64>("started"), Some(1));
///     assert!(!g().contains("started"));
/// })?;
/// # Ok::<(), carafe::Error>(())
/// ```
#[derive(Default)]
// ANCHOR: app_ctx_globals
pub struct AppCtxGlobals {
    values: Mutex<BTreeMap<String, Arc<dyn Any + Send + Sync>>>,
}
// ANCHOR_END: app_ctx_globals

impl AppCtxGlobals {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<dyn Any + Send + Sync>>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `g.name = value`. What is for one thread at a time, like most connections to a database, goes in as an
    /// `Arc<Mutex<T>>`: a `g` may be shared.
    // ANCHOR: set
    pub fn set<T: Any + Send + Sync>(&self, name: impl Into<String>, value: T) {
        let name = name.into();
        // What was there before is dropped without the lock, as its `Drop` may use `g`.
        let _before = self.lock().insert(name, Arc::new(value));
    }
    // ANCHOR_END: set

    // ANCHOR: get
    /// `g.get(name)`: a clone of the value, or `None` where there is none of type `T`. Keep a large
    /// value in an `Arc`.
    #[must_use]
    pub fn get<T: Any + Clone>(&self, name: &str) -> Option<T> {
        // Its `Clone` is the app's code, too.
        let value = self.lock().get(name).cloned()?;
        value.downcast_ref::<T>().cloned()
    }
    // ANCHOR_END: get

    /// `g.pop(name, None)`: takes the value out. One of another type than `T` stays.
    pub fn pop<T: Any + Clone>(&self, name: &str) -> Option<T> {
        let mut values = self.lock();
        let value = match values.entry(name.to_owned()) {
            Entry::Occupied(there) if there.get().is::<T>() => there.remove(),
            _ => return None,
        };
        drop(values);
        value.downcast_ref::<T>().cloned()
    }

    /// `g.setdefault(name, value)`: the value that is there, or else the one that `make` makes.
    pub fn setdefault<T: Any + Send + Sync + Clone>(
        &self,
        name: &str,
        make: impl FnOnce() -> T,
    ) -> T {
        if let Some(value) = self.get(name) {
            return value;
        }
        let value = make();
        let mine: Arc<dyn Any + Send + Sync> = Arc::new(value.clone());
        let mut values = self.lock();
        match values.get(name).filter(|there| there.is::<T>()) {
            // Another thread that shares this `g` was quicker.
            Some(there) => {
                let there = Arc::clone(there);
                drop(values);
                there.downcast_ref::<T>().cloned().unwrap_or(value)
            }
            None => {
                let before = values.insert(name.to_owned(), mine);
                drop(values);
                drop(before);
                value
            }
        }
    }

    /// `name in g`.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.lock().contains_key(name)
    }

    /// `iter(g)`: the names, in alphabetical order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// The names, for a trace, unless `g` is in use at this very moment.
    pub(crate) fn peek_names(&self) -> Option<Vec<String>> {
        let values = match self.values.try_lock() {
            Ok(values) => values,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(values.keys().cloned().collect())
    }
}

impl fmt::Debug for AppCtxGlobals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
