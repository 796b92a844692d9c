//! A save that would undo another one is refused, and the script asks again, but not for ever.

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::MemoryStore;
use carafe::testing::TestClient;

// ANCHOR: put
pub(crate) fn sessions(store: MemoryStore) -> ServerSideSessionInterface {
    let sessions = ServerSideSessionInterface::new(store);
    sessions.optimistic(true).unwrap()
}

pub(crate) fn put(client: &mut TestClient, fruit: &str) -> u16 {
    let mut status = 409;
    for _try in 0..10 {
        let answer = client.get(&format!("/put/{fruit}")).send().unwrap();
        status = answer.status_code();
        if status != 409 {
            break;
        }
    }
    status
}
// ANCHOR_END: put
