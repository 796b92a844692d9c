//! A MongoDB server that refuses connections, which the driver would wait for as it does for one that is slow.
//!
//! The driver looks for a server twice a second while a command wants one, and says nothing before its timeout for
//! that is over. It tells what it saw to who listens. So it is given a second for each look; where the one server
//! there is has refused, that is the error, and otherwise it is asked to look again. Of several servers another one
//! may be about to take over: for that it has all the time.
//!
//! Read next: `../workers.rs`.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mongodb::error::{Error, ErrorKind};
use mongodb::event::EventHandler;
use mongodb::event::sdam::SdamEvent;
use mongodb::options::ClientOptions;

/// How long the driver looks for a server before it is asked what it saw.
pub(super) const A_LOOK: Duration = Duration::from_secs(1);

/// Whether the server refuses connections, and how long to wait for one that does not.
#[derive(Clone)]
pub(super) struct Refusal {
    refuses: Arc<AtomicBool>,
    patience: Duration,
}

impl Refusal {
    /// Listens to what a client with these options will see of its server.
    pub(super) fn watch(client: &mut ClientOptions, patience: Duration) -> Self {
        let refuses = Arc::new(AtomicBool::new(false));
        let is_alone = client.hosts.len() == 1 && client.repl_set_name.is_none();
        if is_alone {
            let refuses = Arc::clone(&refuses);
            client.sdam_event_handler = Some(EventHandler::callback(move |event| match event {
                SdamEvent::ServerHeartbeatFailed(failed) => {
                    refuses.store(is_refused(&failed.failure), Ordering::Relaxed);
                }
                SdamEvent::ServerHeartbeatSucceeded(_) => refuses.store(false, Ordering::Relaxed),
                _ => {}
            }));
        }
        Refusal { refuses, patience }
    }

    /// Whether the driver should look once more, which has found no server so far, for this long.
    pub(super) fn is_worth_a_look(&self, error: &Error, waited: Duration) -> bool {
        matches!(*error.kind, ErrorKind::ServerSelection { .. })
            && !self.refuses()
            && waited + A_LOOK <= self.patience
    }

    pub(super) fn refuses(&self) -> bool {
        self.refuses.load(Ordering::Relaxed)
    }
}

/// Nobody listens at the port, or there is no such socket in the file system.
fn is_refused(error: &Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, NotFound};
    matches!(&*error.kind, ErrorKind::Io(error) if matches!(error.kind(), ConnectionRefused | NotFound))
}
