//! The store in MongoDB.

use std::sync::Arc;

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{
    Ability, Entry, Lifetime, MongoOptions, MongoStore, StoreErrorKind, Verdict, open,
};
use mongodb::bson::{Document, doc};
use mongodb::sync::{Client, Collection};
use serde_json::json;

use crate::servers::{self, Server, wait_until};
use crate::sharing::{Browser, Flask};
use crate::suite::{self, Subject};
use crate::{failing, sharing};

const HOUR: Lifetime = Lifetime {
    now: 1_700_000_000,
    seconds: 3600,
};

fn url(port: u16) -> String {
    format!("mongodb://127.0.0.1:{port}/test?appName=carafe")
}

fn client(server: &Server) -> Client {
    Client::with_uri_str(url(server.port())).unwrap()
}

fn collection(server: &Server) -> Collection<Document> {
    client(server).database("test").collection("sessions")
}

#[test]
fn the_mongodb_store_does_all_that_a_store_should() {
    // The suite is of the year 2023: such a server would delete all that it is given.
    let Some(server) = servers::mongodb(false) else {
        return;
    };
    suite::run(&Subject {
        name: "mongodb",
        store: Box::new(move || Arc::from(open(&url(server.port())).unwrap())),
        pass: Box::new(suite::clock_moves),
    });
}

#[test]
fn so_does_one_over_a_client_of_the_apps_own() {
    let Some(server) = servers::mongodb(false) else {
        return;
    };
    let client = client(&server);
    suite::run(&Subject {
        name: "mongodb, the app's client",
        store: Box::new(move || {
            let _lives_on = &server;
            let options = MongoOptions {
                collection: "elsewhere".to_owned(),
                ..MongoOptions::default()
            };
            Arc::new(MongoStore::with_client(&client, options).unwrap())
        }),
        pass: Box::new(suite::clock_moves),
    });
}

fn config(port: u16) -> serde_json::Value {
    json!({
        "SESSION_TYPE": "mongodb",
        "SESSION_MONGODB": format!("mongodb://127.0.0.1:{port}"),
        "SESSION_MONGODB_DB": "test",
    })
}

#[test]
fn flask_shares_the_collection_whoever_made_it() {
    for made_by_carafe in [true, false] {
        let Some(server) = servers::mongodb(true) else {
            return;
        };
        if made_by_carafe {
            open(&url(server.port())).unwrap();
        } else if Flask::start(&config(server.port())).is_none() {
            return;
        }
        sharing::run(&config(server.port()), || {
            ServerSideSessionInterface::from_url(&url(server.port())).unwrap()
        });
    }
}

#[test]
fn the_server_deletes_what_has_expired() {
    let Some(server) = servers::mongodb(true) else {
        return;
    };
    let store = open(&url(server.port())).unwrap();
    assert!(store.expires_by_itself());
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    store.set("session:old", b"data", HOUR).unwrap();
    store
        .set("session:new", b"data", Lifetime { now, ..HOUR })
        .unwrap();
    let collection = collection(&server);
    wait_until("the old one is deleted", || {
        let old = collection.count_documents(doc! { "id": "session:old" });
        old.run().unwrap() == 0
    });
    assert!(store.get("session:new", now).unwrap().is_some());
}

#[test]
fn what_flask_wrote_twice_is_deleted_twice_and_compared_never() {
    let Some(server) = servers::mongodb(false) else {
        return;
    };
    // Two requests at once, without an index: a live Flask app's collection may have that.
    let expiration = mongodb::bson::DateTime::from_millis(1_700_000_001_000);
    let document = doc! { "id": "session:id", "val": "{}", "expiration": expiration };
    let collection = collection(&server);
    collection
        .insert_many([document.clone(), document])
        .run()
        .unwrap();
    let store = open(&url(server.port())).unwrap();
    assert!(!store.can(Ability::CompareAndSet));
    let found = store.get("session:id", HOUR.now).unwrap();
    assert_eq!(found.as_deref(), Some(&b"{}"[..]));
    store.delete("session:id").unwrap();
    assert_eq!(store.get("session:id", HOUR.now).unwrap(), None);
}

