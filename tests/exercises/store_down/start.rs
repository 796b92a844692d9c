//! Does what the interface in it does, and no more.

use std::sync::Arc;

use carafe::config::Settings;
use carafe::session::ServerSideSessionInterface;
use carafe::{Error, Request, Response, Session, SessionInterface};

// ANCHOR: sessions
pub(crate) struct Sessions(pub(crate) ServerSideSessionInterface);

impl SessionInterface for Sessions {
    fn open_session(
        &self,
        settings: &Arc<Settings>,
        request: &Request,
    ) -> Result<Option<Session>, Error> {
        self.0.open_session(settings, request)
    }

    fn save_session(
        &self,
        settings: &Arc<Settings>,
        session: &Session,
        response: &mut Response,
    ) -> Result<(), Error> {
        self.0.save_session(settings, session, response)
    }
}
// ANCHOR_END: sessions
