//! The last write wins, and the script takes the first answer for an answer.

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::MemoryStore;
use carafe::testing::TestClient;

// ANCHOR: put
pub(crate) fn sessions(store: MemoryStore) -> ServerSideSessionInterface {
    ServerSideSessionInterface::new(store)
}

pub(crate) fn put(client: &mut TestClient, fruit: &str) -> u16 {
    let answer = client.get(&format!("/put/{fruit}")).send().unwrap();
    answer.status_code()
}
// ANCHOR_END: put
