//! What concerns all sessions of a store: cleaning up, and finding those of one user.
//!
//! Mirrors `_delete_expired_sessions` and `_cleanup_n_requests` in `flask_session/base.py`; "log out
//! everywhere" is Carafe's own. A store knows no users: each session is read, and the app says whose it is.
//!
//! Read next: `../store/mod.rs`.

use std::sync::atomic::Ordering;

use super::ServerSideSessionInterface;
use crate::app::App;
use crate::config::Settings;
use crate::logging;
use crate::session::serialization;
use crate::session::store::{Ability, Entry, StoreError, Verdict};
use crate::value::Dict;

impl ServerSideSessionInterface {
    /// Deletes what has expired from a store that does not do so by itself, and tells how many sessions
    /// that were: `flask session_cleanup`. For a timer, or a command of the app's.
    ///
    /// # Errors
    /// Where the store fails on the way.
    pub fn cleanup(&self, app: &App) -> Result<u64, StoreError> {
        self.calls().cleanup(app.config().settings().clock.now())
    }

    /// The sessions that `belongs` picks. It is shown each one that the store holds, which takes as
    /// long as there are many.
    ///
    /// # Errors
    /// Where the store fails on the way, or lacks [`Ability::Visit`].
    pub fn sessions(
        &self,
        app: &App,
        mut belongs: impl FnMut(&Dict) -> bool,
    ) -> Result<Vec<FoundSession>, StoreError> {
        let mut found = Vec::new();
        self.visit(app, &mut |id, data| {
            if belongs(&data) {
                found.push(FoundSession { id, data });
            }
            Verdict::Keep
        })?;
        Ok(found)
    }

    // ANCHOR: delete_sessions
    /// Deletes the sessions that `belongs` picks, and tells how many: "log out everywhere". One that a
    /// request has open at this moment is there again when that request writes to it, unless saves are
    /// [optimistic](Self::optimistic). The current request's own session is to be cleared too.
    ///
    /// # Errors
    /// As [`sessions`](Self::sessions).
    ///
    /// ```
    /// # use carafe::session::ServerSideSessionInterface;
    /// # use carafe::{App, Scaffold, current_app, session};
    /// # let mut app = App::new("shop");
    /// let sessions = ServerSideSessionInterface::from_url("memory:")?;
    /// app.session_interface(sessions.clone());
    /// app.post("/logout-everywhere", move || {
    ///     let user: Option<String> = session().get("username");
    ///     let is_mine = |other: &carafe::Dict| {
    ///         user.is_some() && other.get("username").and_then(|name| name.as_str()) == user.as_deref()
    ///     };
    ///     let deleted = sessions.delete_sessions(&current_app(), is_mine)?;
    ///     session().clear()?;
    ///     Ok::<_, carafe::Error>(format!("{deleted} sessions ended"))
    /// });
    /// # Ok::<(), carafe::Error>(())
    /// ```
    pub fn delete_sessions(
        &self,
        app: &App,
        mut belongs: impl FnMut(&Dict) -> bool,
    ) -> Result<u64, StoreError> {
        let mut deleted = 0;
        self.visit(app, &mut |_id, data| match belongs(&data) {
            true => {
                deleted += 1;
                Verdict::Delete
            }
            false => Verdict::Keep,
        })?;
        Ok(deleted)
    }
    // ANCHOR_END: delete_sessions

    /// Shows each session that can be read.
    fn visit(
        &self,
        app: &App,
        visitor: &mut dyn FnMut(Option<String>, Dict) -> Verdict,
    ) -> Result<(), StoreError> {
        self.require(Ability::Visit)?;
        let prefix = &*self.options.key_prefix;
        let now = app.config().settings().clock.now();
        let visitor = &mut |entry: Entry<'_>| {
            let id = entry.key.and_then(|key| key.strip_prefix(prefix));
            match serialization::decode(entry.value, self.format()) {
                Ok(Some(content)) => visitor(id.map(str::to_owned), content.dict),
                Ok(None) | Err(_) => Verdict::Keep,
            }
        };
        self.calls().visit(now, visitor)
    }

    /// `_cleanup_n_requests`. That it fails is no reason to fail the request, which needs nothing of it.
    pub(super) fn cleanup_now_and_then(&self, settings: &Settings) {
        let Some(every) = self.options.cleanup_n_requests else {
            return;
        };
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        if (request + 1).is_multiple_of(every)
            && !self.store.expires_by_itself()
            && let Err(error) = self.calls().cleanup(settings.clock.now())
        {
            logging::error("Cleaning up the sessions failed", &error.into());
        }
    }
}

/// A session that [`ServerSideSessionInterface::sessions`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundSession {
    /// Its id, where the store knows it. Whoever has it has the session: don't show it.
    pub id: Option<String>,
    /// What is in it.
    pub data: Dict,
}
