//! `TestClient`: a browser for tests.
//!
//! The code: `src/testing/`. Next: `request.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashMap;

use carafe::context::REQUEST_CTX_STACK;
use carafe::testing::TestClient;
use carafe::wsgi::{Environ, StartResponse, WsgiApp};
use carafe::{
    App, Error, Json, Response, Route, Scaffold, SetCookie, g, has_app_context,
    has_request_context, redirect_with_code, request, session, url_for,
};
use common::{DbError, Log, app, fail, hello, record};

const NOW: u64 = 1_700_000_000;

/// The cookies that came, as `name=value` in order.
fn show_cookies() -> String {
    let request = request();
    let pairs: Vec<String> = request
        .cookies()
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join(" ")
}

/// A response that sets these cookies.
fn setting<const N: usize>(cookies: [SetCookie<'_>; N]) -> Result<Response, Error> {
    let mut response = Response::new("ok");
    for cookie in cookies {
        response.set_cookie_at(cookie, NOW)?;
    }
    Ok(response)
}

/// An app that sets and shows cookies.
fn cookie_app() -> App {
    let mut app = app();
    for path in ["/", "/shop", "/shop/x", "/shopping"] {
        app.add_url_rule(path, "show", show_cookies);
    }
    app.route("/set", || {
        setting([
            SetCookie::new("root", "1"),
            SetCookie::new("below", "2").path("/shop"),
            SetCookie::new("dom", "3").domain("localhost"),
            SetCookie::new("other", "4").domain("elsewhere.example"),
        ])
    });
    app.route("/shop/set", || {
        let mut response = Response::new("ok");
        response.add_header("Set-Cookie", "nopath=1")?;
        Ok::<_, Error>(response)
    });
    app.route("/delete", || {
        setting([
            SetCookie::deletion("root"),
            // One at another path: not the one that is there.
            SetCookie::deletion("below"),
            SetCookie::deletion("dom").domain("localhost"),
        ])
    });
    app
}

#[track_caller]
fn text(client: &mut TestClient, path: &str) -> String {
    client.get(path).send().unwrap().text()
}

fn client_with_cookies() -> TestClient {
    let mut client = cookie_app().test_client();
    text(&mut client, "/set");
    text(&mut client, "/shop/set");
    client
}

#[test]
fn a_cookie_goes_to_its_path_and_what_is_below_it() {
    let mut client = client_with_cookies();
    assert_eq!(
        ["/", "/shop", "/shop/x", "/shopping"].map(|path| text(&mut client, path)),
        [
            "root=1 dom=3",
            "root=1 below=2 dom=3 nopath=1",
            "root=1 below=2 dom=3 nopath=1",
            "root=1 dom=3",
        ]
    );
}

#[test]
fn a_cookie_goes_to_its_host_and_with_a_domain_to_the_hosts_below_it() {
    let mut client = client_with_cookies();
    let mut from = |base_url: &str| client.get("/").base_url(base_url).send().unwrap().text();
    assert_eq!(
        [
            from("http://localhost/"),
            from("https://localhost:8443/"),
            from("http://www.localhost/"),
            from("http://notlocalhost/"),
            from("http://elsewhere.example/"),
            from("http://www.elsewhere.example/"),
        ],
        [
            "root=1 dom=3",
            "root=1 dom=3",
            "dom=3",
            "",
            "other=4",
            "other=4"
        ]
    );
}

#[test]
fn a_cookie_is_of_the_host_that_set_it() {
    let mut client = cookie_app().test_client();
    let base_url = "http://shop.example/";
    client.get("/set").base_url(base_url).send().unwrap();
    assert_eq!(text(&mut client, "/"), "dom=3");
    let response = client.get("/").base_url(base_url).send().unwrap();
    assert_eq!(response.text(), "root=1");
}

#[test]
fn the_path_of_a_cookie_is_one_of_the_whole_site_and_not_of_the_app() {
    let mut app = app();
    app.config().set("APPLICATION_ROOT", "/app").unwrap();
    app.route("/login", || {
        session().insert("username", "jack").map(|()| "welcome")
    });
    app.route("/", || {
        session().get::<String>("username").unwrap_or_default()
    });
    let mut client = app.test_client();
    let response = client.get("/login").send().unwrap();
    assert!(
        response
            .header("Set-Cookie")
            .unwrap()
            .ends_with("; Path=/app")
    );
    assert_eq!(text(&mut client, "/"), "jack");
    let elsewhere = client.get("/").base_url("http://localhost/").send();
    assert_eq!(elsewhere.unwrap().text(), "");
}

#[test]
fn a_deletion_deletes_the_cookie_of_its_path_and_host_only() {
    let mut client = client_with_cookies();
    text(&mut client, "/delete");
    assert_eq!(text(&mut client, "/"), "");
    assert_eq!(text(&mut client, "/shop"), "below=2 nopath=1");
}

#[test]
fn a_test_may_look_at_cookies_and_set_and_delete_them() {
    let mut client = client_with_cookies();
    assert_eq!(client.get_cookie("root"), Some("1"));
    assert_eq!(client.get_cookie("below"), None, "not at the root");
    let all = client.cookies().unwrap();
    let names: Vec<&str> = all.iter().map(|cookie| cookie.key.as_str()).collect();
    assert_eq!(names, ["root", "below", "dom", "other", "nopath"]);
    let below = all.get("below", "localhost", "/shop/x").unwrap();
    assert_eq!((below.value.as_str(), below.path.as_str()), ("2", "/shop"));

    client.delete_cookie("below");
    client.delete_cookie("dom");
    client.set_cookie("root", "new");
    // What has no place in a cookie is quoted, and comes back as it was.
    client.set_cookie("mine", "a b;c");
    assert_eq!(text(&mut client, "/"), "root=new mine=a b;c");
    assert_eq!(client.get_cookie("mine"), Some(r#""a b\073c""#));
}

#[test]
fn deleting_one_cookie_leaves_the_others() {
    let app = cookie_app();
    let mut client = app.test_client();
    client.set_cookie("kept", "1");
    client.set_cookie("gone", "2");
    client.delete_cookie("gone");
    assert_eq!(
        (client.get_cookie("kept"), client.get_cookie("gone")),
        (Some("1"), None)
    );
}

#[test]
fn a_cookie_that_a_test_sets_goes_to_its_host_only() {
    let mut app = app();
    app.route("/", show_cookies);
    let mut client = app.test_client();
    client.set_cookie("kept", "1");
    let mut at = |base_url: &str| client.get("/").base_url(base_url).send().unwrap().text();
    assert_eq!(at("http://shop.localhost"), at("http://elsewhere.example"));
    assert_ne!(at("http://localhost"), at("http://shop.localhost"));
}

#[test]
fn without_cookies_none_is_kept_and_none_is_sent() {
    let mut client = cookie_app().test_client().without_cookies();
    text(&mut client, "/set");
    client.set_cookie("mine", "1");
    assert_eq!(text(&mut client, "/"), "");
    assert!(client.cookies().is_none());
    assert_eq!(client.get_cookie("root"), None);
    // One that is given as a header is not the jar's.
    let response = client.get("/").header("Cookie", "own=1").send().unwrap();
    assert_eq!(response.text(), "own=1");
    let error = client.session_transaction(|_session| Ok(())).unwrap_err();
    assert_eq!(
        format!("{error:?}"),
        "TypeError: Cookies are disabled. Create a client with 'use_cookies=True'."
    );
}

/// The method, the argument `x`, the type and the text of the body.
fn echo() -> Result<String, Error> {
    let request = request();
    let body = request.get_data()?;
    let parts = [
        request.method(),
        request.args().get("x").unwrap_or("-"),
        request.mimetype(),
        &String::from_utf8_lossy(&body),
    ];
    Ok(parts.join("|"))
}

const ALL: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

fn echo_app() -> App {
    let mut app = app();
    app.route(Route::new("/target").methods(ALL), echo);
    app.route(Route::new("/to/<int:code>").methods(ALL), |code: u16| {
        redirect_with_code("/target?x=1", code)
    });
    app
}

#[test]
fn a_name_beyond_ascii_goes_back_as_the_bytes_that_came() {
    let mut app = app();
    app.route("/set", || setting([SetCookie::new("größe", "1")]));
    app.route("/", || {
        let header = request().headers().get("Cookie").cloned();
        header.map_or_else(Vec::new, |header| header.as_bytes().to_vec())
    });
    let mut client = app.test_client();
    client.get("/set").send().unwrap();
    assert_eq!(client.get("/").send().unwrap().text(), "größe=1");
}

#[test]
fn every_method_has_a_builder_and_a_query_and_a_body_are_sent_as_they_are_meant() {
    let mut client = echo_app().test_client();
    let sent = [
        client.get("/target?x=2").send(),
        client.get("/target").query([("x", "a&b ü")]).send(),
        client
            .post("/target")
            .form([("a", "1 ü"), ("b", "")])
            .send(),
        client.put("/target").json([1, 2]).send(),
        client.patch("/target").body("raw", "text/plain").send(),
        client.delete("/target").send(),
        client.open("put", "/target").body("own", "x/y").send(),
        client.head("/target").send(),
    ];
    assert_eq!(
        sent.map(|response| response.unwrap().text()),
        [
            "GET|2||",
            "GET|a&b ü||",
            "POST|-|application/x-www-form-urlencoded|a=1+%C3%BC&b=",
            "PUT|-|application/json|[1,2]",
            "PATCH|-|text/plain|raw",
            "DELETE|-||",
            "PUT|-|x/y|own",
            "",
        ]
    );
    let options = client.options("/target").send().unwrap();
    assert_eq!(options.status_code(), 200);
    assert!(options.header("Allow").unwrap().contains("PATCH"));
}

#[test]
fn a_response_gives_its_status_headers_text_and_json() {
    let mut app = app();
    app.route("/", || (Json(["ü", "b"]), 201, [("X-Shop", "open")]));
    let response = app.test_client().get("/").send().unwrap();
    assert_eq!(response.status_code(), 201);
    assert_eq!(response.header("x-shop").as_deref(), Some("open"));
    assert_eq!(
        response.header("Content-Type").as_deref(),
        Some("application/json")
    );
    assert_eq!(
        response.headers()["content-length"],
        response.data().len().to_string()
    );
    assert_eq!(response.text(), "[\"\\u00fc\",\"b\"]\n");
    assert_eq!(response.json::<Vec<String>>().unwrap(), ["ü", "b"]);
    assert!(response.json::<u8>().is_err());
    assert!(response.history().is_empty());
}

#[test]
fn redirects_are_followed_with_a_get_but_307_and_308_send_everything_again() {
    let mut client = echo_app().test_client();
    let mut followed = |code: u16, method: &str| {
        let path = format!("/to/{code}");
        let request = client.open(method, &path).form([("a", "1")]);
        let response = request.follow_redirects().send().unwrap();
        let history: Vec<u16> = response
            .history()
            .iter()
            .map(carafe::testing::TestResponse::status_code)
            .collect();
        format!("{method} {} {history:?}", response.text())
    };
    assert_eq!(
        [
            followed(301, "POST"),
            followed(302, "POST"),
            followed(303, "PUT"),
            followed(305, "POST"),
            followed(307, "POST"),
            followed(308, "PUT"),
        ],
        [
            "POST GET|1|| [301]",
            "POST GET|1|| [302]",
            "PUT GET|1|| [303]",
            "POST GET|1|| [305]",
            "POST POST|1|application/x-www-form-urlencoded|a=1 [307]",
            "PUT PUT|1|application/x-www-form-urlencoded|a=1 [308]",
        ]
    );
}

#[test]
fn a_response_knows_the_request_that_it_answers() {
    let app = echo_app();
    let mut client = app.test_client();
    client.set_cookie("a", "1");
    let request = client.post("/to/302").form([("b", "2")]).follow_redirects();
    let response = request.send().unwrap();

    let request = response.request();
    assert_eq!(
        (request.method(), request.full_path().as_str()),
        ("GET", "/target?x=1")
    );
    assert_eq!(request.cookie("a").as_deref(), Some("1"));
    let first = response.history()[0].request();
    assert_eq!((first.method(), first.path()), ("POST", "/to/302"));
    assert_eq!(first.form().unwrap().get("b"), Some("2"));
}

#[test]
fn a_request_may_come_from_any_address_and_so_does_the_one_that_follows_a_redirect() {
    let mut app = app();
    app.route("/", || request().remote_addr().unwrap().to_string());
    app.route("/away", || redirect_with_code("/", 302));
    let mut client = app.test_client();
    assert_eq!(text(&mut client, "/"), "127.0.0.1");
    let request = client.get("/").remote_addr([192, 168, 0, 22]);
    assert_eq!(request.send().unwrap().text(), "192.168.0.22");
    let request = client.get("/away").remote_addr([192, 168, 0, 22]);
    let response = request.follow_redirects().send().unwrap();
    assert_eq!(response.text(), "192.168.0.22");
}

#[test]
fn requests_go_through_what_is_around_the_app() {
    let mut app = app();
    app.route("/shop/pear", || {
        g().set("path", request().path().to_owned());
        "a pear"
    });
    let inner = app.clone();
    let below = move |mut environ: Environ, start_response: &mut dyn StartResponse| {
        environ.path_info.insert_str(0, "/shop");
        inner.call(environ, start_response)
    };
    let mut client = app.test_client().with_wsgi_app(below);
    let path = client.with_contexts(|client| {
        client.get("/pear").send().unwrap();
        g().get::<String>("path")
    });
    assert_eq!(path.unwrap().as_deref(), Some("/shop/pear"));
    assert!(!has_request_context());
}

#[test]
fn a_redirect_is_an_answer_unless_it_is_to_be_followed() {
    let mut client = echo_app().test_client();
    let response = client.get("/to/302").send().unwrap();
    assert_eq!(response.status_code(), 302);
    assert_eq!(response.header("Location").as_deref(), Some("/target?x=1"));
}

#[test]
fn a_location_alone_is_no_redirect() {
    let mut app = app();
    app.post("/pears", || {
        let mut response = Response::new("made");
        response.set_status(201)?;
        response.set_header("Location", "/pears/7")?;
        Ok::<_, Error>(response)
    });
    let mut client = app.test_client();
    let response = client.post("/pears").follow_redirects().send().unwrap();
    assert_eq!((response.status_code(), response.history().len()), (201, 0));
}

#[test]
fn cookies_that_are_set_on_the_way_go_with_the_next_request() {
    let mut app = app();
    app.post("/login", || {
        session().insert("username", "jack")?;
        redirect_with_code(url_for("index").build()?, 303)
    });
    app.route("/", || session().get::<String>("username"));
    let mut client = app.test_client();
    let response = client.post("/login").follow_redirects().send().unwrap();
    assert_eq!(response.text(), "jack");
}

#[test]
fn a_redirect_keeps_to_the_host_and_the_root_of_its_request() {
    let mut app = echo_app();
    app.route("/back", || {
        redirect_with_code(url_for("echo").build()?, 302)
    });
    app.route("/whole", || {
        redirect_with_code(url_for("echo").external(true).anchor("top").build()?, 302)
    });
    app.route("/secure", || {
        redirect_with_code("https://localhost:8443/target", 302)
    });
    // Below the host, and not below the app: the app is the host's root then.
    app.route("/out", || redirect_with_code("/application/target", 302));
    app.route("/application/target", || request().url().to_owned());
    let mut client = app.test_client();
    let mut follow = |path: &str, base_url: &str| {
        let request = client.get(path).base_url(base_url).follow_redirects();
        request.send().unwrap().text()
    };
    assert_eq!(
        [
            follow("/back", "https://shop.example/app"),
            follow("/whole", "https://shop.example/app"),
            follow("/secure", "http://localhost/"),
            follow("/out", "http://localhost/app"),
        ],
        [
            "GET|-||",
            "GET|-||",
            "GET|-||",
            "http://localhost/application/target",
        ]
    );
}

#[test]
fn a_redirect_to_another_host_or_in_a_circle_is_an_error() {
    let mut app = app();
    app.route("/far", || {
        redirect_with_code("http://elsewhere.example/", 302)
    });
    // The same letters to begin with, and another host.
    app.route("/near", || {
        redirect_with_code("http://localhost.example/far", 302)
    });
    app.route("/bare", || redirect_with_code("//elsewhere.example", 302));
    app.route("/loop", || redirect_with_code("/loop", 302));
    let mut client = app.test_client();
    let mut follow = |path: &str| {
        let error = client.get(path).follow_redirects().send().unwrap_err();
        format!("{error:?}")
    };
    assert_eq!(
        ["/far", "/near", "/bare", "/loop"].map(&mut follow),
        [
            "RuntimeError: following external redirects to http://elsewhere.example/",
            "RuntimeError: following external redirects to http://localhost.example/far",
            "RuntimeError: following external redirects to http://elsewhere.example",
            "RuntimeError: Loop detected: A 302 redirect to /loop was already made.",
        ]
    );
}

#[test]
fn of_an_ipv6_host_the_address_counts_and_the_port_does_not() {
    let mut app = app();
    app.route("/target", || request().url().to_owned());
    app.route("/port", || {
        redirect_with_code("http://[::1]:8080/target", 302)
    });
    app.route("/none", || redirect_with_code("http://[::1]/target", 302));
    app.route("/other", || {
        redirect_with_code("http://[::2]:5000/target", 302)
    });
    let mut client = app.test_client();
    let mut follow = |path: &str| {
        let request = client.get(path).base_url("http://[::1]:5000/");
        request.follow_redirects().send()
    };
    assert_eq!(follow("/port").unwrap().text(), "http://[::1]:8080/target");
    assert_eq!(follow("/none").unwrap().text(), "http://[::1]/target");
    assert_eq!(
        follow("/other").unwrap_err().to_string(),
        "following external redirects to http://[::2]:5000/target"
    );
}

/// An app that answers at each of these paths with a redirect, and else with what it was asked.
fn chain_of<const N: usize>(redirects: [(&'static str, u16, &'static str); N]) -> App {
    let mut app = app();
    app.before_request(move || -> Result<Option<Response>, Error> {
        let request = request();
        let found = redirects.iter().find(|(path, ..)| *path == request.path());
        let Some((_, code, location)) = found else {
            let names = [
                "X-Shop",
                "Content-Type",
                "Content-Length",
                "Transfer-Encoding",
            ];
            let mut text = format!("{} {}", request.method(), request.url());
            for name in names {
                if let Some(value) = request.header(name) {
                    text = format!("{text} {name}={value}");
                }
            }
            return Ok(Some(Response::new(text)));
        };
        redirect_with_code(location, *code).map(Some)
    });
    app
}

#[test]
fn headers_go_along_with_a_redirect_but_for_those_of_a_body_that_does_not() {
    let mut client = chain_of([("/see", 303, "/x"), ("/again", 308, "/x")]).test_client();
    let mut follow = |path: &str| {
        let request = client.put(path).header("X-Shop", "open");
        let request = request
            .header("Transfer-Encoding", "identity")
            .body("raw", "text/plain");
        request.follow_redirects().send().unwrap().text()
    };
    assert_eq!(
        [follow("/see"), follow("/again")],
        [
            "GET http://localhost/x X-Shop=open",
            "PUT http://localhost/x X-Shop=open Content-Type=text/plain Content-Length=3 \
             Transfer-Encoding=identity",
        ]
    );
}

#[test]
fn a_redirect_has_a_query_and_a_host_of_its_own() {
    let chain = [
        ("/again", 307, "/x?b=2"),
        ("/bare", 307, "/x"),
        ("/port", 302, "http://localhost:8080/x"),
    ];
    let mut client = chain_of(chain).test_client();
    let mut follow = |path: &str| {
        let request = client.get(path).query([("a", "1")]);
        let request = request.header("Host", "localhost:5000");
        request.follow_redirects().send().unwrap().text()
    };
    assert_eq!(
        ["/again", "/bare", "/port"].map(&mut follow),
        [
            "GET http://localhost:5000/x?b=2",
            "GET http://localhost:5000/x",
            "GET http://localhost:8080/x",
        ]
    );
}

#[test]
fn a_relative_redirect_leads_to_where_a_browser_goes() {
    let chain = [
        ("/a/next", 302, "done"),
        ("/a/here", 302, "./done?q#top"),
        ("/a/up", 302, "../done"),
        ("/a/query", 302, "?q=1"),
        ("/slashes", 302, "http://localhost/é//x"),
    ];
    let mut client = chain_of(chain).test_client();
    let mut follow = |path: &str| {
        let request = client.get(path).base_url("http://localhost/é");
        let history = request.follow_redirects().send();
        history.map_or_else(|error| error.to_string(), |response| response.text())
    };
    assert_eq!(
        ["/a/next", "/a/here", "/a/up", "/a/query", "/slashes"].map(&mut follow),
        [
            "GET http://localhost/é/a/done",
            "GET http://localhost/é/a/done?q",
            "GET http://localhost/é/done",
            "Loop detected: A 302 redirect to ?q=1 was already made.",
            "GET http://localhost/é/x",
        ]
    );
}

#[test]
fn each_response_of_a_history_knows_those_before_it() {
    let chain = [("/one", 302, "/two"), ("/two", 302, "/three")];
    let mut client = chain_of(chain).test_client();
    let response = client.get("/one").follow_redirects().send().unwrap();
    let lengths: Vec<usize> = response
        .history()
        .iter()
        .map(|response| response.history().len())
        .collect();
    assert_eq!(lengths, [0, 1]);
    let first = &response.history()[1].history()[0];
    assert_eq!(first.header("Location").as_deref(), Some("/two"));
}

#[test]
fn two_redirects_to_one_place_are_no_circle_where_their_codes_differ() {
    let mut app = app();
    app.route("/", || match request().cookie("seen").as_deref() {
        Some("2") => Ok(Response::new("there")),
        seen => {
            let (code, next) = if seen.is_none() {
                (302, "1")
            } else {
                (303, "2")
            };
            let mut response = redirect_with_code("/", code)?;
            response.set_cookie(SetCookie::new("seen", next))?;
            Ok::<_, Error>(response)
        }
    });
    let response = app.test_client().get("/").follow_redirects().send();
    assert_eq!(response.unwrap().text(), "there");
}

#[test]
fn an_endless_chain_of_redirects_ends() {
    let mut app = app();
    app.route("/<int:n>", |n: i64| {
        redirect_with_code(format!("/{}", n + 1), 302)
    });
    let error = app.test_client().get("/0").follow_redirects().send();
    assert_eq!(
        error.unwrap_err().to_string(),
        "too many redirects, the last to /21"
    );
}

/// What is in the jar after a response to a request for `url` with these `Set-Cookie`s.
fn jar_after<const N: usize>(url: &str, cookies: [&'static str; N]) -> Vec<String> {
    let mut app = app();
    app.before_request(move || {
        let mut response = Response::new("");
        for cookie in cookies {
            drop(response.add_header("Set-Cookie", cookie));
        }
        Some(response)
    });
    let mut client = app.test_client();
    client.get(url).send().unwrap();
    let jar = client.cookies().unwrap();
    jar.iter()
        .map(|cookie| format!("{} {}{}", cookie.key, cookie.domain, cookie.path))
        .collect()
}

#[test]
fn of_two_attributes_of_one_name_the_last_counts_and_an_empty_one_is_none() {
    let jar = jar_after(
        "http://Shop.Example/a/b",
        [
            "aged=1; Max-Age=0; Max-Age=9",
            "dated=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Expires=Thu, 01 Jan 2099 00:00:00 GMT",
            "gone=1; Max-Age=9; Max-Age",
            "zero=1; Max-Age=00",
            "folder=1; Path=/x; Path=",
            "host=1; Domain=x.example; Domain=",
        ],
    );
    assert_eq!(
        jar,
        [
            "aged shop.example/a",
            "dated shop.example/a",
            "folder shop.example/a",
            "host shop.example/a",
        ]
    );
}

#[test]
fn an_age_of_nothing_and_the_first_of_1970_delete_a_cookie() {
    let dated = "dated=; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
    let cookies = ["aged=1", "dated=1", "kept=1", "aged=; Max-Age=0", dated];
    assert_eq!(
        jar_after("http://shop.example/", cookies),
        ["kept shop.example/"]
    );
}

#[test]
fn a_server_name_of_nothing_is_none() {
    let mut app = app();
    app.route("/", || request().host().to_owned());
    app.config().set("SERVER_NAME", "").unwrap();
    assert_eq!(text(&mut app.test_client(), "/"), "localhost");
}

#[test]
fn a_cookies_host_and_path_are_those_of_the_url() {
    assert_eq!(
        jar_after("http://[::1]:8080/a b/c", ["a=1"]),
        ["a ::1/a%20b"]
    );
    let mut app = app();
    app.route("/a b/", || {
        setting([SetCookie::new("below", "1").path("/a b")])
    });
    app.route("/a b/c", show_cookies);
    let mut client = app.test_client();
    client.get("/a b/").send().unwrap();
    assert_eq!(text(&mut client, "/a b/c"), "below=1");
}

#[test]
fn a_session_transaction_changes_what_the_next_request_finds() {
    let mut app = app();
    app.route("/", || session().get::<String>("username"));
    let mut client = app.test_client();
    let before = client
        .session_transaction(|session| {
            let before = session.to_dict();
            session.insert("username", "jack")?;
            Ok(before)
        })
        .unwrap();
    assert!(before.is_empty());
    assert_eq!(text(&mut client, "/"), "jack");
    client.session_transaction(carafe::Session::clear).unwrap();
    assert_eq!(client.get_cookie("session"), None);
}

#[test]
fn a_session_transaction_opens_and_saves_as_a_request_does() {
    let mut client = app().test_client();
    let (result, trace) = record(|| client.session_transaction(|s| s.insert("username", "jack")));
    result.unwrap();
    let of_session = ["open_session", "save_session"];
    let names = trace.names();
    let stages: Vec<_> = names
        .iter()
        .filter(|name| of_session.contains(&name.as_str()))
        .collect();
    // The first one is the push's.
    assert_eq!(stages, ["open_session", "open_session", "save_session"]);
    let saved = trace.find("save_session").unwrap();
    assert_eq!(
        Some(saved.cookies[0].value.as_str()),
        client.get_cookie("session")
    );
}

#[test]
fn a_session_transaction_is_of_the_host_that_the_requests_go_to() {
    for server_name in ["[::1]:5000", "Shop.Example:5000"] {
        let mut app = app();
        app.config().set("SERVER_NAME", server_name).unwrap();
        app.route("/", || session().get::<String>("username"));
        let mut client = app.test_client();
        let change = |session: &carafe::Session| session.insert("username", "jack");
        client.session_transaction(change).unwrap();
        assert_eq!(text(&mut client, "/"), "jack", "{server_name}");
        assert!(client.get_cookie("session").is_some(), "{server_name}");
    }
}

#[test]
fn a_session_transaction_that_fails_saves_nothing() {
    let app = app();
    let mut client = app.test_client();
    let error = client
        .session_transaction(|session| -> Result<(), Error> {
            session.insert("username", "jack")?;
            Err(DbError("no such user").into())
        })
        .unwrap_err();
    assert_eq!(error.to_string(), "no such user");
    assert_eq!(client.get_cookie("session"), None);
    assert!(!has_request_context() && !has_app_context());
}

#[test]
fn where_no_session_opens_there_is_no_session_transaction() {
    let error = App::new("shop")
        .test_client()
        .session_transaction(|session| session.insert("a", 1))
        .unwrap_err();
    assert_eq!(error.to_string(), "Session backend did not open a session.");
}

#[test]
fn with_contexts_the_last_request_can_be_looked_at() {
    let log = Log::default();
    let mut app = app();
    app.route("/<name>", |name: String| {
        g().set("name", name.clone());
        session().insert("name", name).map(|()| "ok")
    });
    let seen = log.clone();
    app.teardown_request(move |_error: Option<&Error>| {
        seen.add(format!("teardown {}", request().path()));
    });
    let mut client = app.test_client();
    let looked = log.clone();
    let look = move || {
        let (in_g, in_session) = (g().get("name"), session().get("name"));
        let both: [Option<String>; 2] = [in_g, in_session];
        looked.add(format!("{} {both:?}", request().path()));
    };
    client
        .with_contexts(|client| {
            assert!(!has_request_context());
            text(client, "/jack");
            look();
            text(client, "/jill");
            look();
        })
        .unwrap();
    assert!(!has_request_context() && !has_app_context());

    // As in Flask, they are torn down twice: with the request, and when they go.
    let lines = log.take();
    println!("{}", lines.join("\n"));
    assert_eq!(
        lines,
        [
            "teardown /jack",
            r#"/jack [Some("jack"), Some("jack")]"#,
            "teardown /jack",
            "teardown /jill",
            r#"/jill [Some("jill"), Some("jill")]"#,
            "teardown /jill",
        ]
    );
}

#[test]
fn after_it_no_context_is_kept_any_more() {
    let mut app = app();
    app.route("/", hello);
    let mut client = app.test_client();
    client
        .with_contexts(|client| client.get("/").send().map(drop))
        .unwrap()
        .unwrap();
    client.get("/").send().unwrap();
    assert!(REQUEST_CTX_STACK.top().is_none());
}

#[test]
fn the_contexts_of_a_request_whose_error_came_to_the_test_are_gone() {
    let log = Log::default();
    let mut app = app();
    app.config().set("TESTING", true).unwrap();
    app.route("/", hello);
    app.route("/fail", fail);
    let seen = log.clone();
    app.teardown_request(move |error: Option<&Error>| {
        seen.add(format!("{} {}", request().path(), error.is_some()));
    });
    let mut client = app.test_client();
    let failed = client.with_contexts(|client| client.get("/fail").send().map(drop));
    assert!(failed.unwrap().is_err());
    assert_eq!(log.take(), ["/fail true"]);

    let depth = client.with_contexts(|client| {
        client.get("/").send().unwrap();
        REQUEST_CTX_STACK.len()
    });
    assert_eq!(depth.unwrap(), 1);
    assert_eq!(log.take(), ["/ false", "/ false"]);
}

#[test]
fn contexts_that_are_looked_at_go_even_where_the_test_fails() {
    let mut app = app();
    app.route("/", hello);
    let result: Result<(), Error> = carafe::error::catch(move || {
        let mut client = app.test_client();
        client.with_contexts(|client| {
            text(client, "/");
            assert!(has_request_context());
            panic!("an assertion of the test")
        })
    });
    assert!(result.is_err());
    assert!(!has_request_context() && !has_app_context());
}

#[test]
fn with_testing_set_an_error_comes_to_the_test_itself() {
    let mut app = app();
    app.route("/fail", fail);
    app.config().set("TESTING", true).unwrap();
    let error = app.test_client().get("/fail").send().unwrap_err();
    assert_eq!(
        error.downcast_ref::<DbError>().unwrap().0,
        "the database is down"
    );
}

#[test]
fn what_cannot_be_sent_is_an_error_and_no_panic() {
    let mut client = echo_app().test_client();
    assert!(client.open("no method", "/").send().is_err());
    assert!(client.get("/").header("no name", "1").send().is_err());
    assert!(client.get("/").header("X", "two\nlines").send().is_err());
    let keys_of_no_text = HashMap::from([([1], 2)]);
    assert!(client.put("/target").json(keys_of_no_text).send().is_err());
    let error = client.get("/target?x=2").query([("x", "3")]).send();
    assert_eq!(
        error.unwrap_err().to_string(),
        "Query string is defined in the path and as an argument"
    );
    assert!(
        client
            .get("/")
            .base_url("http://localhost/?q")
            .send()
            .is_err()
    );
}
