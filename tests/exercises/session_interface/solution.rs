//! Each user has a number, which each of their sessions carries. The button counts it up, and a
//! session with an older number is not opened. (The numbers would have to be in a database: here, a
//! restart forgets them.)

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use carafe::config::Settings;
use carafe::session::SecureCookieSessionInterface;
use carafe::{Error, Request, Response, Session, SessionInterface};

use super::LogOutEverywhere;

// ANCHOR: sessions
#[derive(Clone)]
pub(crate) struct Sessions {
    cookies: Arc<SecureCookieSessionInterface>,
    /// How often a user has logged out everywhere.
    rounds: Arc<Mutex<HashMap<String, u64>>>,
}

impl Sessions {
    fn round(&self, user: &str) -> u64 {
        self.rounds.lock().unwrap().get(user).copied().unwrap_or(0)
    }
}

impl SessionInterface for Sessions {
    fn open_session(
        &self,
        settings: &Arc<Settings>,
        request: &Request,
    ) -> Result<Option<Session>, Error> {
        let session = self.cookies.open_session(settings, request)?;
        Ok(session.map(|session| {
            let round = session.get::<u64>("round");
            match session.get::<String>("user") {
                Some(user) if round != Some(self.round(&user)) => Session::new(),
                _ => session,
            }
        }))
    }

    fn save_session(
        &self,
        settings: &Arc<Settings>,
        session: &Session,
        to: &mut Response,
    ) -> Result<(), Error> {
        self.cookies.save_session(settings, session, to)
    }
}

impl LogOutEverywhere for Sessions {
    fn new() -> Self {
        Sessions {
            cookies: Arc::default(),
            rounds: Arc::default(),
        }
    }

    fn log_in(&self, session: &Session, user: &str) -> Result<(), Error> {
        session.insert("round", self.round(user))
    }

    fn log_out_everywhere(&self, session: &Session, user: &str) -> Result<(), Error> {
        let mut rounds = self.rounds.lock().unwrap();
        *rounds.entry(user.to_owned()).or_default() += 1;
        session.clear()
    }
}
// ANCHOR_END: sessions
