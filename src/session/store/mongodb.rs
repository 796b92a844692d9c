//! `MongoStore`: sessions in a collection of MongoDB, a document for each.
//!
//! Mirrors `flask_session/mongodb/mongodb.py`: the fields `id`, `val` and `expiration`, and an index by
//! which the server deletes what has expired, once a minute. Until then it is not found here. Flask finds
//! a document by going through all of them; an index on `id`, which Carafe adds, is good for both.
//!
//! Read next: `mongodb/from_url.rs`, what a URL says; `workers.rs`, where the commands wait for the server.

mod from_url;
mod refusal;

use std::fmt;
use std::time::{Duration, Instant};

use mongodb::IndexModel;
use mongodb::bson::{Binary, Bson, DateTime, Document, doc, spec::BinarySubtype};
use mongodb::error::{Error, ErrorKind, WriteFailure};
use mongodb::options::IndexOptions;
use mongodb::sync::{Client, Collection};

pub(super) use self::from_url::open;
use self::refusal::Refusal;
use super::workers::Workers;
use super::{Ability, Again, Entry, Lifetime, Store, StoreError, StoreErrorKind, Verdict};
use super::{show_command, url};

const NAME: &str = "mongodb";
/// What a document may take, less the room for its other fields, in bytes.
const MAX_VALUE: usize = 16 * 1024 * 1024 - 4096;

/// Keeps sessions in a collection.
///
/// ```no_run
/// use carafe::session::ServerSideSessionInterface;
/// use carafe::session::store::{MongoOptions, MongoStore};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = mongodb::sync::Client::with_uri_str("mongodb://127.0.0.1")?;
/// let store = MongoStore::with_client(&client, MongoOptions::default())?;
/// let mut app = carafe::App::new("shop");
/// app.session_interface(ServerSideSessionInterface::new(store));
/// # Ok(())
/// # }
/// ```
pub struct MongoStore {
    collection: Collection<Document>,
    workers: Workers,
    options: MongoOptions,
    /// Whether there is an index that lets an id be there only once.
    is_unique: bool,
    /// For a client that is Carafe's.
    refusal: Option<Refusal>,
}

/// What a [`MongoStore`] is opened with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // Made with `..MongoOptions::default()`.
pub struct MongoOptions {
    /// The database. Flask-Session: `SESSION_MONGODB_DB`, `flask_session`.
    pub database: String,
    /// The collection. Flask-Session: `SESSION_MONGODB_COLLECT`, `sessions`.
    pub collection: String,
    /// How long one command may take: 5 seconds by default.
    pub timeout: Duration,
    /// How many commands there are at once: 8 by default.
    pub pool: u32,
}

impl Default for MongoOptions {
    fn default() -> Self {
        MongoOptions {
            database: "flask_session".to_owned(),
            collection: "sessions".to_owned(),
            timeout: url::TIMEOUT,
            pool: url::POOL,
        }
    }
}

/// In the words for what went wrong. An [`Error`]'s own also show the driver's fields.
fn failed(error: Error) -> StoreError {
    let message = error.kind.to_string();
    StoreError::new(NAME, StoreErrorKind::Unavailable, message).with_source(error)
}

fn has_code(error: &Error, codes: &[i32]) -> bool {
    match &*error.kind {
        ErrorKind::Command(error) => codes.contains(&error.code),
        ErrorKind::Write(WriteFailure::WriteError(error)) => codes.contains(&error.code),
        _ => false,
    }
}

/// Of a unique index.
const DUPLICATE_KEY: &[i32] = &[11000, 11001];
/// There is such an index already, with other options: the app's own.
const OTHER_INDEX: &[i32] = &[85, 86];

impl MongoStore {
    /// Keeps sessions in a database to which the app has a client. It should have a server selection
    /// timeout, which is 30 seconds without one.
    ///
    /// # Errors
    /// Where the server does not answer, or refuses the indexes.
    pub fn with_client(client: &Client, options: MongoOptions) -> Result<Self, StoreError> {
        Self::new(client, options, None)
    }

    fn new(
        client: &Client,
        options: MongoOptions,
        refusal: Option<Refusal>,
    ) -> Result<Self, StoreError> {
        let database = client.database(&options.database);
        let mut store = MongoStore {
            collection: database.collection(&options.collection),
            workers: Workers::new(NAME, options.pool),
            options,
            is_unique: true,
            refusal,
        };
        store.is_unique = store.make_indexes()?;
        Ok(store)
    }

