//! `EncryptedStore`: keeps in another store what nobody but the app can read.
//!
//! For a store that others can look into: a shared Redis, a database's backup. Each value is encrypted
//! with XChaCha20-Poly1305 under a random nonce. The key that it is stored under goes with it, so that
//! nobody can put one session in another's place.
//!
//! A Flask app cannot read such a store. No Python file is mirrored here.
//!
//! Read next: `memory.rs`, for what a plain store is.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{Ability, Entry, Lifetime, Store, StoreError, StoreErrorKind, Verdict};
use crate::signing::SecretKeys;

/// Encrypts what another store keeps.
///
/// ```
/// use carafe::session::ServerSideSessionInterface;
/// use carafe::session::store::{EncryptedStore, MemoryStore};
/// let store = EncryptedStore::new(MemoryStore::new(), "a long random secret")?;
/// let mut app = carafe::App::new("shop");
/// app.session_interface(ServerSideSessionInterface::new(store));
/// # Ok::<(), carafe::session::store::StoreError>(())
/// ```
pub struct EncryptedStore<S> {
    store: S,
    /// Oldest to newest: the last one encrypts. Never empty.
    ciphers: Vec<XChaCha20Poly1305>,
}

/// What a value begins with: how it is made.
const VERSION: u8 = 1;
/// Of a nonce, in bytes: so long that random ones never meet.
const NONCE: usize = 24;

impl<S: Store> EncryptedStore<S> {
    /// Encrypts with this secret, or with the last of several: the others are for what was encrypted
    /// before. A secret is to be as hard to guess as a `SECRET_KEY`, and another one.
    ///
    /// # Errors
    /// Of the kind [`Config`](StoreErrorKind::Config) without a secret, with an empty one, or for a store
    /// that has to keep a format: files that a Flask app shares.
    pub fn new(store: S, secrets: impl Into<SecretKeys>) -> Result<Self, StoreError> {
        let name = store.name();
        if let Some(format) = store.format() {
            let message = format!("this store keeps {format}, and nothing that is encrypted");
            return Err(StoreError::config(name, message));
        }
        let secrets = secrets.into();
        let ciphers: Option<Vec<_>> = secrets.iter().map(cipher).collect();
        match ciphers.filter(|ciphers| !ciphers.is_empty()) {
            Some(ciphers) => Ok(EncryptedStore { store, ciphers }),
            None => Err(StoreError::config(
                name,
                "to encrypt takes a secret, and no empty one",
            )),
        }
    }

    // ANCHOR: encrypt
    fn encrypt(&self, key: &str, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        let name = self.store.name();
        let mut nonce = [0; NONCE];
        let random = getrandom::fill(&mut nonce);
        random.map_err(|error| StoreError::unavailable(name, error.to_string()))?;
        let length = u16::try_from(key.len());
        let (Some(cipher), Ok(length)) = (self.ciphers.last(), length) else {
            return Err(self.error(StoreErrorKind::Unstorable, "a key of more than 64 KiB"));
        };
        let message = [&length.to_be_bytes(), key.as_bytes(), value].concat();
        match cipher.encrypt(&XNonce::from(nonce), &*message) {
            Ok(sealed) => Ok([&[VERSION], &nonce[..], &sealed].concat()),
            Err(_) => Err(self.error(StoreErrorKind::Unstorable, "it cannot be encrypted")),
        }
    }

    /// The key and the value.
    fn decrypt(&self, bytes: &[u8]) -> Option<(String, Vec<u8>)> {
        let (nonce, sealed) = bytes
            .strip_prefix(&[VERSION])?
            .split_first_chunk::<NONCE>()?;
        let nonce = XNonce::from(*nonce);
        let mut opened = self.ciphers.iter().rev();
        let mut message = opened.find_map(|cipher| cipher.decrypt(&nonce, sealed).ok())?;
        let (length, rest) = message.split_first_chunk()?;
        let key = rest.get(..u16::from_be_bytes(*length).into())?;
        let key = std::str::from_utf8(key).ok()?.to_owned();
        message.drain(..length.len() + key.len());
        Some((key, message))
    }
    // ANCHOR_END: encrypt

    /// The value, if it was encrypted for this key.
    fn open(&self, key: &str, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
        match self.decrypt(bytes) {
            Some((its_key, value)) if its_key == key => Ok(value),
            Some(_) => Err(self.error(StoreErrorKind::Unreadable, "it is another session's")),
            None => Err(self.error(
                StoreErrorKind::Unreadable,
                "it was not encrypted with any of the secrets",
            )),
        }
    }

    fn error(&self, kind: StoreErrorKind, message: &str) -> StoreError {
        StoreError::new(self.store.name(), kind, message)
    }
}

/// A secret of any length gives a key of 32 bytes.
fn cipher(secret: &[u8]) -> Option<XChaCha20Poly1305> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(b"carafe: encrypted sessions");
    let key: [u8; 32] = mac.finalize().into_bytes().into();
    (!secret.is_empty()).then(|| XChaCha20Poly1305::new(&key.into()))
}

impl<S: Store> Store for EncryptedStore<S> {
    fn name(&self) -> &'static str {
        self.store.name()
    }

    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.store.get(key, now)?;
        found.map(|bytes| self.open(key, &bytes)).transpose()
    }

    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        self.store.set(key, &self.encrypt(key, value)?, lifetime)
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.store.delete(key)
    }

    fn touch(&self, key: &str, lifetime: Lifetime) -> Result<bool, StoreError> {
        self.store.touch(key, lifetime)
    }

    fn can(&self, ability: Ability) -> bool {
        self.store.can(ability)
    }

    // ANCHOR: compare_and_set
    /// The same value is other bytes each time it is encrypted: what is there is read, and compared
    /// once it is opened. That it is still there is then the other store's to say.
    fn compare_and_set(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        lifetime: Lifetime,
    ) -> Result<bool, StoreError> {
        let found = self.store.get(key, lifetime.now)?;
        let opened = match &found {
            Some(bytes) => Some(self.open(key, bytes)?),
            None => None,
        };
        if opened.as_deref() != expected {
            return Ok(false);
        }
        let value = self.encrypt(key, value)?;
        self.store
            .compare_and_set(key, found.as_deref(), &value, lifetime)
    }
    // ANCHOR_END: compare_and_set

    /// What cannot be opened is not shown.
    fn visit(
        &self,
        prefix: &str,
        now: u64,
        visitor: &mut dyn FnMut(Entry<'_>) -> Verdict,
    ) -> Result<(), StoreError> {
        self.store.visit(prefix, now, &mut |entry| {
            let opened = self.decrypt(entry.value);
            let is_its_own = |its_key: &str| entry.key.is_none_or(|key| key == its_key);
            match &opened {
                Some((key, value)) if key.starts_with(prefix) && is_its_own(key) => {
                    let key = Some(&**key);
                    visitor(Entry { key, value })
                }
                _ => Verdict::Keep,
            }
        })
    }

    fn cleanup(&self, now: u64) -> Result<u64, StoreError> {
        self.store.cleanup(now)
    }

    fn expires_by_itself(&self) -> bool {
        self.store.expires_by_itself()
    }

    fn may_block(&self) -> bool {
        self.store.may_block()
    }
}

impl<S: Store> fmt::Debug for EncryptedStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptedStore")
            .field("store", &self.store.name())
            .field("secrets", &self.ciphers.len())
            .finish()
    }
}
