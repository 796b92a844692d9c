//! The blog in `examples/blog`: the cases of the tests of Flask's tutorial, and more.
//!
//! It is compiled into this test as a module, and asked by a test client, each test with a database of its
//! own. `tests/browser/blog` tries it in a browser.
#![allow(clippy::unwrap_used, dead_code)]

#[path = "../../examples/blog/main.rs"]
mod blog;

mod accounts;
mod factory;
mod posts;

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use blog::db::get_db;
use blog::password::generate_password_hash;
use carafe::App;
use carafe::clock::FixedClock;
use carafe::testing::{TestClient, TestResponse};

const PASSWORD: &str = "correct horse";

/// Hashing is slow on purpose: once is enough.
static HASH: LazyLock<String> = LazyLock::new(|| generate_password_hash(PASSWORD).unwrap());

/// A blog with a database of its own, which is removed in the end: users `test` and `other`, and a post
/// of the first one's.
struct Blog {
    app: App,
    folder: PathBuf,
}

impl Blog {
    fn new() -> Self {
        let blog = Blog::empty();
        let changed = blog.in_context(|| {
            let db = get_db().unwrap();
            for name in ["test", "other"] {
                let insert = "INSERT INTO user (username, password) VALUES (?, ?)";
                db.lock().execute(insert, (name, &*HASH)).unwrap();
            }
            let insert = "INSERT INTO post (title, body, author_id, created) VALUES (?, ?, ?, ?)";
            let created = 1_514_764_800; // 2018-01-01
            let post = ("test title", "test\nbody", 1, created);
            db.lock().execute(insert, post).unwrap()
        });
        assert_eq!(changed, 1);
        blog
    }

    /// With nobody and nothing in it.
    fn empty() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("blog-{}-{number}", process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let app = blog::app::create_app(&folder.join("blog.sqlite")).unwrap();
        app.config().set_secret_key("adavafa");
        app.config()
            .set_clock(Arc::new(FixedClock::new(1_700_000_000)));
        Blog { app, folder }
    }

    fn in_context<R>(&self, f: impl FnOnce() -> R) -> R {
        self.app.app_context().with(f).unwrap()
    }

    fn client(&self) -> TestClient {
        self.app.test_client()
    }

    /// The client of somebody who has logged in.
    fn logged_in(&self, username: &str) -> TestClient {
        let mut client = self.client();
        let response = login(&mut client, "/auth/login", username, PASSWORD);
        assert_eq!(response.status_code(), 302);
        client
    }

    /// The one value that a query finds.
    fn one<T: rusqlite::types::FromSql>(&self, query: &str) -> Option<T> {
        self.in_context(|| {
            let db = get_db().unwrap();
            let found = db.lock().query_row(query, [], |row| row.get(0));
            match found {
                Err(rusqlite::Error::QueryReturnedNoRows) => None,
                found => Some(found.unwrap()),
            }
        })
    }

    fn execute(&self, statement: &str) {
        self.in_context(|| {
            let db = get_db().unwrap();
            db.lock().execute_batch(statement).unwrap();
        });
    }
}

impl Drop for Blog {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

#[track_caller]
fn get(client: &mut TestClient, path: &str) -> TestResponse {
    client.get(path).send().unwrap()
}

#[track_caller]
fn post(client: &mut TestClient, path: &str, fields: &[(&str, &str)]) -> TestResponse {
    let request = client.post(path);
    request.form(fields.iter().copied()).send().unwrap()
}

#[track_caller]
fn login(client: &mut TestClient, path: &str, username: &str, password: &str) -> TestResponse {
    post(
        client,
        path,
        &[("username", username), ("password", password)],
    )
}

#[track_caller]
fn assert_redirects(response: &TestResponse, to: &str) {
    assert_eq!(response.status_code(), 302);
    assert_eq!(response.header("Location").as_deref(), Some(to));
}

#[track_caller]
fn assert_shows(response: &TestResponse, text: &str) {
    let page = response.text();
    assert!(page.contains(text), "{text:?} is not in:\n{page}");
}

#[track_caller]
fn assert_hides(response: &TestResponse, text: &str) {
    let page = response.text();
    assert!(!page.contains(text), "{text:?} is in:\n{page}");
}

/// What is flashed on a page.
fn flashes(response: &TestResponse) -> Vec<String> {
    let page = response.text();
    let pieces = page.split("<p class=\"flash ").skip(1);
    pieces
        .map(|piece| {
            let (_, text) = piece.split_once('>').unwrap();
            text.split_once("</p>").unwrap().0.to_owned()
        })
        .collect()
}
