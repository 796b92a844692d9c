//! `Request`: Werkzeug's request, and what Flask knows of it beyond that: its rule and its blueprints.
//!
//! Mirrors `Request` in `flask/wrappers.py`, which subclasses Werkzeug's; here it derefs to ours in
//! `wrappers/request.rs`, where all the rest is.
//!
//! Read next: `wrappers/request.rs`.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::config::Settings;
use crate::error::Error;
use crate::routing::{Rule, RuleMatch};
use crate::view::ViewArgs;
use crate::wrappers;
use crate::wsgi::Environ;

/// The request that an app is handling. Flask: `Request`.
pub struct Request {
    base: wrappers::Request,
    /// What the match found. Once: the same request is matched again when its context is pushed again,
    /// with the same result.
    routing: OnceLock<Result<Match, Error>>,
}

/// A rule that matched, and what its view will be called with.
struct Match {
    rule: Arc<Rule>,
    view_args: ViewArgs,
    /// The bytes of the endpoint that name its blueprint: this is asked often.
    blueprint: Option<usize>,
    /// What URL value preprocessors made of them, if there are any: other apps need no lock here.
    changed: OnceLock<Mutex<ViewArgs>>,
}

impl Request {
    // One of it is enough: see `trace/stage.rs`.
    #[inline(never)]
    pub(crate) fn new(environ: Environ, settings: &Settings) -> Arc<Self> {
        let (limit, debug) = (settings.max_content_length, settings.debug);
        // Made where it stays: it is large, and to move it takes as long as to match its path.
        let request = Arc::new(Request {
            base: wrappers::Request::with_settings(environ, limit, debug),
            routing: OnceLock::new(),
        });
        if !settings.trusted_hosts.is_empty() {
            request.set_trusted_hosts(&settings.trusted_hosts);
        }
        request
    }

    #[inline]
    pub(crate) fn set_match(&self, matched: RuleMatch) {
        let RuleMatch { rule, view_args } = matched;
        let matched = Match {
            // Names are short: looking at each byte beats a search.
            blueprint: rule.endpoint.bytes().rposition(|byte| byte == b'.'),
            rule,
            view_args,
            changed: OnceLock::new(),
        };
        // A second match has nothing new to say.
        drop(self.routing.set(Ok(matched)));
    }

    pub(crate) fn set_routing_exception(&self, error: Error) {
        // As above.
        drop(self.routing.set(Err(error)));
    }

    fn matched(&self) -> Option<&Match> {
        self.routing.get()?.as_ref().ok()
    }

    /// `request.url_rule`: the rule that matched.
    pub fn url_rule(&self) -> Option<&Arc<Rule>> {
        Some(&self.matched()?.rule)
    }

    /// `request.routing_exception`: why no rule matched.
    pub fn routing_exception(&self) -> Option<Error> {
        self.routing.get()?.as_ref().err().cloned()
    }

    /// `request.view_args`: what the view will be called with. `None` where no rule matched.
    pub fn view_args(&self) -> Option<ViewArgs> {
        let matched = self.matched()?;
        Some(match matched.changed.get() {
            Some(changed) => lock(changed).clone(),
            None => matched.view_args.clone(),
        })
    }

    /// Lets a URL value preprocessor change the view arguments. It works on a copy, since it may look
    /// at the request too; what it changed is kept even where it fails.
    pub(crate) fn with_view_args<R>(
        &self,
        change: impl FnOnce(Option<&str>, Option<&mut ViewArgs>) -> R,
    ) -> R {
        let mut view_args = self.view_args();
        let result = change(self.endpoint(), view_args.as_mut());
        if let (Some(matched), Some(view_args)) = (self.matched(), view_args) {
            *lock(matched.changed.get_or_init(Mutex::default)) = view_args;
        }
        result
    }

    /// `request.endpoint`: the endpoint that matched.
    pub fn endpoint(&self) -> Option<&str> {
        self.url_rule().map(|rule| rule.endpoint.as_str())
    }

    /// `request.blueprint`: the full name of the blueprint that the endpoint belongs to.
    pub fn blueprint(&self) -> Option<&str> {
        let matched = self.matched()?;
        matched.rule.endpoint.get(..matched.blueprint?)
    }

    /// `request.blueprints`: that blueprint and those it is nested in, from the innermost out.
    pub fn blueprints(&self) -> Vec<&str> {
        self.blueprint().map_or_else(Vec::new, split_blueprint_path)
    }
}

fn lock(view_args: &Mutex<ViewArgs>) -> MutexGuard<'_, ViewArgs> {
    view_args.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `a.b.c` is `a.b.c`, `a.b`, `a`. Flask: `_split_blueprint_path`.
pub(crate) fn split_blueprint_path(name: &str) -> Vec<&str> {
    std::iter::successors(Some(name), |inner| Some(inner.rsplit_once('.')?.0)).collect()
}

impl Deref for Request {
    type Target = wrappers::Request;
    fn deref(&self) -> &wrappers::Request {
        &self.base
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Request {:?} [{}]>", self.url(), self.method())
    }
}
