//! The table of an `SqlStore`: made where there is none, and asked how much it has room for.
//!
//! Read next: `dialect.rs`, for the SQL.

use std::sync::atomic::Ordering;

use super::Again;
use super::statement::Values;
use super::{Database, SqlStore, StoreError, StoreErrorKind, Table, show};

impl<C: Database> SqlStore<C> {
    // ANCHOR: make_table
    /// Makes the table, if there is none. A table that is there may be one of which the user may do no
    /// more than use it, so it is tried first.
    pub(super) fn make_table(&self) -> Result<(), StoreError> {
        let probe = |table: &Table<C>, connection: &mut C| {
            let probe = &table.statements.probe;
            connection.rows(probe.with(&Values::default()))
        };
        if self.on_a_connection(Again::Harmless, probe).is_ok() {
            return Ok(());
        }
        let created = self.on_a_connection(Again::Harmless, |table, connection| {
            connection.run(table.statements.create.with(&Values::default()))
        });
        // Another process may have made it in between.
        match self.on_a_connection(Again::Harmless, probe) {
            Ok(_) => Ok(()),
            Err(error) => Err(created.err().unwrap_or(error)),
        }
    }
    // ANCHOR_END: make_table

    // ANCHOR: ensure_room
    /// Makes sure that a value fits into `data`. A database that is not strict would cut it off.
    pub(super) fn ensure_room(&self, value: &[u8]) -> Result<(), StoreError> {
        let known = self.room.load(Ordering::Relaxed);
        let Some(room) = &self.table.statements.room else {
            return Ok(());
        };
        if value.len() <= known {
            return Ok(());
        }
        show(C::NAME, room);
        let values = Values {
            key: self.options.table.clone(),
            like: self.options.schema.clone().unwrap_or_default(),
            ..Values::default()
        };
        let rows = self.on_a_connection(Again::Harmless, move |table, connection| {
            let room = table.statements.room.as_ref();
            room.map_or(Ok(Vec::new()), |room| connection.rows(room.with(&values)))
        })?;
        let room = rows
            .first()
            .and_then(|(room, _)| room.as_ref()?.parse().ok());
        // Where it does not say, the database will.
        let room: usize = room.unwrap_or(usize::MAX);
        self.room.store(room, Ordering::Relaxed);
        if value.len() <= room {
            return Ok(());
        }
        let message = format!(
            "the session takes {} bytes, and the column data of the table {:?} has room for {room}: \
             ALTER TABLE ... MODIFY data LONGBLOB",
            value.len(),
            self.options.table
        );
        Err(StoreError::new(
            C::NAME,
            StoreErrorKind::Unstorable,
            message,
        ))
    }
    // ANCHOR_END: ensure_room
}
