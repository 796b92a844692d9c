//! `LocalStack` and `LocalProxy`: how a global can be each thread's own.
//!
//! Mirrors `werkzeug/local.py` of Flask 1.1's days, where the two context stacks were `LocalStack`s
//! and `request` was a proxy for the top of one.
//!
//! Read next: `globals.rs`, the stacks and proxies that there are.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::thread::LocalKey;

use crate::error::Error;

// ANCHOR: local_stack
/// One stack a thread: every thread sees its own, and starts with an empty one. What is on it stays on
/// its thread (it is an [`Rc`]), so nothing in it needs a lock.
pub struct LocalStack<T: 'static> {
    stack: &'static LocalKey<RefCell<Vec<Rc<T>>>>,
}
// ANCHOR_END: local_stack

impl<T> LocalStack<T> {
    pub(crate) const fn new(stack: &'static LocalKey<RefCell<Vec<Rc<T>>>>) -> Self {
        LocalStack { stack }
    }

    /// Puts `item` on top.
    pub(crate) fn push(&self, item: Rc<T>) {
        self.stack.with_borrow_mut(|stack| stack.push(item));
    }

    // ANCHOR: pop
    /// Takes `item` away, with all that was pushed on it and left there: whoever forgot a pop must not hand
    /// what it had to the next request on this thread. Returns what was on top. Where `item` is not on the
    /// stack, everything stays.
    pub(crate) fn pop(&self, item: &Rc<T>) -> Option<Rc<T>> {
        let is_item = |each: &Rc<T>| Rc::ptr_eq(each, item);
        let top = self
            .stack
            .with_borrow_mut(|stack| stack.pop_if(|top| is_item(top)));
        if top.is_some() {
            return top;
        }
        // Nothing is dropped before the stack is free again: what a context holds may look at it then.
        let mut taken = self.stack.with_borrow_mut(|stack| {
            let at = stack.iter().rposition(is_item);
            at.map_or_else(Vec::new, |at| stack.split_off(at))
        });
        taken.pop().or_else(|| self.top())
    }
    // ANCHOR_END: pop

    /// Takes away all but the lowest `len` items.
    #[cfg(feature = "bridge")]
    pub(super) fn take_above(&self, len: usize) -> Vec<Rc<T>> {
        self.stack.with_borrow_mut(|stack| match stack.len() > len {
            true => stack.split_off(len),
            false => Vec::new(),
        })
    }

    // ANCHOR: top
    /// The item on top, if there is one.
    #[must_use]
    pub fn top(&self) -> Option<Rc<T>> {
        self.with_top(|top| top.map(Rc::clone))
    }
    // ANCHOR_END: top

    // ANCHOR: with_top
    /// Looks at the item on top without keeping it. At the end of its thread a stack is gone before what was left
    /// on it, which may ask for its context when it is dropped: then there is none.
    pub(crate) fn with_top<R>(&self, look: impl Fn(Option<&Rc<T>>) -> R) -> R {
        let seen = self.stack.try_with(|stack| look(stack.borrow().last()));
        seen.unwrap_or_else(|_at_the_end| look(None))
    }
    // ANCHOR_END: with_top

    /// What `look` sees in each item, the top last, for a trace: nothing where the stack cannot be
    /// looked at right now, as at the end of a thread.
    pub(crate) fn peek_all<R>(&self, look: impl FnMut(&Rc<T>) -> R) -> Vec<R> {
        let all = self.stack.try_with(|stack| {
            let stack = stack.try_borrow().ok()?;
            Some(stack.iter().map(look).collect())
        });
        all.ok().flatten().unwrap_or_default()
    }

    /// How many items are on this thread's stack.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stack
            .try_with(|stack| stack.borrow().len())
            .unwrap_or(0)
    }

    /// Whether this thread's stack is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> fmt::Debug for LocalStack<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalStack")
            .field("len", &self.len())
            .finish()
    }
}

/// Stands for an object that each thread has its own of. It holds nothing: every use looks the object
/// up where it is at that moment.
///
/// In Python a proxy can pass for the object itself. Rust wants to know whether the object is there,
/// so a proxy is asked for it: [`get_current_object`](LocalProxy::get_current_object) panics outside
/// a context, in Flask's words, and [`try_get_current_object`](LocalProxy::try_get_current_object)
/// returns them as an error.
// ANCHOR: local_proxy
pub struct LocalProxy<T: 'static> {
    name: &'static str,
    lookup: fn() -> Option<T>,
    unbound_message: &'static str,
}
// ANCHOR_END: local_proxy

impl<T> LocalProxy<T> {
    /// A proxy of the app's own, to keep in a `static`: Werkzeug's `LocalProxy(lookup, unbound_message=...)`. `name` is
    /// what `Debug` shows.
    ///
    /// ```
    /// use carafe::context::{LocalProxy, try_g};
    /// use carafe::{App, Scaffold, g};
    ///
    /// static USER: LocalProxy<String> = LocalProxy::new(
    ///     "current_user",
    ///     || try_g().ok()?.get("user"),
    ///     "Nobody is logged in.",
    /// );
    ///
    /// fn current_user() -> String {
    ///     USER.get_current_object()
    /// }
    ///
    /// let mut app = App::new("shop");
    /// app.before_request(|| g().set("user", "jack".to_owned()));
    /// app.get("/", || format!("Hello, {}!", current_user()));
    /// assert_eq!(app.test_client().get("/").send()?.text(), "Hello, jack!");
    /// assert!(!USER.is_bound());
    /// # Ok::<(), carafe::Error>(())
    /// ```
    pub const fn new(
        name: &'static str,
        lookup: fn() -> Option<T>,
        unbound_message: &'static str,
    ) -> Self {
        LocalProxy {
            name,
            lookup,
            unbound_message,
        }
    }

    /// The object that the proxy stands for now. Werkzeug: `_get_current_object`.
    ///
    /// # Panics
    /// Outside the context that holds it. In a view a panic is an unhandled error: the client sees a
    /// 500 and the contexts are popped.
    #[must_use]
    #[track_caller]
    // ANCHOR: get_current_object
    pub fn get_current_object(&self) -> T {
        match (self.lookup)() {
            Some(object) => object,
            None => panic!("{}", self.unbound_message),
        }
    }
    // ANCHOR_END: get_current_object

    /// The object that the proxy stands for now.
    ///
    /// # Errors
    /// A `RuntimeError` outside the context that holds it.
    // ANCHOR: try_get_current_object
    pub fn try_get_current_object(&self) -> Result<T, Error> {
        (self.lookup)().ok_or_else(|| Error::runtime(self.unbound_message))
    }
    // ANCHOR_END: try_get_current_object

    /// Whether there is an object now: what `bool(proxy)` tells in Python.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        (self.lookup)().is_some()
    }
}

impl<T> fmt::Debug for LocalProxy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_bound() {
            write!(f, "<LocalProxy {}>", self.name)
        } else {
            write!(f, "<LocalProxy {} unbound>", self.name)
        }
    }
}