    // ANCHOR: make_indexes
    /// Makes the indexes where there are none, and tells whether an id can be there only once: two
    /// Flasks may have written a session twice at the same moment, before there was an index.
    fn make_indexes(&self) -> Result<bool, StoreError> {
        let unique = IndexOptions::builder().unique(true).build();
        let ttl = IndexOptions::builder().expire_after(Duration::ZERO).build();
        let of = |field: &str, options: Option<IndexOptions>| {
            let index = IndexModel::builder().keys(doc! { field: 1 });
            index.options(options).build()
        };
        let make = move |collection: &Collection<Document>| {
            match collection
                .create_index(of("expiration", Some(ttl.clone())))
                .run()
            {
                Err(error) if !has_code(&error, OTHER_INDEX) => return Err(error),
                _ => {}
            }
            match collection
                .create_index(of("id", Some(unique.clone())))
                .run()
            {
                Ok(_) => Ok(true),
                Err(error) if has_code(&error, DUPLICATE_KEY) => {
                    collection.create_index(of("id", None)).run()?;
                    Ok(false)
                }
                Err(error) if has_code(&error, OTHER_INDEX) => Ok(false),
                Err(error) => Err(error),
            }
        };
        self.run(Again::Harmless, make)
    }
    // ANCHOR_END: make_indexes

    /// Gives a command to the server, and gives up on it after the timeout.
    fn run<T: Send + 'static>(
        &self,
        again: Again,
        work: impl Fn(&Collection<Document>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let collection = self.collection.clone();
        let refusal = self.refusal.clone();
        let begin = Instant::now();
        let timeout = self.options.timeout;
        self.workers.run(timeout, move || {
            // The driver forgets its connections when one of them fails: the next one is new.
            let is_lost = |error: &Error| {
                matches!(
                    *error.kind,
                    ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. }
                )
            };
            let mut may_repeat = again == Again::Harmless;
            loop {
                let error = match work(&collection) {
                    Ok(done) => return Ok(done),
                    Err(error) => error,
                };
                let waited = begin.elapsed();
                let refusal = refusal.as_ref();
                let refuses = refusal.is_some_and(Refusal::refuses);
                if may_repeat && is_lost(&error) && !refuses && waited < timeout {
                    may_repeat = false;
                    continue;
                }
                // No server has got it.
                if !refusal.is_some_and(|refusal| refusal.is_worth_a_look(&error, waited)) {
                    return Err(failed(error));
                }
            }
        })
    }
}

/// A second as BSON has it. Python knows no year beyond 9999, and pymongo fails to read it.
fn time(unix: u64) -> DateTime {
    const LAST: i64 = 253_402_300_799;
    let unix = i64::try_from(unix).unwrap_or(LAST);
    DateTime::from_millis(unix.min(LAST) * 1000)
}

/// What an expiration is of what has not expired. A document without one never does, as in Flask.
fn live(now: u64) -> Document {
    doc! { "$not": { "$lt": time(now) } }
}

fn binary(bytes: &[u8]) -> Binary {
    Binary {
        subtype: BinarySubtype::Generic,
        bytes: bytes.to_vec(),
    }
}

/// What is written into a document. Flask writes the id anew too.
fn fields(key: &str, value: &[u8], lifetime: Lifetime) -> Result<Document, StoreError> {
    if value.len() > MAX_VALUE {
        let message = format!(
            "the session takes {} bytes, and a document has room for {MAX_VALUE}",
            value.len()
        );
        return Err(StoreError::new(NAME, StoreErrorKind::Unstorable, message));
    }
    let val = binary(value);
    Ok(doc! { "$set": { "id": key, "val": val, "expiration": time(lifetime.ends()) } })
}

/// The value of a document, which pymongo may have written as text.
fn value_of(document: &mut Document) -> Option<Vec<u8>> {
    match document.remove("val") {
        Some(Bson::Binary(binary)) => Some(binary.bytes),
        Some(Bson::String(text)) => Some(text.into_bytes()),
        _ => None,
    }
}

