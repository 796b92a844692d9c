//! The test client: a browser that calls the app directly.
//!
//! The code: `src/testing/client.rs` and `src/testing/cookie_jar.rs`. Next: `middleware.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use carafe::{
    Error, Json, Response, Route, Scaffold, SetCookie, Value, g, has_app_context,
    has_request_context, redirect, redirect_with_code, request, session,
};
use common::{DbError, Log, app, fail, hello};

/// The cookies that came, and one more that goes.
fn cookies() -> Result<Response, Error> {
    let came = request().cookies().to_dict();
    let mut came: Vec<String> = came.iter().map(|(k, v)| format!("{k}={v}")).collect();
    came.sort();
    let mut response = Response::new(came.join(" "));
    if let Some(name) = request().args().get("set") {
        let path = request().args().get("path").unwrap_or("/").to_owned();
        let cookie = SetCookie::new(name, "1").path(path.as_str());
        response.set_cookie(cookie, 1_700_000_000)?;
    }
    if let Some(name) = request().args().get("delete") {
        response.delete_cookie(name)?;
    }
    Ok(response)
}

#[test]
fn it_keeps_cookies_and_sends_them_where_they_belong() {
    let mut app = app();
    app.route("/", cookies);
    app.add_endpoint_rule("/cart/pear", "cookies");
    let mut client = app.test_client();
    let mut text = |path: &str| client.get(path).send().unwrap().text();
    assert_eq!(text("/?set=a"), "");
    assert_eq!(text("/?set=b&path=/cart"), "a=1");
    assert_eq!(text("/"), "a=1");
    assert_eq!(text("/cart/pear"), "a=1 b=1");
    assert_eq!(text("/?delete=a"), "a=1");
    assert_eq!(text("/cart/pear"), "b=1");
    assert_eq!(app.test_client().get("/").send().unwrap().text(), "");
}

#[test]
fn it_lets_a_test_set_read_and_delete_cookies() {
    let mut app = app();
    app.route("/", cookies);
    let mut client = app.test_client();
    client.set_cookie("a", "7");
    assert_eq!(client.get("/?set=b").send().unwrap().text(), "a=7");
    assert_eq!(client.get_cookie("a"), Some("7"));
    assert_eq!(client.get_cookie("b"), Some("1"));
    client.delete_cookie("a");
    assert_eq!(client.get("/").send().unwrap().text(), "b=1");
}

#[test]
fn without_cookies_it_keeps_none() {
    let mut app = app();
    app.route("/", cookies);
    let mut client = app.test_client().without_cookies();
    client.get("/?set=a").send().unwrap();
    assert_eq!(client.get("/").send().unwrap().text(), "");
    let error = client.session_transaction(|_| Ok(())).unwrap_err();
    assert_eq!(error.type_name(), "TypeError");
}

#[test]
fn it_builds_forms_json_and_any_other_body() {
    let mut app = app();
    app.post("/", || {
        let request = request();
        let kind = request.content_type().unwrap_or_default().into_owned();
        let body = request.get_data()?;
        Ok::<_, Error>(format!("{kind}|{}", String::from_utf8_lossy(&body)))
    });
    let mut client = app.test_client();
    let form = client.post("/").form([("name", "jack & jill"), ("n", "1")]);
    assert_eq!(
        form.send().unwrap().text(),
        "application/x-www-form-urlencoded|name=jack+%26+jill&n=1"
    );
    let json = client.post("/").json([1, 2]).send().unwrap();
    assert_eq!(json.text().replace(' ', ""), "application/json|[1,2]");
    let plain = client.post("/").body("hello", "text/plain");
    assert_eq!(plain.send().unwrap().text(), "text/plain|hello");
}

#[test]
fn it_sends_headers_and_goes_to_any_base_url() {
    let mut app = app();
    app.route("/", || {
        let tea = request().header("X-Tea").unwrap_or_default().into_owned();
        format!("{tea} {}", request().url())
    });
    let mut client = app.test_client();
    let request = client.get("/").header("X-Tea", "green");
    let response = request.base_url("https://shop.example/app/").send();
    assert_eq!(response.unwrap().text(), "green https://shop.example/app/");
}

#[test]
fn a_response_can_be_read_as_text_bytes_and_json() {
    let mut app = app();
    app.route("/", || (Json([("a", 1)]), 201, [("X-A", "1")]));
    let response = app.test_client().get("/").send().unwrap();
    assert_eq!(response.status_code(), 201);
    assert_eq!(response.text(), "[[\"a\",1]]\n");
    assert_eq!(response.data().len(), 10);
    assert_eq!(response.header("x-a").as_deref(), Some("1"));
    let pairs: Vec<(String, i64)> = response.json().unwrap();
    assert_eq!(pairs, [("a".to_owned(), 1)]);
    assert!(response.json::<bool>().is_err());
    let value: Value = response.json().unwrap();
    assert!(value.as_list().is_some());
}

