//! `StoreCall`: what a call of a session store was about.
//!
//! A span says which call it is, for how long, and how many bytes. The id and the bytes are as good as
//! the session itself, so that no span has them: the interface leaves them here, where only the thread's
//! Recorder looks.
//!
//! Read next: `session/server_side/calls.rs`, which leaves them.

use std::cell::RefCell;
use std::fmt;

use crate::json;
use crate::session::Format;

/// What went to a session store in one call, and what came back.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreCall {
    /// What the key starts with: `SESSION_KEY_PREFIX`.
    pub key_prefix: String,
    /// The session's id, which is the rest of the key. `None` where the call is about all sessions.
    /// Whoever has it has the session.
    pub id: Option<String>,
    /// How long the session is to be kept, in seconds.
    pub seconds: Option<u64>,
    /// What is to be kept.
    pub sent: Option<Stored>,
    /// What came back, once it has: bytes, yes or no, a number.
    pub answer: Option<StoreAnswer>,
}

/// A session as a store has it. One that encrypts has it in another form still.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What they are, as the JSON that Flask writes; `None` where that can't be told.
    pub text: Option<String>,
    /// The format that the interface writes.
    pub format: Format,
}

/// What a store answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreAnswer {
    /// There is a session under that key.
    Found(Stored),
    /// There is none.
    Nothing,
    /// It is done.
    Done,
    /// It is not done, since what it is about is not there any more.
    NotDone,
    /// It is done to so many.
    Count(u64),
}

impl Stored {
    pub(crate) fn new(bytes: &[u8], format: Format) -> Self {
        let dict = format.decode(bytes).ok();
        Stored {
            bytes: bytes.to_vec(),
            text: dict.and_then(|dict| json::dumps(&dict).ok()),
            format,
        }
    }

    /// The bytes as Python writes them: `\x81\xa1n\x01`.
    #[must_use]
    pub fn escaped(&self) -> String {
        self.bytes.escape_ascii().to_string()
    }

    /// `24 bytes of msgpack: {"username":"jack"}`.
    pub(super) fn told(&self) -> String {
        let Stored { bytes, format, .. } = self;
        let text = self.text.as_deref().unwrap_or("(not to be read)");
        format!("{} bytes of {format}: {text}", bytes.len())
    }
}

impl StoreCall {
    /// What there is to show of a call that has ended.
    pub(crate) fn answered(answer: StoreAnswer) -> Self {
        StoreCall {
            answer: Some(answer),
            ..StoreCall::default()
        }
    }

    /// The key, with as much of the id as tells it from another, and opens nothing.
    #[must_use]
    pub fn short_key(&self) -> Option<String> {
        let id = self.id.as_ref()?;
        let start: String = id.chars().take(6).collect();
        Some(format!("{}{start}…", self.key_prefix))
    }

    /// What is sent, in words.
    pub(super) fn told(&self) -> Vec<String> {
        let mut words = Vec::new();
        words.extend(self.short_key().map(|key| format!("key {key}")));
        words.extend(
            self.sent
                .as_ref()
                .map(|sent| format!("sends {}", sent.told())),
        );
        words.extend(self.seconds.map(|seconds| format!("for {seconds} seconds")));
        words
    }
}

impl StoreAnswer {
    /// In words, where there is something to say.
    #[must_use]
    pub(super) fn told(&self) -> Option<String> {
        Some(match self {
            StoreAnswer::Found(found) => format!("found {}", found.told()),
            StoreAnswer::Nothing => "found nothing".to_owned(),
            StoreAnswer::NotDone => "is not there any more".to_owned(),
            StoreAnswer::Count(count) => format!("deleted {count}"),
            StoreAnswer::Done => return None,
        })
    }
}

thread_local! {
    /// The call that begins or ends at this moment.
    static CALL: RefCell<Option<StoreCall>> = const { RefCell::new(None) };
}

/// Shows to Recorders what the call is about that begins or ends; `None` takes it away again.
pub(crate) fn show_call(call: Option<StoreCall>) {
    CALL.set(call);
}

/// What is shown.
pub(super) fn shown_call() -> Option<StoreCall> {
    CALL.with_borrow(Clone::clone)
}

impl fmt::Debug for StoreCall {
    /// Neither the id nor the data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreCall")
            .field("key_prefix", &self.key_prefix)
            .field("seconds", &self.seconds)
            .field("sent", &self.sent)
            .field("answer", &self.answer)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Stored {
    /// Not the data, which is the user's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("bytes", &self.bytes.len())
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