#[test]
fn a_document_without_a_date_has_not_expired_as_in_flask() {
    let Some(server) = servers::mongodb(false) else {
        return;
    };
    let store = open(&url(server.port())).unwrap();
    let (key, now) = ("session:some-id", HOUR.now);
    let (user, none) = (&b"\x81\xa4user\xa4jack"[..], mongodb::bson::Bson::Null);
    let val = || mongodb::bson::Binary {
        subtype: mongodb::bson::spec::BinarySubtype::Generic,
        bytes: user.to_vec(),
    };
    let documents = [
        doc! { "id": key, "val": val() },
        doc! { "id": key, "val": val(), "expiration": none },
    ];
    for document in documents {
        let collection = collection(&server);
        let put = || collection.insert_one(document.clone()).run().unwrap();
        put();
        assert_eq!(store.get(key, now).unwrap().as_deref(), Some(user));
        if let Some(mut flask) = Flask::start(&config(server.port())) {
            let cookie = "some-id".to_owned();
            assert_eq!(flask.visit(&mut Browser { cookie }, "/get/user"), "jack");
            store.delete(key).unwrap();
            put();
        }
        let mut shown = 0;
        let show = &mut |_: Entry<'_>| {
            shown += 1;
            Verdict::Keep
        };
        store.visit("session:", now, show).unwrap();
        assert_eq!(shown, 1);
        let compare = |expected, value| store.compare_and_set(key, expected, value, HOUR);
        assert!(!compare(None, user).unwrap(), "it is there");
        // Whoever saves or touches it gives it a date, long past by now.
        assert!(store.touch(key, HOUR).unwrap());
        assert_eq!(store.get(key, now + 3601).unwrap(), None);
        store.delete(key).unwrap();
        put();
        assert!(compare(Some(user), b"new").unwrap());
        store.delete(key).unwrap();
    }
}

#[test]
fn a_session_that_ends_after_the_last_year_of_python_is_read_by_flask() {
    let Some(server) = servers::mongodb(false) else {
        return;
    };
    let store = open(&url(server.port())).unwrap();
    let seconds = u64::MAX;
    let user = b"\x81\xa4user\xa4jack";
    let endless = Lifetime { seconds, ..HOUR };
    store.set("session:some-id", user, endless).unwrap();
    assert!(store.get("session:some-id", HOUR.now).unwrap().is_some());
    let Some(mut flask) = Flask::start(&config(server.port())) else {
        return;
    };
    let cookie = "some-id".to_owned();
    assert_eq!(flask.visit(&mut Browser { cookie }, "/get/user"), "jack");
}

#[test]
fn what_a_document_has_no_room_for_is_an_error_that_says_so() {
    let Some(server) = servers::mongodb(false) else {
        return;
    };
    let store = open(&url(server.port())).unwrap();
    store.set("session:id", b"data", HOUR).unwrap();
    let error = store
        .set("session:id", &vec![7; 16 << 20], HOUR)
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unstorable);
    assert_eq!(
        error.to_string(),
        "session store mongodb: the session takes 16777216 bytes, and a document has room for 16773120"
    );
    store
        .set("session:large", &vec![7; 16_773_120], HOUR)
        .unwrap();
    let found = store.get("session:id", HOUR.now).unwrap();
    assert_eq!(found.as_deref(), Some(&b"data"[..]));
}

#[test]
fn a_url_that_is_no_good_says_what_would_be() {
    let error = |url: &str| open(url).err().map(|error| error.to_string()).unwrap();
    assert_eq!(
        error("mongodb://127.0.0.1/test?colection=x"),
        "session store mongodb: unknown parameter \"colection\": the nearest is \"collection\""
    );
    let error = open("mongodb://127.0.0.1/test?tls=perhaps").err().unwrap();
    assert_eq!(error.kind(), StoreErrorKind::Config, "{error}");
    assert_eq!(
        error.to_string(),
        "session store mongodb: An invalid argument was provided: connection string `tls` option must be a boolean"
    );
}

fn subject() -> Option<failing::Subject> {
    Some(failing::Subject {
        server: Arc::new(servers::mongodb(true)?),
        url,
        lasts: true,
        bears_drips: true,
        is_asked_at_first: true,
        is_missed_at_once: true,
        connections: 16,
    })
}

#[test]
fn an_outage_is_a_503_and_loses_nothing() {
    let Some(subject) = subject() else { return };
    failing::all(&subject);
}

#[test]
fn a_visit_takes_no_more_round_trips_than_flasks() {
    let Some(subject) = subject() else { return };
    failing::takes_few_round_trips(&subject, config, &failing::TRIPS);
}
