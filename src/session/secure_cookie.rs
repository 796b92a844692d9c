//! `SecureCookieSessionInterface`: the session itself travels in the cookie, signed.
//!
//! Mirrors the class of that name in `flask/sessions.py`. Whoever has the cookie can read the session,
//! and only who has the key can make one. The format is Flask's to the byte, so a Flask app with the
//! same key shares it.
//!
//! Read next: `signing/`, which makes and checks the signature.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::{Session, SessionInterface};
use crate::config::Settings;
use crate::error::Error;
use crate::json::TaggedJsonSerializer;
use crate::request::Request;
use crate::signing::{
    DigestMethod, KeyDerivation, LAST_TIMESTAMP, SignerError, SignerOptions, URLSafe,
    URLSafeTimedSerializer,
};
use crate::value::{Dict, Value};
use crate::wrappers::{Response, SetCookie};

type SigningSerializer = URLSafeTimedSerializer<TaggedJsonSerializer>;

/// Keeps the session in a signed cookie.
///
/// ```
/// use carafe::{App, session::SecureCookieSessionInterface};
/// let mut app = App::new("shop");
/// app.config().set_secret_key("adavafa");
/// // To share the cookie with a stock Flask app, which signs with SHA-1:
/// app.session_interface(SecureCookieSessionInterface::flask());
/// ```
pub struct SecureCookieSessionInterface {
    salt: String,
    options: SignerOptions,
    /// The serializer for the settings that the first request saw: deriving its keys costs more than
    /// using them. Settings that change after that are an app's mistake or a test's, and derive anew.
    cached: OnceLock<(Arc<Settings>, SigningSerializer)>,
}

impl SecureCookieSessionInterface {
    // ANCHOR: digests
    /// Signs with SHA-256.
    #[must_use]
    pub fn new() -> Self {
        Self::with_digest(DigestMethod::Sha256)
    }

    /// Signs with SHA-1, as Flask does unless it is told otherwise. SHA-1's known weakness is no way
    /// into an HMAC.
    #[must_use]
    pub fn flask() -> Self {
        Self::with_digest(DigestMethod::Sha1)
    }

    /// Signs with this digest: Flask's `digest_method`.
    #[must_use]
    pub fn with_digest(digest_method: DigestMethod) -> Self {
        let key_derivation = KeyDerivation::Hmac;
        SecureCookieSessionInterface {
            salt: "cookie-session".to_owned(),
            options: SignerOptions {
                key_derivation,
                digest_method,
                ..SignerOptions::default()
            },
            cached: OnceLock::new(),
        }
    }
    // ANCHOR_END: digests

    /// Another salt than `cookie-session`: sessions of one salt are not opened under another.
    #[must_use]
    pub fn salt(mut self, salt: impl Into<String>) -> Self {
        self.salt = salt.into();
        self
    }

    /// Another key derivation than `hmac`: Flask's `key_derivation`.
    #[must_use]
    pub fn key_derivation(mut self, key_derivation: KeyDerivation) -> Self {
        self.options.key_derivation = key_derivation;
        self
    }

    /// What signs and opens the cookies of an app with these settings; `None` without a secret key.
    fn get_signing_serializer(
        &self,
        settings: &Arc<Settings>,
    ) -> Result<Option<Cow<'_, SigningSerializer>>, SignerError> {
        let Some(secret_key) = settings.secret_key.as_ref().filter(|key| !key.is_empty()) else {
            return Ok(None);
        };
        let cached = match self.cached.get() {
            Some(cached) => cached,
            None => {
                let serializer = self.make_signing_serializer(settings, secret_key)?;
                self.cached
                    .get_or_init(|| (Arc::clone(settings), serializer))
            }
        };
        Ok(Some(match cached {
            (of, serializer) if Arc::ptr_eq(of, settings) => Cow::Borrowed(serializer),
            _ => Cow::Owned(self.make_signing_serializer(settings, secret_key)?),
        }))
    }

    fn make_signing_serializer(
        &self,
        settings: &Settings,
        secret_key: &[u8],
    ) -> Result<SigningSerializer, SignerError> {
        // The newest key is the last one, and signs.
        let mut keys = settings.secret_key_fallbacks.clone();
        keys.push(secret_key.to_vec());
        let json = URLSafe::new(TaggedJsonSerializer);
        let serializer = URLSafeTimedSerializer::new(keys, &self.salt, json, &self.options, &[])?;
        Ok(serializer.clock(Arc::clone(&settings.clock)))
    }
}

