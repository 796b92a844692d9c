//! A save whose answer was lost, and which the client library has made again.

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{Ability, Lifetime, MemoryStore, Store, StoreError};

use crate::{app_of, get};

/// As a connection does that ends when the server has done the command, and not said so.
struct MakesAgain(MemoryStore);

impl Store for MakesAgain {
    fn name(&self) -> &'static str {
        "again"
    }
    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(key, now)
    }
    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        self.0.set(key, value, lifetime)
    }
    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.0.delete(key)
    }
    fn can(&self, ability: Ability) -> bool {
        self.0.can(ability)
    }
    fn compare_and_set(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        lifetime: Lifetime,
    ) -> Result<bool, StoreError> {
        self.0.compare_and_set(key, expected, value, lifetime)?;
        self.0.compare_and_set(key, expected, value, lifetime)
    }
}

#[test]
fn a_save_that_was_made_twice_is_in_no_conflict_with_itself() {
    let interface = ServerSideSessionInterface::new(MakesAgain(MemoryStore::new()));
    let (app, _) = app_of(interface.optimistic(true).unwrap());
    let mut client = app.test_client();
    get(&mut client, "/set/red");
    assert_eq!(get(&mut client, "/set/blue").status_code(), 200);
    assert_eq!(get(&mut client, "/get").text(), "blue");
}
