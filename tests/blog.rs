//! The blog in `examples/blog`: the cases of the tests of Flask's tutorial, and more.
//!
//! It is compiled into this test as a module, and asked by a test client, each test with a database of its
//! own. `tests/browser/blog` tries it in a browser.
#![allow(clippy::unwrap_used, dead_code)]

#[path = "../examples/blog/main.rs"]
mod blog;

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;

use blog::auth;
use blog::db::get_db;
use blog::options::{Command, Options, parse};
use blog::password::{check_password_hash, generate_password_hash};
use carafe::clock::FixedClock;
use carafe::testing::{TestClient, TestResponse};
use carafe::{App, session};

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

// The factory.

#[test]
fn hello() {
    assert_eq!(
        get(&mut Blog::new().client(), "/hello").text(),
        "Hello, World!"
    );
}

#[test]
fn a_blog_that_is_opened_again_has_kept_its_posts() {
    let blog = Blog::new();
    let again = blog::app::create_app(&blog.folder.join("blog.sqlite")).unwrap();
    again.config().set_secret_key("adavafa");
    assert_shows(&get(&mut again.test_client(), "/"), "test title");
}

#[test]
fn each_key_that_is_made_is_another() {
    let keys = [Blog::empty(), Blog::empty()].map(|blog| {
        blog::app::make_secret_key(&blog.app).unwrap();
        blog.app.config().settings().secret_key.clone().unwrap()
    });
    assert_eq!(keys[0].len(), 32);
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn the_style_sheet_is_the_same_for_everybody() {
    let blog = Blog::new();
    let response = get(&mut blog.logged_in("test"), "/static/style.css");
    assert_eq!(response.status_code(), 200);
    let content_type = response.header("Content-Type");
    assert_eq!(content_type.as_deref(), Some("text/css; charset=utf-8"));
    assert_eq!(response.header("Vary"), None);
    assert_eq!(
        get(&mut blog.client(), "/static/../app.rs").status_code(),
        404
    );
}

#[test]
fn every_response_says_that_no_script_may_run() {
    let blog = Blog::new();
    for path in ["/", "/no", "/static/style.css"] {
        let policy = get(&mut blog.client(), path).header("Content-Security-Policy");
        assert!(policy.unwrap().starts_with("default-src 'none';"));
    }
}

#[test]
fn the_command_line_is_read() {
    let parsed = |args: &[&str]| parse(&args.iter().map(ToString::to_string).collect::<Vec<_>>());
    let options = |bind: &str, database: &str| {
        let (bind, database) = (bind.to_owned(), database.into());
        Ok(Command::Serve(Options { bind, database }))
    };
    assert_eq!(parsed(&[]), options("127.0.0.1:5000", "target/blog.sqlite"));
    let args = ["--database", "x", "--bind", "[::1]:0"];
    assert_eq!(parsed(&args), options("[::1]:0", "x"));
    assert_eq!(parsed(&["--bind", "x", "--help"]), Ok(Command::Help));
    assert_eq!(parsed(&["--bind"]), Err("--bind takes a value".to_owned()));
    assert_eq!(parsed(&["blog"]), Err("blog is no option".to_owned()));
}

// The database.

#[test]
fn one_context_has_one_connection_and_closes_it() {
    let blog = Blog::new();
    let db = blog.in_context(|| {
        let db = get_db().unwrap();
        // A table that only this connection has.
        db.lock()
            .execute_batch("CREATE TEMP TABLE mine (x)")
            .unwrap();
        let again = get_db().unwrap();
        again.lock().execute_batch("SELECT * FROM mine").unwrap();
        Arc::downgrade(&db.0)
    });
    assert!(db.upgrade().is_none(), "the connection is still open");
}

#[test]
fn a_database_that_is_gone_is_a_500_that_says_nothing_of_it() {
    let blog = Blog::new();
    let mut client = blog.logged_in("test");
    blog.execute("DROP TABLE post; DROP TABLE user");
    let response = get(&mut client, "/");
    assert_eq!(response.status_code(), 500);
    assert_shows(&response, "<h1>Internal Server Error</h1>");
    assert_hides(&response, "no such table");
}

// Who somebody is.

#[test]
fn somebody_registers_and_is_sent_to_log_in() {
    let blog = Blog::empty();
    let mut client = blog.client();
    assert_eq!(get(&mut client, "/auth/register").status_code(), 200);
    let response = login(&mut client, "/auth/register", " Añá.b-c_1 ", PASSWORD);
    assert_redirects(&response, "/auth/login");
    let name: Option<String> = blog.one("SELECT username FROM user");
    assert_eq!(name.as_deref(), Some("Añá.b-c_1"));
    let flashed = flashes(&get(&mut client, "/auth/login"));
    assert_eq!(flashed, ["Welcome, Añá.b-c_1. Log in, and start writing."]);
    assert_redirects(
        &login(&mut client, "/auth/login", "Añá.b-c_1", PASSWORD),
        "/",
    );
}

#[test]
fn what_is_wrong_with_a_registration_is_said() {
    let blog = Blog::new();
    let (long_name, long_password) = ("n".repeat(31), "p".repeat(201));
    for (username, password, message) in [
        ("", "", "A username is required."),
        ("  ", PASSWORD, "A username is required."),
        ("a", "", "A password is required."),
        ("a", "1234567", "Make it at least 8 characters long."),
        ("a b", PASSWORD, "Use letters, digits, and . - _ only."),
        ("<b>", PASSWORD, "Use letters, digits, and . - _ only."),
        (
            &long_name,
            PASSWORD,
            "A username may have 30 characters at most.",
        ),
        (
            "a",
            &long_password,
            "A password may have 200 characters at most.",
        ),
        ("test", PASSWORD, "The name test is taken."),
        ("TEST", PASSWORD, "The name TEST is taken."),
    ] {
        let response = login(&mut blog.client(), "/auth/register", username, password);
        assert_eq!(response.status_code(), 422, "{username} {password}");
        assert_shows(&response, message);
        assert_shows(&response, "aria-invalid=\"true\"");
        assert_eq!(response.text().matches(" autofocus").count(), 1);
    }
    assert_eq!(blog.one("SELECT count(*) FROM user"), Some(2));
}

#[test]
fn a_password_is_not_kept_nor_shown_again() {
    let blog = Blog::empty();
    let mut client = blog.client();
    let response = login(&mut client, "/auth/register", "a b", "hunter2 hunter2");
    assert_hides(&response, "hunter2");
    assert_shows(&response, "value=\"a b\"");
    login(&mut client, "/auth/register", "a", "hunter2 hunter2");
    let kept: String = blog.one("SELECT password FROM user").unwrap();
    assert!(kept.starts_with("$argon2id$"), "{kept}");
    assert!(check_password_hash(&kept, "hunter2 hunter2").unwrap());
    assert!(!check_password_hash(&kept, "hunter2 hunter").unwrap());
    assert!(check_password_hash("hunter2", "hunter2").is_err());
}

#[test]
fn a_login_is_in_the_session_and_the_user_in_g() {
    let blog = Blog::new();
    let mut client = blog.client();
    assert_eq!(get(&mut client, "/auth/login").status_code(), 200);
    assert_redirects(&login(&mut client, "/auth/login", "Test", PASSWORD), "/");
    let looked = client.with_contexts(|client| {
        get(client, "/");
        (session().get::<i64>("user_id"), auth::user().unwrap())
    });
    let (id, user) = looked.unwrap();
    assert_eq!((id, user.id, &*user.username), (Some(1), 1, "test"));
}

#[test]
fn a_failed_login_does_not_say_which_of_the_two_is_wrong() {
    let blog = Blog::new();
    let long = "p".repeat(201);
    let wrong = [
        ("a", PASSWORD),
        ("test", "a"),
        ("", ""),
        ("test", long.as_str()),
    ];
    let pages = wrong.map(|(username, password)| {
        let response = login(&mut blog.client(), "/auth/login", username, password);
        assert_eq!(response.status_code(), 422);
        assert_eq!(flashes(&response), ["Wrong username or password."]);
        response
            .text()
            .replace(&format!("value=\"{username}\""), "value")
    });
    assert!(pages.iter().all(|page| *page == pages[0]));
}

#[test]
fn a_login_leaves_nothing_of_the_session_before_it() {
    let blog = Blog::new();
    let mut client = blog.client();
    client
        .session_transaction(|session| session.insert("planted", 1))
        .unwrap();
    login(&mut client, "/auth/login", "test", PASSWORD);
    let planted = client.session_transaction(|session| Ok(session.contains_key("planted")));
    assert!(!planted.unwrap());
}

#[test]
fn the_session_cookie_is_for_this_site_and_no_script() {
    let blog = Blog::new();
    let response = login(&mut blog.client(), "/auth/login", "test", PASSWORD);
    let cookie = response.header("Set-Cookie").unwrap();
    assert!(cookie.contains("; HttpOnly;"), "{cookie}");
    assert!(cookie.contains("; SameSite=Lax"), "{cookie}");
}

#[test]
fn after_a_login_one_is_where_one_wanted_to_be_but_never_elsewhere() {
    let blog = Blog::new();
    for (next, to) in [
        ("/create", "/create"),
        ("/?page=2", "/?page=2"),
        ("", "/"),
        ("create", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
    ] {
        let query: String = next.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let path = format!("/auth/login?next={query}");
        let response = login(&mut blog.client(), &path, "test", PASSWORD);
        assert_redirects(&response, to);
    }
}

#[test]
fn logging_out_takes_a_post_and_empties_the_session() {
    let blog = Blog::new();
    let mut client = blog.logged_in("test");
    assert_eq!(get(&mut client, "/auth/logout").status_code(), 405);
    assert_redirects(&post(&mut client, "/auth/logout", &[]), "/");
    let response = get(&mut client, "/");
    assert_eq!(flashes(&response), ["You are logged out."]);
    assert_shows(&response, "Log in");
    let left = client.session_transaction(|session| Ok(session.contains_key("user_id")));
    assert!(!left.unwrap());
}

#[test]
fn a_session_of_somebody_who_is_gone_is_nobodys() {
    let blog = Blog::new();
    let mut client = blog.logged_in("other");
    blog.execute("DELETE FROM user WHERE username = 'other'");
    let response = get(&mut client, "/create");
    assert_redirects(&response, "/auth/login?next=/create");
}

// What other sites send.

#[test]
fn a_form_on_another_site_is_refused_even_a_login() {
    let blog = Blog::new();
    let mut client = blog.logged_in("test");
    let here = "http://localhost";
    for (headers, status) in [
        (&[][..], 302),
        (&[("Sec-Fetch-Site", "same-origin"), ("Origin", here)], 302),
        (&[("Sec-Fetch-Site", "none")], 302),
        (&[("Origin", here)], 302),
        (&[("Origin", "https://localhost")], 302),
        (&[("Sec-Fetch-Site", "cross-site"), ("Origin", here)], 403),
        (&[("Sec-Fetch-Site", "same-site")], 403),
        (&[("Sec-Fetch-Site", "")], 403),
        (&[("Origin", "http://localhost:81")], 403),
        (&[("Origin", "http://localhost.evil.example")], 403),
        (&[("Origin", "null")], 403),
    ] {
        for path in ["/1/update", "/auth/login", "/auth/logout"] {
            let fields = [
                ("title", "t"),
                ("body", "b"),
                ("username", "test"),
                ("password", PASSWORD),
            ];
            let mut request = client.post(path).form(fields);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let response = request.send().unwrap();
            assert_eq!(response.status_code(), status, "{path} {headers:?}");
        }
        client = blog.logged_in("test");
    }
}

#[test]
fn a_link_on_another_site_is_followed() {
    let blog = Blog::new();
    let mut client = blog.client();
    let request = client.get("/1").header("Sec-Fetch-Site", "cross-site");
    assert_eq!(request.send().unwrap().status_code(), 200);
}

// The posts.

#[test]
fn the_index_has_the_posts_and_what_its_reader_may_do() {
    let blog = Blog::new();
    let response = get(&mut blog.client(), "/");
    assert_shows(&response, "Log in");
    assert_shows(&response, "Register");
    assert_hides(&response, "/1/update");

    let response = get(&mut blog.logged_in("test"), "/");
    assert_eq!(flashes(&response), ["Hello again, test."]);
    assert_shows(&response, "test title");
    assert_shows(&response, "by <b>test</b> on");
    assert_shows(
        &response,
        "<time datetime=\"2018-01-01T00:00Z\">1 January 2018</time>",
    );
    assert_shows(&response, "<p>test\nbody</p>");
    assert_shows(&response, "href=\"/1/update\"");
    assert_eq!(response.header("Vary").as_deref(), Some("Cookie"));

    assert_hides(&get(&mut blog.logged_in("other"), "/"), "/1/update");
}

#[test]
fn a_blog_without_posts_says_how_to_begin() {
    let blog = Blog::empty();
    assert_shows(
        &get(&mut blog.client(), "/"),
        "Nothing has been poured yet.",
    );
}

#[test]
fn the_index_goes_on_for_as_many_pages_as_there_are() {
    let blog = Blog::new();
    for day in 1..=16 {
        blog.execute(&format!(
            "INSERT INTO post (title, body, author_id, created) VALUES ('day {day}.', '', 2, {})",
            1_600_000_000 + day * 86_400
        ));
    }
    let mut client = blog.client();
    let first = get(&mut client, "/");
    assert_shows(&first, "day 16.");
    assert_hides(&first, "day 8.");
    assert_shows(&first, "<a rel=\"next\" href=\"/?page=2\">");
    assert_hides(&first, "rel=\"prev\"");
    let second = get(&mut client, "/?page=2");
    assert_shows(&second, "day 8.");
    assert_hides(&second, "day 9.");
    assert_shows(&second, "<a rel=\"prev\" href=\"/\">");
    let last = get(&mut client, "/?page=3");
    assert_shows(&last, "test title");
    assert_hides(&last, "rel=\"next\"");
    for none in ["4", "18446744073709551615"] {
        assert_eq!(
            get(&mut client, &format!("/?page={none}")).status_code(),
            404
        );
    }
    for first_page in ["0", "-1", "x", "1"] {
        assert_shows(
            &get(&mut client, &format!("/?page={first_page}")),
            "day 16.",
        );
    }
}

#[test]
fn a_long_post_is_cut_on_the_index_and_whole_on_its_own_page() {
    let blog = Blog::new();
    let mut client = blog.logged_in("test");
    let body = format!("{}ende", "wörter ".repeat(60));
    post(
        &mut client,
        "/create",
        &[("title", "long"), ("body", &body)],
    );
    let index = get(&mut client, "/");
    assert_shows(&index, "wörter…");
    assert_hides(&index, "ende</p>");
    assert_shows(&index, "Read on");
    assert_shows(&get(&mut client, "/2"), "ende</p>");
}

#[test]
fn whatever_changes_something_wants_a_login() {
    let blog = Blog::new();
    let mut client = blog.client();
    for path in ["/create", "/1/update", "/1/delete"] {
        assert_redirects(&post(&mut client, path, &[]), "/auth/login");
    }
    assert_redirects(&get(&mut client, "/create"), "/auth/login?next=/create");
    assert_redirects(&get(&mut client, "/1/update"), "/auth/login?next=/1/update");
}

#[test]
fn a_post_is_changed_by_its_author_only() {
    let blog = Blog::new();
    let mut client = blog.logged_in("other");
    let fields = [("title", "mine"), ("body", "now")];
    assert_eq!(get(&mut client, "/1/update").status_code(), 403);
    for path in ["/1/update", "/1/delete"] {
        let response = post(&mut client, path, &fields);
        assert_eq!(response.status_code(), 403);
        assert_shows(&response, "<h1>Forbidden</h1>");
        assert_shows(&response, "This post is test&#x27;s");
    }
    let title: Option<String> = blog.one("SELECT title FROM post");
    assert_eq!(title.as_deref(), Some("test title"));
}

#[test]
fn a_post_that_is_not_there_is_a_404() {
    let blog = Blog::new();
    let mut client = blog.logged_in("test");
    for path in ["/2/update", "/2/delete"] {
        let response = post(&mut client, path, &[("title", "t"), ("body", "b")]);
        assert_eq!(response.status_code(), 404);
        assert_shows(&response, "There is no post number 2.");
    }
    for path in ["/2", "/99999999999999999999", "/1/", "/one"] {
        let response = get(&mut client, path);
        assert_eq!(response.status_code(), 404, "{path}");
        assert_shows(&response, "<h1>Not Found</h1>");
    }
}

#[test]
fn a_post_is_written_and_is_then_shown() {
    let blog = Blog::new();
    let mut client = blog.logged_in("other");
    get(&mut client, "/");
    assert_eq!(get(&mut client, "/create").status_code(), 200);
    let fields = [
        ("title", "  created "),
        ("body", "one\r\ntwo\r\n \r\n\r\nthree\r\n"),
    ];
    assert_redirects(&post(&mut client, "/create", &fields), "/2");
    let page = get(&mut client, "/2");
    assert_eq!(flashes(&page), ["Your post is published."]);
    assert_shows(&page, "<title>created · Decanter</title>");
    assert_shows(&page, "<p>one\ntwo</p>\n    <p>three</p>");
    assert_shows(&page, "14 November 2023");
    assert_eq!(flashes(&get(&mut client, "/2")), [""; 0]);
}

#[test]
fn many_who_write_at_once_wait_for_each_other() {
    let blog = Blog::new();
    let write = &|name| {
        let mut client = blog.logged_in(name);
        for _ in 0..20 {
            let response = post(&mut client, "/create", &[("title", "t"), ("body", "b")]);
            assert_eq!(response.status_code(), 302);
        }
    };
    thread::scope(|scope| {
        for name in ["test", "other", "test", "other"] {
            scope.spawn(move || write(name));
        }
    });
    assert_eq!(blog.one("SELECT count(*) FROM post"), Some(81));
}

#[test]
fn a_post_is_updated() {
    let blog = Blog::new();
    let mut client = blog.logged_in("test");
    get(&mut client, "/");
    let form = get(&mut client, "/1/update");
    assert_shows(&form, "value=\"test title\"");
    assert_shows(&form, "\ntest\nbody</textarea>");
    let fields = [("title", "updated"), ("body", "text")];
    assert_redirects(&post(&mut client, "/1/update", &fields), "/1");
    let page = get(&mut client, "/1");
    assert_eq!(flashes(&page), ["Your changes are saved."]);
    assert_shows(&page, "<h1 dir=\"auto\">updated</h1>");
    assert_shows(&page, "1 January 2018");
}

#[test]
fn a_post_without_title_or_text_is_given_back_with_what_was_typed() {
    let blog = Blog::new();
    let mut client = blog.logged_in("test");
    let (long_title, long_body) = ("t".repeat(121), "b".repeat(20_001));
    for path in ["/create", "/1/update"] {
        for (title, body, message) in [
            ("", "typed", "A title is required."),
            ("typed", " \n", "A text is required."),
            (
                &long_title,
                "typed",
                "A title may have 120 characters at most.",
            ),
            (
                "typed",
                &long_body,
                "A text may have 20000 characters at most.",
            ),
        ] {
            let response = post(&mut client, path, &[("title", title), ("body", body)]);
            assert_eq!(response.status_code(), 422);
            assert_shows(&response, message);
            assert_shows(&response, "typed");
            assert_shows(&response, "<title>Error: ");
        }
        let response = post(&mut client, path, &[("title", "t")]);
        assert_eq!(response.status_code(), 400);
    }
    let posts = blog.one("SELECT count(*) FROM post WHERE title = 'test title'");
    assert_eq!(posts, Some(1));
}

#[test]
fn the_longest_text_is_taken_and_a_larger_body_is_a_413() {
    let blog = Blog::new();
    let mut client = blog.logged_in("test");
    let longest = "🍷".repeat(20_000);
    let fields = [("title", "wine"), ("body", longest.as_str())];
    assert_redirects(&post(&mut client, "/create", &fields), "/2");
    let fields = [("title", "t"), ("body", &"b".repeat(300_000))];
    let response = post(&mut client, "/create", &fields);
    assert_eq!(response.status_code(), 413);
    assert_shows(&response, "<h1>Request Entity Too Large</h1>");
}

#[test]
fn a_post_is_deleted() {
    let blog = Blog::new();
    let mut client = blog.logged_in("test");
    get(&mut client, "/");
    assert_eq!(get(&mut client, "/1/delete").status_code(), 405);
    assert_redirects(&post(&mut client, "/1/delete", &[]), "/");
    assert_eq!(blog.one("SELECT count(*) FROM post"), Some(0));
    let flashed = flashes(&get(&mut client, "/"));
    assert_eq!(flashed, ["“test title” is deleted."]);
}

#[test]
fn what_is_typed_is_shown_and_never_becomes_part_of_the_page() {
    let blog = Blog::new();
    let mut client = blog.logged_in("test");
    let evil = "\"><script>alert('1')</script>&amp;{{ g }}</textarea>";
    let escaped =
        "&quot;&gt;&lt;script&gt;alert(&#x27;1&#x27;)&lt;&#x2f;script&gt;&amp;amp;{{ g }}";
    post(&mut client, "/create", &[("title", evil), ("body", evil)]);
    for path in ["/", "/2", "/2/update"] {
        let response = get(&mut client, path);
        assert_hides(&response, "<script");
        assert!(response.text().matches(escaped).count() >= 2, "{path}");
    }
    post(&mut client, "/2/delete", &[]);
    assert_shows(&get(&mut client, "/"), escaped);
    assert_hides(&get(&mut client, "/<script>"), "<script");
}
