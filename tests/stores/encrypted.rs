//! A store that encrypts what another one keeps.

use std::sync::Arc;

use carafe::session::store::{
    EncryptedStore, FileOptions, FileStore, Lifetime, MemoryStore, Store, StoreErrorKind,
};

use crate::files::TempDir;
use crate::suite::{self, Subject};

const LIFETIME: Lifetime = Lifetime {
    now: 1_700_000_000,
    seconds: 60,
};

#[test]
fn an_encrypted_store_does_all_that_a_store_should() {
    let memory = Arc::new(MemoryStore::new());
    suite::run(&Subject {
        name: "encrypted memory",
        store: Box::new(move || {
            Arc::new(EncryptedStore::new(Arc::clone(&memory), "s3cret").unwrap())
        }),
        pass: Box::new(suite::clock_moves),
    });
}

#[test]
fn so_do_encrypted_files() {
    let dir = TempDir::new();
    let path = dir.path().to_owned();
    let open = move || FileStore::open(&path, FileOptions::default()).unwrap();
    suite::run(&Subject {
        name: "encrypted files",
        store: Box::new(move || Arc::new(EncryptedStore::new(open(), "s3cret").unwrap())),
        pass: Box::new(suite::clock_moves),
    });
}

#[test]
fn one_call_encrypts_whatever_a_url_names() {
    use carafe::session::ServerSideSessionInterface;
    let interface = ServerSideSessionInterface::from_url("memory:").unwrap();
    let plain = Arc::clone(interface.store());
    let encrypted = interface.encrypted("s3cret").unwrap();
    encrypted.store().set("k", b"jack", LIFETIME).unwrap();
    let bytes = plain.get("k", LIFETIME.now).unwrap().unwrap();
    assert!(!bytes.ends_with(b"jack"));
    let opened = encrypted.store().get("k", LIFETIME.now).unwrap();
    assert_eq!(opened.as_deref(), Some(&b"jack"[..]));
}

#[test]
fn what_is_stored_says_nothing_and_is_never_the_same_twice() {
    let memory = Arc::new(MemoryStore::new());
    let store = EncryptedStore::new(Arc::clone(&memory), "s3cret").unwrap();
    let stored = || {
        store
            .set("session:id", b"username: jack", LIFETIME)
            .unwrap();
        memory.get("session:id", LIFETIME.now).unwrap().unwrap()
    };
    let (one, other) = (stored(), stored());
    assert_ne!(one, other);
    assert!(!one.windows(4).any(|part| part == b"jack"));
    // Version, nonce, tag, and the key with its length.
    assert_eq!(one.len(), 1 + 24 + 16 + 2 + 10 + 14);
}

#[test]
fn what_an_earlier_carafe_has_encrypted_is_opened() {
    // Made without Carafe: XChaCha20-Poly1305 as its draft has it, the key by HMAC-SHA256 of the secret. The nonce
    // counts from 0 to 23.
    let sealed =
        b"\xab\xc3\x80\x11\xb3\x85\x27\xf6\x4d\xf4\x78\x04\x97\x7d\xc8\x06\xb7\x01\x3f\x00\
          \x4a\xf9\x69\xae\x46\x91\x14\xeb\xd3\x12\xfd\x31\x8f\xb5\x16\x49\x3c\x34\x8d\x12\
          \xbe\x81";
    let bytes: Vec<u8> = [1].into_iter().chain(0..24).chain(*sealed).collect();
    let memory = Arc::new(MemoryStore::new());
    memory.set("session:id", &bytes, LIFETIME).unwrap();
    let store = EncryptedStore::new(memory, "s3cret").unwrap();
    let opened = store.get("session:id", LIFETIME.now).unwrap();
    assert_eq!(opened.as_deref(), Some(&b"username: jack"[..]));
}

#[test]
fn one_session_is_not_taken_for_another_nor_a_changed_one_for_itself() {
    let memory = Arc::new(MemoryStore::new());
    let store = EncryptedStore::new(Arc::clone(&memory), "s3cret").unwrap();
    store.set("session:mine", b"jack", LIFETIME).unwrap();
    let bytes = memory.get("session:mine", LIFETIME.now).unwrap().unwrap();
    memory.set("session:other", &bytes, LIFETIME).unwrap();
    let error = store.get("session:other", LIFETIME.now).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unreadable);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        memory.set("session:mine", &changed, LIFETIME).unwrap();
        assert!(
            store.get("session:mine", LIFETIME.now).is_err(),
            "byte {at}"
        );
        memory.set("session:mine", &bytes[..at], LIFETIME).unwrap();
        assert!(
            store.get("session:mine", LIFETIME.now).is_err(),
            "cut at {at}"
        );
    }
}

#[test]
fn an_older_secret_opens_and_the_newest_one_encrypts() {
    let memory = Arc::new(MemoryStore::new());
    let with = |secrets: &[&str]| {
        let secrets: Vec<String> = secrets.iter().map(|&secret| secret.to_owned()).collect();
        EncryptedStore::new(Arc::clone(&memory), secrets)
    };
    with(&["old"]).unwrap().set("k", b"one", LIFETIME).unwrap();
    let both = with(&["old", "new"]).unwrap();
    assert_eq!(
        both.get("k", LIFETIME.now).unwrap().as_deref(),
        Some(&b"one"[..])
    );
    both.set("k", b"two", LIFETIME).unwrap();
    assert!(with(&["old"]).unwrap().get("k", LIFETIME.now).is_err());
    let new = with(&["new"]).unwrap();
    assert_eq!(
        new.get("k", LIFETIME.now).unwrap().as_deref(),
        Some(&b"two"[..])
    );

    for none in [&[][..], &[""]] {
        assert_eq!(with(none).unwrap_err().kind(), StoreErrorKind::Config);
    }
}

#[test]
fn files_that_flask_shares_are_not_encrypted() {
    let dir = TempDir::new();
    let options = FileOptions {
        cachelib: true,
        ..FileOptions::default()
    };
    let files = FileStore::open(dir.path(), options).unwrap();
    let error = EncryptedStore::new(files, "s3cret").unwrap_err();
    assert_eq!(
        error.to_string(),
        "session store file: this store keeps pickle, and nothing that is encrypted"
    );
}
