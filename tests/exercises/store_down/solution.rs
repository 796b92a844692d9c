//! No session can be had: then the request gets a null session, which reads as empty, refuses to be
//! written, and is never saved.

use std::sync::Arc;

use carafe::config::Settings;
use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{StoreError, StoreErrorKind};
use carafe::{Error, Request, Response, Session, SessionInterface};

// ANCHOR: sessions
pub(crate) struct Sessions(pub(crate) ServerSideSessionInterface);

impl SessionInterface for Sessions {
    fn open_session(
        &self,
        settings: &Arc<Settings>,
        request: &Request,
    ) -> Result<Option<Session>, Error> {
        let opened = self.0.open_session(settings, request);
        opened.or_else(|error| match error.downcast_ref::<StoreError>() {
            Some(store) if store.kind() == StoreErrorKind::Unavailable => Ok(None),
            _ => Err(error),
        })
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
