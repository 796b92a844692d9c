//! The posts: who sees them, who changes them.

use std::thread;

use super::{Blog, assert_hides, assert_redirects, assert_shows, flashes, get, post};

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
