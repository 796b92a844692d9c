//! Relies on the server to delete what has expired, as Flask-Session does.

use std::sync::Arc;

use carafe::session::store::{Lifetime, Store, StoreError};

use super::{Document, OverServer, Server};

pub(crate) struct Sessions(Arc<Server>);

impl OverServer for Sessions {
    fn over(server: Arc<Server>) -> Self {
        Sessions(server)
    }
}

impl Store for Sessions {
    fn name(&self) -> &'static str {
        "exercise"
    }

    // ANCHOR: store
    fn get(&self, key: &str, _now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.0.find(|document| document.id == key);
        Ok(found.map(|document| document.val))
    }

    fn touch(&self, key: &str, lifetime: Lifetime) -> Result<bool, StoreError> {
        let Some(val) = self.get(key, lifetime.now)? else {
            return Ok(false);
        };
        self.set(key, &val, lifetime)?;
        Ok(true)
    }
    // ANCHOR_END: store

    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        let new = Document {
            id: key.to_owned(),
            val: value.to_vec(),
            expiration: lifetime.ends(),
        };
        self.0.upsert(|document| document.id == key, &new);
        Ok(())
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.0.delete(|document| document.id == key);
        Ok(())
    }
}