impl SessionInterface for SecureCookieSessionInterface {
    fn may_block(&self) -> bool {
        false
    }

    // ANCHOR: open_session
    fn open_session(
        &self,
        settings: &Arc<Settings>,
        request: &Request,
    ) -> Result<Option<Session>, Error> {
        let Some(serializer) = self.get_signing_serializer(settings)? else {
            return Ok(None);
        };
        let cookie = request.cookie(self.get_cookie_name(settings));
        let Some(cookie) = cookie.filter(|cookie| !cookie.is_empty()) else {
            return Ok(Some(Session::new()));
        };
        let lifetime = settings.permanent_session_lifetime.as_secs();
        let max_age = i64::try_from(lifetime).unwrap_or(i64::MAX);
        match serializer.loads(cookie.as_bytes(), Some(max_age)) {
            Ok(Value::Dict(data)) => Ok(Some(Session::from_data(data))),
            Ok(other) => Ok(Some(Session::from_data(dict_of(other)?))),
            // Forged, expired or cut off: the visitor starts anew.
            Err(error) if error.is_bad_signature() => Ok(Some(Session::new())),
            // Signed with our key, but not by this app: someone else uses the key for something else.
            Err(error) => Err(Error::python(error.class_name(), error.to_string())),
        }
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
        let empty = session.is_empty();
        if empty && !session.modified() {
            return Ok(());
        }
        let now = settings.clock.now();
        let name = self.get_cookie_name(settings);
        if empty {
            // Emptied by this request: the browser shall forget it.
            let cookie = self.cookie(settings, SetCookie::deletion(name));
            response.set_cookie_at(cookie, now)?;
            response.vary_add("Cookie");
            return Ok(());
        }
        if !self.should_set_cookie(settings, session) {
            return Ok(());
        }
        let Some(serializer) = self.get_signing_serializer(settings)? else {
            return Ok(());
        };
        let expires = self.get_expiration_time(settings, session);
        if expires.is_some_and(|unix| unix > LAST_TIMESTAMP) {
            return Err(Error::python("OverflowError", "date value out of range"));
        }
        let value = session.with(|data| serializer.dumps_at(data, now))?;
        let cookie = self.cookie(settings, SetCookie::new(name, value));
        let expires = expires.map(|unix| i64::try_from(unix).unwrap_or(i64::MAX));
        response.set_cookie_at(cookie.expires(expires), now)?;
        response.vary_add("Cookie");
        Ok(())
    }
    // ANCHOR_END: save_session
}

impl Default for SecureCookieSessionInterface {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SecureCookieSessionInterface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecureCookieSessionInterface")
            .field("salt", &self.salt)
            .field("digest_method", &self.options.digest_method)
            .finish_non_exhaustive()
    }
}

/// What Python's `dict(value)` makes of a payload that is no dict: pairs make one, as does nothing.
fn dict_of(value: Value) -> Result<Dict, Error> {
    let items = match value {
        Value::Null => Vec::new(),
        Value::Bytes(bytes) if bytes.is_empty() => Vec::new(),
        Value::Str(text) | Value::Markup(text) if text.is_empty() => Vec::new(),
        Value::List(items) | Value::Tuple(items) => items,
        Value::Str(_) | Value::Markup(_) => return Err(Error::value_error(NO_DICT)),
        _ => return Err(Error::type_error(NO_DICT)),
    };
    items.into_iter().map(pair_of).collect()
}

const NO_DICT: &str = "the payload of a session cookie is no dict";

fn pair_of(value: Value) -> Result<(String, Value), Error> {
    let pair = match value {
        Value::List(pair) | Value::Tuple(pair) => pair,
        // What Python can walk over in two steps is a pair: two letters, or a dict's two keys.
        Value::Str(text) | Value::Markup(text) => {
            text.chars().map(|char| Value::Str(char.into())).collect()
        }
        Value::Dict(dict) => dict.into_keys().map(Value::Str).collect(),
        _ => return Err(Error::type_error(NO_DICT)),
    };
    match <[Value; 2]>::try_from(pair) {
        Ok([Value::Str(key) | Value::Markup(key), value]) => Ok((key, value)),
        Ok(_) => Err(Error::type_error("the keys of a session are text")),
        Err(_) => Err(Error::value_error(NO_DICT)),
    }
}
