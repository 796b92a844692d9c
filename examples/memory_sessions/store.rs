//! A session store in this process's memory, made as a store on disk or in a database would be.
//!
//! The browser has an id that says nothing; the data never leaves. Everything is gone when the process
//! ends, and another process does not know it: for more than one, the map would have to be elsewhere.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use carafe::config::Settings;
use carafe::signing::base64_encode;
use carafe::{Dict, Error, Request, Response, Session, SessionInterface, SetCookie, g, request};

// ANCHOR: memory_sessions
/// Keeps sessions in memory. A clone is the same store.
#[derive(Clone, Default)]
pub(crate) struct MemorySessions {
    sessions: Arc<Mutex<HashMap<String, Stored>>>,
}

struct Stored {
    data: Dict,
    /// The last second in which it can be opened.
    expires: u64,
}
// ANCHOR_END: memory_sessions

impl SessionInterface for MemorySessions {
    // ANCHOR: open_session
    fn open_session(
        &self,
        settings: &Arc<Settings>,
        request: &Request,
    ) -> Result<Option<Session>, Error> {
        let Some(id) = request.cookie(self.get_cookie_name(settings)) else {
            return Ok(Some(Session::new()));
        };
        let now = settings.clock.now();
        let data = match self.lock().get(&*id) {
            Some(stored) if now <= stored.expires => stored.data.clone(),
            _ => return Ok(Some(Session::new())),
        };
        g().set(OPENED, data.clone());
        Ok(Some(Session::from_data(data)))
    }
    // ANCHOR_END: open_session

    // ANCHOR: save_session
    fn save_session(
        &self,
        settings: &Arc<Settings>,
        session: &Session,
        response: &mut Response,
    ) -> Result<(), Error> {
        if session.accessed() {
            response.vary_add("Cookie");
        }
        if !self.should_set_cookie(settings, session) {
            return Ok(());
        }
        response.vary_add("Cookie");
        let name = self.get_cookie_name(settings);
        let cookie = match self.store(request().cookie(name).as_deref(), session, settings)? {
            Saved::As(id) => SetCookie::new(name, id)
                .expires(self.get_expiration_time(settings, session).map(signed)),
            Saved::Ended => SetCookie::deletion(name),
            Saved::Nothing => return Ok(()),
        };
        let cookie = self.cookie(settings, cookie);
        response.set_cookie(cookie)
    }
    // ANCHOR_END: save_session
}

// ANCHOR: saved
/// What came of a save.
enum Saved {
    /// It is there, under this id.
    As(String),
    /// The session was emptied: it is no longer there.
    Ended,
    /// Another request ended it while this one ran, and that is how it stays.
    Nothing,
}
// ANCHOR_END: saved

impl MemorySessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Stored>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many sessions it holds, those that have expired included.
    #[allow(dead_code)] // For tests.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    // ANCHOR: store
    /// Saves `session` under the id that the client brought, or under a new one.
    fn store(
        &self,
        id: Option<&str>,
        session: &Session,
        settings: &Settings,
    ) -> Result<Saved, Error> {
        let now = settings.clock.now();
        let mut data = session.to_dict();
        let renewed = data.shift_remove(RENEW).is_some();
        let new_id = match session.is_new() || renewed {
            true => Some(new_id()?),
            false => None,
        };

        let mut sessions = self.lock();
        let stored = id
            .and_then(|id| sessions.remove_entry(id))
            .filter(|(_id, stored)| now <= stored.expires);
        if data.is_empty() {
            return Ok(Saved::Ended);
        }
        let (id, data) = match (stored, new_id) {
            (Some((id, stored)), new_id) => (new_id.unwrap_or(id), merge(stored.data, data)),
            (None, Some(new_id)) if session.is_new() => (new_id, data),
            (None, _) => return Ok(Saved::Nothing),
        };
        sessions.retain(|_id, stored| now <= stored.expires);
        let lifetime = settings.permanent_session_lifetime.as_secs();
        let expires = now.saturating_add(lifetime);
        sessions.insert(id.clone(), Stored { data, expires });
        Ok(Saved::As(id))
    }
    // ANCHOR_END: store
}

// ANCHOR: new_id
/// 128 bits that nobody can guess, as text for a cookie.
fn new_id() -> Result<String, Error> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(base64_encode(&bytes))
}
// ANCHOR_END: new_id

// ANCHOR: renew
/// The mark that a session carries until it is saved under a new id.
const RENEW: &str = "_renew";

/// Gives the session a new id when it is saved, and makes the old one worthless. For a login, and
/// wherever else a visitor gets to do more than before.
pub(crate) fn renew(session: &Session) -> Result<(), Error> {
    session.insert(RENEW, true)
}
// ANCHOR_END: renew

// ANCHOR: merge
/// Where `g` keeps what this request's session held when it was opened.
const OPENED: &str = "memory_sessions.opened";

/// What is stored by now, with the changes that this request made: it ends with `data`.
fn merge(stored: Dict, data: Dict) -> Dict {
    let Some(opened) = g().get::<Dict>(OPENED) else {
        return data;
    };
    let mut merged = stored;
    for key in opened.keys().filter(|key| !data.contains_key(key)) {
        merged.shift_remove(key);
    }
    for (key, value) in data {
        if opened.get(&key) != Some(&value) {
            merged.insert(key, value);
        }
    }
    merged
}
// ANCHOR_END: merge

/// Seconds as `SetCookie` takes them.
fn signed(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}