#[test]
fn it_follows_redirects_where_it_is_told_to_and_remembers_the_way() {
    let mut app = app();
    app.route("/a", || redirect("/b"));
    app.route("/b", || redirect("c"));
    app.route("/c", || {
        format!("{} {}", request().method(), request().url())
    });
    let mut client = app.test_client();

    let response = client.get("/a").send().unwrap();
    assert_eq!(response.status_code(), 302);

    let response = client.get("/a").follow_redirects().send().unwrap();
    assert_eq!(response.text(), "GET http://localhost/c");
    let locations: Vec<Option<String>> = response
        .history()
        .iter()
        .map(|each| each.header("Location"))
        .collect();
    assert_eq!(locations, [Some("/b".to_owned()), Some("c".to_owned())]);
}

#[test]
fn a_302_is_followed_by_a_get_and_a_307_by_the_same_request() {
    let mut app = app();
    app.post("/302", || redirect("/end"));
    app.post("/307", || redirect_with_code("/end", 307));
    app.route(Route::new("/end").methods(["GET", "POST"]), || {
        let request = request();
        let x = request.form()?.get("x").unwrap_or("none");
        Ok::<_, Error>(format!("{} {x}", request.method()))
    });
    let mut client = app.test_client();
    let mut end = |path: &str| {
        let request = client.post(path).form([("x", "1")]).follow_redirects();
        request.send().unwrap().text()
    };
    assert_eq!(end("/302"), "GET none");
    assert_eq!(end("/307"), "POST 1");
}

#[test]
fn a_cookie_that_a_redirect_sets_is_sent_to_where_it_leads() {
    let mut app = app();
    app.route("/login", || {
        session().insert("username", "jack")?;
        redirect("/")
    });
    app.route("/", || session().get::<String>("username"));
    let mut client = app.test_client();
    let response = client.get("/login").follow_redirects().send().unwrap();
    assert_eq!(response.text(), "jack");
}

#[test]
fn it_follows_no_redirect_to_another_host_and_none_for_ever() {
    let mut app = app();
    app.route("/out", || redirect("http://other.example/"));
    app.route("/loop", || redirect("/loop"));
    let mut client = app.test_client();
    for path in ["/out", "/loop"] {
        let error = client.get(path).follow_redirects().send().unwrap_err();
        assert_eq!(error.type_name(), "RuntimeError", "{path}: {error}");
    }
}

#[test]
fn session_transaction_changes_what_the_next_request_finds() {
    let mut app = app();
    app.route("/", || session().get::<String>("username"));
    let mut client = app.test_client();
    client
        .session_transaction(|session| session.insert("username", "jack"))
        .unwrap();
    assert_eq!(client.get("/").send().unwrap().text(), "jack");
    client
        .session_transaction(|session| session.insert("username", "jill"))
        .unwrap();
    let seen = client.session_transaction(|session| Ok(session.get::<String>("username")));
    assert_eq!(seen.unwrap().as_deref(), Some("jill"));
}

#[test]
fn a_session_transaction_that_fails_changes_nothing_and_leaves_no_context() {
    let app = app();
    let mut client = app.test_client();
    let failed = client.session_transaction(|session| {
        session.insert("username", "jack")?;
        Err::<(), Error>(DbError("down").into())
    });
    assert_eq!(failed.unwrap_err().type_name(), "DbError");
    assert_eq!(client.get_cookie("session"), None);
    assert!(!has_app_context() && !has_request_context());
}

#[test]
fn a_session_transaction_without_a_secret_key_says_so() {
    let mut client = carafe::App::new("shop").test_client();
    let error = client.session_transaction(|_| Ok(())).unwrap_err();
    assert_eq!(error.to_string(), "Session backend did not open a session.");
}

#[test]
fn with_contexts_keeps_the_contexts_until_the_next_request_or_the_end() {
    let log = Log::default();
    let seen = log.clone();
    let mut app = app();
    app.teardown_request(move |_: Option<&Error>| seen.add(request().path()));
    app.route("/a", || {
        g().set("user", "jack");
        session().insert("seen", 1)?;
        Ok::<_, Error>("a")
    });
    app.route("/b", hello);
    app.route("/fail", fail);
    let mut client = app.test_client();
    client
        .with_contexts(|client| {
            client.get("/a").send().unwrap();
            assert_eq!(request().path(), "/a");
            assert_eq!(g().get::<&str>("user"), Some("jack"));
            assert_eq!(session().get::<i64>("seen"), Some(1));
            client.get("/b").send().unwrap();
            assert_eq!(request().path(), "/b");
            assert!(!g().contains("user"));
            assert_eq!(client.get("/fail").send().unwrap().status_code(), 500);
            assert_eq!(request().path(), "/fail");
        })
        .unwrap();
    assert!(!has_app_context() && !has_request_context());
    // Each is torn down at its own end and again when it is let go.
    assert_eq!(log.take(), ["/a", "/a", "/b", "/b", "/fail", "/fail"]);
}

#[test]
fn without_it_the_contexts_are_gone_when_the_response_is_there() {
    let mut app = app();
    app.route("/", hello);
    app.test_client().get("/").send().unwrap();
    assert!(!has_app_context() && !has_request_context());
}
