//! What a session knows of the store that it is from: its id, and what was there when it was opened.
//!
//! Mirrors `ServerSideSession.sid` in `flask_session/base.py`, and keeps what that forgets: whether
//! there is anything under the id, and the id from before a `regenerate`.
//!
//! Read next: `server_side.rs`, which opens and saves such a session.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::signing::base64_encode;

use super::serialization::Pairs;
use super::store::{StoreError, StoreErrorKind};

/// The part of a [`Session`](super::Session) that only a server-side one has.
pub(super) struct Stored {
    state: Mutex<State>,
    /// Of an id, in random bytes.
    id_length: usize,
}

/// Where a session stands between browser and store.
#[derive(Clone, Default)]
pub(super) struct State {
    /// The id that it will be saved under. A session that nobody keeps is not given one.
    pub(super) id: Option<String>,
    /// Whether there is something under that id.
    pub(super) is_stored: bool,
    /// What is there, for who wants to know whether it still is.
    pub(super) opened: Option<Vec<u8>>,
    /// The id from before a `regenerate`, under which it still is.
    pub(super) old_id: Option<String>,
    /// What a Flask app keeps in it under keys that are no text.
    pub(super) odd: Pairs,
    /// Whether a save has failed: this request's answer is an error, and a second try cannot mend it.
    pub(super) has_failed: bool,
}

impl Stored {
    pub(super) fn new(id_length: usize) -> Self {
        let state = Mutex::default();
        Stored { state, id_length }
    }

    /// One that was found under `id`.
    pub(super) fn found(id: String, odd: Pairs, opened: Option<Vec<u8>>, id_length: usize) -> Self {
        let state = State {
            id: Some(id),
            is_stored: true,
            opened,
            odd,
            ..State::default()
        };
        Stored {
            state: Mutex::new(state),
            id_length,
        }
    }

    /// Whether nothing is in it that the session's dict does not show.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().odd.is_empty()
    }

    /// Forgets what the session's dict does not show.
    pub(super) fn clear(&self) {
        self.lock().odd.clear();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its id; it gets one where it has none yet.
    pub(super) fn id(&self) -> Result<String, StoreError> {
        self.lock_with_id().map(|(id, _state)| id)
    }

    /// Its id, and all else as it is at that moment: another thread of the request may `regenerate`.
    pub(super) fn lock_with_id(&self) -> Result<(String, MutexGuard<'_, State>), StoreError> {
        let mut state = self.lock();
        let id = match &state.id {
            Some(id) => id.clone(),
            None => state.id.insert(generate_sid(self.id_length)?).clone(),
        };
        Ok((id, state))
    }

    // ANCHOR: regenerate
    /// From now on it has another id. What is stored moves there when it is saved, and not before: a
    /// request that fails on the way leaves all as it was.
    pub(super) fn regenerate(&self) {
        let mut state = self.lock();
        let old_id = state.id.take();
        if state.is_stored {
            state.old_id = old_id;
            state.is_stored = false;
        }
    }
    // ANCHOR_END: regenerate
}

// ANCHOR: generate_sid
/// `secrets.token_urlsafe(length)`: this many random bytes, as text for a cookie.
fn generate_sid(length: usize) -> Result<String, StoreError> {
    let mut bytes = vec![0; length];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(base64_encode(&bytes)),
        Err(error) => {
            let message = format!("no random bytes for a session's id: {error}");
            Err(StoreError::new("ids", StoreErrorKind::Unavailable, message))
        }
    }
}
// ANCHOR_END: generate_sid
