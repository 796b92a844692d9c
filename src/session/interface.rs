//! `SessionInterface`: how a session is opened and saved.
//!
//! Mirrors `SessionInterface` in `flask/sessions.py`: two methods to write, and defaults for all that
//! follows from the app's config.
//!
//! Read next: `secure_cookie.rs`, the interface that every app starts with.

use std::sync::Arc;
use std::time::Duration;

use super::Session;
use crate::config::Settings;
use crate::error::Error;
use crate::request::Request;
use crate::setup::Setup;
use crate::trace::{self, stage};
use crate::wrappers::{Response, SameSite, SetCookie};

/// Opens and saves the session of a request. Swap it with [`App::session_interface`](crate::App::session_interface).
///
/// The methods take the app's [`Settings`] where Flask's take the app: they are all that is read of it, and one request
/// sees one state of them. Who wants more asks [`current_app`](crate::current_app). The URL is matched after the session
/// is opened; who wants the endpoint calls [`match_request`](crate::RequestContext::match_request) before.
pub trait SessionInterface: Send + Sync {
    // ANCHOR: session_interface
    /// The session of a request. `None` means that sessions do not work, for want of a secret key or
    /// the like: the request then gets a null session.
    ///
    /// # Errors
    /// Where the session cannot be had, though it may exist: the request fails with this error.
    fn open_session(
        &self,
        settings: &Arc<Settings>,
        request: &Request,
    ) -> Result<Option<Session>, Error>;

    /// Saves the session, and sets or deletes the cookie that leads to it. Not called for a null
    /// session.
    ///
    /// # Errors
    /// Where the session cannot be saved: the request fails with this error.
    fn save_session(
        &self,
        settings: &Arc<Settings>,
        session: &Session,
        response: &mut Response,
    ) -> Result<(), Error>;
    // ANCHOR_END: session_interface

    /// Whether opening or saving may make the thread wait, as for a network: a server then keeps it
    /// off its I/O threads.
    fn may_block(&self) -> bool {
        true
    }

    /// Whether the cookie holds the session itself; otherwise it holds an id, and a trace says so.
    fn keeps_in_cookie(&self) -> bool {
        true
    }

    /// The session of a request for which [`open_session`](SessionInterface::open_session) gave none.
    fn make_null_session(&self, _settings: &Settings) -> Session {
        Session::null()
    }

    /// Whether `session` is a null session, which is never saved.
    fn is_null_session(&self, session: &Session) -> bool {
        session.is_null()
    }

    /// `SESSION_COOKIE_NAME`.
    fn get_cookie_name<'a>(&self, settings: &'a Settings) -> &'a str {
        &settings.session_cookie_name
    }

    /// `SESSION_COOKIE_DOMAIN`.
    fn get_cookie_domain<'a>(&self, settings: &'a Settings) -> Option<&'a str> {
        settings.session_cookie_domain.as_deref()
    }

    /// `SESSION_COOKIE_PATH`, or else `APPLICATION_ROOT`.
    fn get_cookie_path<'a>(&self, settings: &'a Settings) -> &'a str {
        match settings.session_cookie_path.as_deref() {
            None | Some("") => &settings.application_root,
            Some(path) => path,
        }
    }

    /// `SESSION_COOKIE_HTTPONLY`.
    fn get_cookie_httponly(&self, settings: &Settings) -> bool {
        settings.session_cookie_httponly
    }

    /// `SESSION_COOKIE_SECURE`.
    fn get_cookie_secure(&self, settings: &Settings) -> bool {
        settings.session_cookie_secure
    }

    /// `SESSION_COOKIE_SAMESITE`.
    fn get_cookie_samesite(&self, settings: &Settings) -> Option<SameSite> {
        settings.session_cookie_samesite
    }

    /// `SESSION_COOKIE_PARTITIONED`.
    fn get_cookie_partitioned(&self, settings: &Settings) -> bool {
        settings.session_cookie_partitioned
    }

    // ANCHOR: get_expiration_time
    /// When the cookie ends, in Unix seconds: `PERMANENT_SESSION_LIFETIME` from now for a permanent
    /// session, `None` (with the browser) for any other.
    fn get_expiration_time(&self, settings: &Settings, session: &Session) -> Option<u64> {
        let lifetime: Duration = settings.permanent_session_lifetime;
        session
            .permanent()
            .then(|| settings.clock.now().saturating_add(lifetime.as_secs()))
    }
    // ANCHOR_END: get_expiration_time

    // ANCHOR: should_set_cookie
    /// Whether a Set-Cookie is due: for a modified session, and for a permanent one on each request
    /// unless `SESSION_REFRESH_EACH_REQUEST` is off.
    fn should_set_cookie(&self, settings: &Settings, session: &Session) -> bool {
        session.modified() || (session.permanent() && settings.session_refresh_each_request)
    }
    // ANCHOR_END: should_set_cookie

    /// The session cookie with the attributes that the config gives it, for `value`; for a deletion
    /// give it [`SetCookie::deletion`]'s.
    fn cookie<'a>(&self, settings: &'a Settings, cookie: SetCookie<'a>) -> SetCookie<'a> {
        cookie
            .domain(self.get_cookie_domain(settings))
            .path(self.get_cookie_path(settings))
            .secure(self.get_cookie_secure(settings))
            .httponly(self.get_cookie_httponly(settings))
            .samesite(self.get_cookie_samesite(settings))
            .partitioned(self.get_cookie_partitioned(settings))
            .max_size(usize::try_from(settings.max_cookie_size).unwrap_or(usize::MAX))
    }
}

// The three stages that a trace shows, whichever interface is in use.

#[inline(always)]
pub(crate) fn open_session(
    setup: &Setup,
    settings: &Arc<Settings>,
    request: &Request,
) -> Result<Option<Session>, Error> {
    stage!("open_session", open_session(setup, settings, request));
    setup.session_interface.open_session(settings, request)
}

#[inline(always)]
pub(crate) fn make_null_session(setup: &Setup, settings: &Settings) -> Session {
    stage!("make_null_session", make_null_session(setup, settings));
    setup.session_interface.make_null_session(settings)
}

#[inline(always)]
pub(crate) fn save_session(
    setup: &Setup,
    settings: &Arc<Settings>,
    session: Option<&Session>,
    response: &mut Response,
) -> Result<(), Error> {
    stage!(
        "save_session",
        save_session(setup, settings, session, response)
            .inspect(|()| trace::show_response(response))
    );
    // `open_session` failed, and this is the 500 for it. Flask calls the interface all the same, which
    // fails on the `None` that it gets.
    let Some(session) = session else {
        let message = "there is no session to save: it could not be opened";
        return Err(Error::python("AttributeError", message));
    };
    setup
        .session_interface
        .save_session(settings, session, response)
}
