//! Leaves everything to the signed cookie, and clears the session of the one browser that asks.

use std::sync::Arc;

use carafe::config::Settings;
use carafe::session::SecureCookieSessionInterface;
use carafe::{Error, Request, Response, Session, SessionInterface};

use super::LogOutEverywhere;

// ANCHOR: sessions
#[derive(Clone)]
pub(crate) struct Sessions {
    cookies: Arc<SecureCookieSessionInterface>,
}

impl SessionInterface for Sessions {
    fn open_session(
        &self,
        settings: &Arc<Settings>,
        request: &Request,
    ) -> Result<Option<Session>, Error> {
        self.cookies.open_session(settings, request)
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
        }
    }

    fn log_in(&self, _session: &Session, _user: &str) -> Result<(), Error> {
        Ok(())
    }

    fn log_out_everywhere(&self, session: &Session, _user: &str) -> Result<(), Error> {
        session.clear()
    }
}
// ANCHOR_END: sessions
