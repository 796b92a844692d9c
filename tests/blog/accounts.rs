//! Who somebody is, and what another site may not do in their name.

use carafe::session;

use super::blog::auth;
use super::blog::password::check_password_hash;
use super::{
    Blog, PASSWORD, assert_hides, assert_redirects, assert_shows, flashes, get, login, post,
};

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
