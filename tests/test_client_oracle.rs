//! The test client beside Flask's, on random redirects and cookies.
//!
//! The code: `src/testing/`. Needs a Python with Flask 3.1.3: `CARAFE_FLASK_PYTHON`, or
//! `target/venvs/flask-3.1.3`. What `docs/differences.md` has of the client is left out: relative
//! redirects, and what becomes of a body.
#![allow(clippy::unwrap_used)]

mod python;

use std::sync::{Arc, Mutex};

use carafe::testing::{TestClient, TestResponse};
use carafe::{App, Error, Response, Scaffold, request};
use fastrand::Rng;
use python::Python;
use serde_json::{Value, json};

const PATHS: &[&str] = &[
    "/", "/a", "/a/", "/a/b", "/a/b/c", "/a%2Fb", "/a b", "/app", "/app/x", "/apple", "",
];
const QUERIES: &[&str] = &["", "", "?q=1&r=%20", "#top", "?"];
const HOSTS: &[&str] = &[
    "localhost",
    "localhost:5000",
    "shop.example",
    "www.shop.example",
    "Shop.Example",
    "my_shop",
    "[::1]:80",
];
const ATTRIBUTES: &[&str] = &[
    "; Path=/",
    "; Path=/a",
    ";path=/app",
    "; Path=",
    "; Domain=shop.example",
    "; Domain=",
    "; Max-Age=0",
    "; Max-Age=10",
    "; Max-Age",
    "; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "; Expires=Thu, 01 Jan 2099 00:00:00 GMT",
    "; Secure",
    ";",
];

fn pick(rng: &mut Rng, choices: &[&'static str]) -> &'static str {
    choices[rng.usize(..choices.len())]
}

/// One answer of the app: mostly a redirect, and often with cookies.
fn random_answer(rng: &mut Rng) -> Value {
    let mut headers = Vec::new();
    let mut status = [200, 404][rng.usize(..2)];
    if rng.u8(..3) > 0 {
        status = [301, 302, 303, 305, 307, 308, 300, 304][rng.usize(..8)];
        let path = pick(rng, PATHS);
        let location = match rng.u8(..3) {
            0 => format!(
                "{}://{}{path}",
                pick(rng, &["http", "https"]),
                pick(rng, HOSTS)
            ),
            1 => format!("http://localhost{path}"),
            _ => format!("/{}", path.trim_start_matches('/')),
        };
        headers.push(json!(["Location", location + pick(rng, QUERIES)]));
    }
    for _ in 0..rng.usize(..3) {
        let (key, value) = (
            pick(rng, &["k", "l", " m "]),
            pick(rng, &["1", "\"a b\"", "", "a=b"]),
        );
        let mut cookie = format!("{key}={value}");
        for _ in 0..rng.usize(..4) {
            cookie.push_str(pick(rng, ATTRIBUTES));
        }
        headers.push(json!(["Set-Cookie", cookie]));
    }
    json!({"status": status, "headers": headers})
}

fn random_visit(rng: &mut Rng) -> Value {
    let mut visit = json!({
        "path": format!("{}{}", pick(rng, PATHS), pick(rng, &["", "", "#top"])),
        "method": pick(rng, &["GET", "POST", "HEAD", "put"]),
        "follow": rng.u8(..4) > 0,
    });
    if rng.bool() {
        let root = pick(rng, &["", "/", "/app", "/app/", "/a/b"]);
        visit["base_url"] = json!(format!(
            "{}://{}{root}",
            pick(rng, &["http", "https"]),
            pick(rng, HOSTS)
        ));
    }
    if rng.u8(..6) == 0 {
        visit["query_string"] = json!("z=1");
    }
    if rng.u8(..3) == 0 {
        visit["headers"] = json!([["X-Shop", "open"]]);
        if rng.bool() {
            visit["headers"] = json!([["X-Shop", "open"], ["Host", pick(rng, HOSTS)]]);
        }
    }
    if rng.u8(..4) == 0 {
        visit["data"] = json!("a=1");
        visit["content_type"] = json!("application/x-www-form-urlencoded");
    }
    visit
}

/// An app that gives these answers one after the other, and notes what it was asked.
fn make_app(answers: &Value, requests: &Arc<Mutex<Vec<Value>>>) -> App {
    let mut app = App::new("oracle");
    let answers = Mutex::new(answers.as_array().unwrap().clone().into_iter());
    let requests = Arc::clone(requests);
    app.before_request(move || -> Result<Option<Response>, Error> {
        let request = request();
        let [shop, cookie, content_type] =
            ["X-Shop", "Cookie", "Content-Type"].map(|key| request.header(key));
        requests.lock().unwrap().push(json!([
            request.method(),
            request.url(),
            request.script_root(),
            shop,
            cookie,
            content_type
        ]));
        let answer = answers.lock().unwrap().next();
        let answer = answer.unwrap_or(json!({"status": 200, "headers": []}));
        let mut response = Response::new("");
        response.set_status(u16::try_from(answer["status"].as_u64().unwrap()).unwrap())?;
        for header in answer["headers"].as_array().unwrap() {
            response.add_header(header[0].as_str().unwrap(), header[1].as_str().unwrap())?;
        }
        Ok(Some(response))
    });
    app
}

fn visit(client: &mut TestClient, visit: &Value) -> Value {
    let text = |key: &str| visit[key].as_str();
    let mut request = client.open(text("method").unwrap(), text("path").unwrap());
    if let Some(base_url) = text("base_url") {
        request = request.base_url(base_url);
    }
    if text("query_string").is_some() {
        request = request.query([("z", "1")]);
    }
    for header in visit["headers"].as_array().into_iter().flatten() {
        request = request.header(header[0].as_str().unwrap(), header[1].as_str().unwrap());
    }
    if let Some(data) = text("data") {
        request = request.body(data.to_owned(), text("content_type").unwrap());
    }
    if visit["follow"] == true {
        request = request.follow_redirects();
    }
    let step = |response: &TestResponse| {
        let location = response.header("Location");
        json!([response.status_code(), location, response.history().len()])
    };
    match request.send() {
        Ok(response) => {
            let history: Vec<Value> = response.history().iter().map(step).collect();
            json!({"status": response.status_code(), "history": history})
        }
        Err(error) => json!({"error": error.type_name()}),
    }
}

fn jar(client: &TestClient) -> Value {
    let cookies = client.cookies().unwrap().iter();
    cookies
        .map(|cookie| {
            json!([
                cookie.key,
                cookie.value,
                cookie.domain,
                cookie.path,
                cookie.origin_only
            ])
        })
        .collect()
}

#[test]
fn redirects_and_cookies_go_as_with_flasks_client() {
    let Some(mut python) = Python::start("test_client/oracle.py", "the test client") else {
        return;
    };
    let mut rng = Rng::with_seed(1);
    for _ in 0..800 {
        let answers: Value = (0..rng.usize(..6))
            .map(|_| random_answer(&mut rng))
            .collect();
        let visits: Vec<Value> = (0..rng.usize(1..6))
            .map(|_| random_visit(&mut rng))
            .collect();
        let question = json!({"answers": answers, "visits": visits}).to_string();
        let expected: Value = serde_json::from_str(&python.ask(&question)).unwrap();
        let requests = Arc::default();
        let mut client = make_app(&answers, &requests).test_client();
        for (asked, expected) in visits.iter().zip(expected.as_array().unwrap()) {
            let given = visit(&mut client, asked);
            let requests = std::mem::take(&mut *requests.lock().unwrap());
            let actual = json!([given, jar(&client), requests]);
            assert_eq!(&actual, expected, "at {asked} of {question}");
        }
    }
}
