//! The factory, the files, the command line, the database.

use std::sync::Arc;

use super::blog::db::get_db;
use super::blog::options::{Command, Options, parse};
use super::{Blog, assert_hides, assert_shows, blog, get};

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
fn a_new_database_is_for_nobody_else_to_read() {
    use std::os::unix::fs::PermissionsExt;
    let blog = Blog::empty();
    let metadata = std::fs::metadata(blog.folder.join("blog.sqlite")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
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