impl Store for MongoStore {
    fn name(&self) -> &'static str {
        NAME
    }

    // ANCHOR: mongo_get
    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        show_command(
            NAME,
            format_args!("find {{id, expiration: {{$not: {{$lt}}}}}}"),
        );
        let filter = doc! { "id": key, "expiration": live(now) };
        let found = self.run(Again::Harmless, move |collection| {
            let find = collection.find_one(filter.clone());
            find.projection(doc! { "_id": 0, "val": 1 }).run()
        })?;
        Ok(found.and_then(|mut document| value_of(&mut document)))
    }
    // ANCHOR_END: mongo_get

    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        show_command(
            NAME,
            format_args!("update {{id}} {{$set: {{id, val, expiration}}}} upsert"),
        );
        let (filter, fields) = (doc! { "id": key }, fields(key, value, lifetime)?);
        self.run(Again::Harmless, move |collection| {
            let update = collection.update_one(filter.clone(), fields.clone());
            update.upsert(true).run()
        })?;
        Ok(())
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        show_command(NAME, format_args!("delete {{id}}"));
        let filter = doc! { "id": key };
        // Flask deletes one. If there are two, one more visit would bring the session back.
        self.run(Again::Harmless, move |collection| {
            collection.delete_many(filter.clone()).run()
        })?;
        Ok(())
    }

    // ANCHOR: mongo_touch
    fn touch(&self, key: &str, lifetime: Lifetime) -> Result<bool, StoreError> {
        show_command(
            NAME,
            format_args!("update {{id, expiration: {{$not: {{$lt}}}}}} {{$set: {{expiration}}}}"),
        );
        let filter = doc! { "id": key, "expiration": live(lifetime.now) };
        let expiration = doc! { "$set": { "expiration": time(lifetime.ends()) } };
        let touched = self.run(Again::Harmless, move |collection| {
            collection
                .update_one(filter.clone(), expiration.clone())
                .run()
        })?;
        Ok(touched.matched_count > 0)
    }
    // ANCHOR_END: mongo_touch

    fn can(&self, ability: Ability) -> bool {
        match ability {
            Ability::CompareAndSet => self.is_unique,
            Ability::Visit => true,
            #[allow(unreachable_patterns)]
            _ => false,
        }
    }

    fn compare_and_set(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        lifetime: Lifetime,
    ) -> Result<bool, StoreError> {
        if !self.is_unique {
            return Err(StoreError::unsupported(NAME, Ability::CompareAndSet));
        }
        let (now, fields) = (lifetime.now, fields(key, value, lifetime)?);
        let (is_new, filter) = match expected {
            Some(expected) => {
                let val = binary(expected);
                (
                    false,
                    doc! { "id": key, "val": val, "expiration": live(now) },
                )
            }
            // If one is there and has not expired, the filter misses it, and the index refuses another.
            None => (true, doc! { "id": key, "expiration": { "$lt": time(now) } }),
        };
        show_command(NAME, format_args!("update, if it is as it was"));
        self.run(Again::No, move |collection| {
            let update = collection.update_one(filter.clone(), fields.clone());
            match update.upsert(is_new).run() {
                Ok(updated) => Ok(updated.matched_count > 0 || updated.upserted_id.is_some()),
                Err(error) if has_code(&error, DUPLICATE_KEY) => Ok(false),
                Err(error) => Err(error),
            }
        })
    }

    fn visit(
        &self,
        prefix: &str,
        now: u64,
        visitor: &mut dyn FnMut(Entry<'_>) -> Verdict,
    ) -> Result<(), StoreError> {
        /// How many documents are asked for at once.
        const PAGE: i64 = 100;
        show_command(NAME, format_args!("find all by id"));
        // Strings are in the order of their bytes, so that those with one prefix are beside one another.
        let mut from = doc! { "$gte": prefix };
        loop {
            let filter = doc! { "id": from, "expiration": live(now) };
            let mut page = self.run(Again::Harmless, move |collection| {
                let find = collection.find(filter.clone()).sort(doc! { "id": 1 });
                find.limit(PAGE).run()?.collect::<Result<Vec<_>, _>>()
            })?;
            for document in &mut page {
                let value = value_of(document);
                let Ok(key) = document.get_str("id") else {
                    continue;
                };
                if !key.starts_with(prefix) {
                    return Ok(());
                }
                let value = value.as_deref().unwrap_or_default();
                let entry = Entry {
                    key: Some(key),
                    value,
                };
                if visitor(entry) == Verdict::Delete {
                    self.delete(key)?;
                }
            }
            match page.last().map(|last| last.get_str("id")) {
                Some(Ok(last)) => from = doc! { "$gt": last },
                _ => return Ok(()),
            }
        }
    }
}

impl fmt::Debug for MongoStore {
    /// Shows no URL: there may be a password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoStore")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
