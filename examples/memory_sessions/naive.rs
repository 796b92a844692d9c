//! The first store that comes to mind. It works, and must not be used: see `suite.rs` for why.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use carafe::config::Settings;
use carafe::{Dict, Error, Request, Response, Session, SessionInterface, SetCookie, request};

// ANCHOR: naive
/// Keeps every session under the number that its browser was given.
#[derive(Default)]
pub(crate) struct NaiveSessions {
    next: AtomicU64,
    sessions: Mutex<HashMap<String, Dict>>,
}

impl SessionInterface for NaiveSessions {
    fn open_session(
        &self,
        settings: &Arc<Settings>,
        request: &Request,
    ) -> Result<Option<Session>, Error> {
        let id = request.cookie(self.get_cookie_name(settings));
        let data = id.and_then(|id| self.lock().get(&*id).cloned());
        Ok(Some(data.map_or_else(Session::new, Session::from_data)))
    }

    fn save_session(
        &self,
        settings: &Arc<Settings>,
        session: &Session,
        response: &mut Response,
    ) -> Result<(), Error> {
        let name = self.get_cookie_name(settings);
        let id = match request().cookie(name) {
            Some(id) => id.into_owned(),
            None => self.next.fetch_add(1, Ordering::Relaxed).to_string(),
        };
        self.lock().insert(id.clone(), session.to_dict());
        let cookie = self.cookie(settings, SetCookie::new(name, id));
        response.set_cookie(cookie)
    }
}
// ANCHOR_END: naive

impl NaiveSessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Dict>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
