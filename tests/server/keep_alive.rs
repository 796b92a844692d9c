//! Several requests of one connection: one after another, all at once, or only one.
//!
//! The code: `src/server/connection.rs`. Next: `responses.rs`.

use std::sync::mpsc::channel;

use carafe::{Response, Scaffold};

use crate::support::{Gate, HELLO, app, serve, served, wait};

#[test]
fn a_connection_serves_many_requests() {
    let server = served();
    let mut client = server.connect();
    for _ in 0..200 {
        client.write(HELLO);
        let answer = client.answer();
        assert_eq!((answer.version.as_str(), answer.status), ("HTTP/1.1", 200));
        assert_eq!(answer.header("connection"), None);
    }
    server.still_answers();
}

#[test]
fn a_client_that_wants_it_closed_gets_it_closed() {
    let server = served();
    let answer = server.refuses(
        200,
        "GET /hello HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(answer.header("connection"), Some("close"));
    server.refuses(
        200,
        "GET /hello HTTP/1.1\r\nHost: shop\r\nConnection: keep-alive, Close\r\n\r\n",
    );
}

#[test]
fn an_app_that_wants_it_closed_gets_it_closed() {
    let mut app = app();
    app.get("/last", || {
        let mut response = Response::new("bye");
        response.set_header("Connection", "close").unwrap();
        response
    });
    let server = serve(app, |server| server);
    let answer = server.refuses(200, "GET /last HTTP/1.1\r\nHost: shop\r\n\r\n");
    assert_eq!(answer.header("connection"), Some("close"));
}

#[test]
fn http_1_0_is_closed_unless_it_is_asked_to_stay() {
    let server = served();
    let answer = server.refuses(200, "GET /hello HTTP/1.0\r\nHost: shop\r\n\r\n");
    assert_eq!(
        (answer.version.as_str(), answer.text().as_str()),
        ("HTTP/1.0", "Hello, World!")
    );
    let mut client = server.connect();
    for _ in 0..3 {
        client.write("GET /hello HTTP/1.0\r\nHost: shop\r\nConnection: Keep-Alive\r\n\r\n");
        let answer = client.answer();
        assert_eq!((answer.version.as_str(), answer.status), ("HTTP/1.0", 200));
        assert_eq!(answer.header("connection"), Some("keep-alive"));
    }
    client.write("GET /hello HTTP/1.0\r\nHost: shop\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    client.ends();
    drop(client);
    server.still_answers();
}

#[test]
fn a_stream_for_http_1_0_ends_with_its_connection() {
    let mut app = app();
    app.get("/stream", || Response::stream(["pear", "plum"]));
    let server = serve(app, |server| server);
    let stay = "GET /stream HTTP/1.0\r\nHost: shop\r\nConnection: keep-alive\r\n\r\n";
    let mut client = server.send(stay);
    let answer = client.answer();
    assert_eq!(
        (answer.header("transfer-encoding"), answer.text().as_str()),
        (None, "pearplum")
    );
    drop(client);
    server.still_answers();
}

#[test]
fn requests_sent_at_once_are_answered_in_order() {
    let mut app = app();
    app.get("/number/<int:n>", |n: i64| n.to_string());
    let server = serve(app, |server| server);
    let requests: String = (0..300)
        .map(|n| format!("GET /number/{n} HTTP/1.1\r\nHost: shop\r\n\r\n"))
        .collect();
    let mut client = server.send(requests);
    for n in 0..300 {
        assert_eq!(client.answer().text(), n.to_string());
    }
    server.still_answers();
}

#[test]
fn a_slow_request_before_a_quick_one_is_answered_first() {
    let gate = Gate::default();
    let (entered, has_entered) = channel();
    let mut app = app();
    let pass = gate.clone();
    app.get("/slow", move || {
        entered.send("slow").unwrap();
        pass.pass();
        "slow"
    });
    let server = serve(app, |server| server);
    let mut client = server
        .send("GET /slow HTTP/1.1\r\nHost: shop\r\n\r\nGET /host HTTP/1.1\r\nHost: shop\r\n\r\n");
    wait(&has_entered);
    server.still_answers();
    gate.open();
    assert_eq!(client.answer().text(), "slow");
    assert_eq!(client.answer().text(), "shop");
    server.still_answers();
}

#[test]
fn uploads_sent_at_once_are_told_apart() {
    let server = served();
    let mut client = server.send(
        "POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\n\r\npear\
         POST /ignore HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\n\r\nplum\
         POST /echo HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nfig\r\n0\r\n\r\n\
         POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Length: 0\r\n\r\n\
         GET /hello HTTP/1.1\r\nHost: shop\r\n\r\n",
    );
    for expected in ["pear", "not read", "fig", "", "Hello, World!"] {
        assert_eq!(client.answer().text(), expected);
    }
    server.still_answers();
}

#[test]
fn uploads_larger_than_a_head_may_be_are_no_heads() {
    // hyper reads larger pieces the more it has read: in the end all of a body at once, behind its head.
    let server = served();
    let mut client = server.connect();
    for size in [
        400_000, 60_000, 60_000, 45_000, 400_000, 60_000, 33_000, 90_000,
    ] {
        let head = format!("POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Length: {size}\r\n\r\n");
        client.write([head.into_bytes(), vec![b'x'; size]].concat());
        let answer = client.answer();
        assert_eq!((answer.status, answer.body.len()), (200, size));
    }
    server.still_answers();
}

#[test]
fn a_bad_request_behind_a_good_one_is_bad_in_its_turn() {
    let server = served();
    let mut client = server.send([HELLO, b"GET /hello\r\n\r\n", HELLO].concat());
    assert_eq!(client.answer().status, 200);
    assert_eq!(client.answer().status, 400);
    client.ends();
    drop(client);
    server.still_answers();
}

#[test]
fn an_answer_to_head_has_no_body_and_its_length() {
    let server = served();
    // No body: the next answer follows at once.
    let mut client = server
        .send("HEAD /hello HTTP/1.1\r\nHost: shop\r\n\r\nGET /host HTTP/1.1\r\nHost: shop\r\n\r\n");
    let head = client.head();
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, Some("13"))
    );
    assert_eq!(client.answer().text(), "shop");
    let mut client = server.send("HEAD /nowhere HTTP/1.1\r\nHost: shop\r\n\r\n");
    let head = client.head();
    assert_eq!(head.status, 404);
    client.write("GET /nowhere HTTP/1.1\r\nHost: shop\r\n\r\n");
    assert_eq!(
        client.answer().header("content-length"),
        head.header("content-length")
    );
    server.still_answers();
}

#[test]
fn an_answer_to_head_from_a_stream_has_no_body_either() {
    let mut app = app();
    let (closed, has_closed) = channel();
    let say = closed.clone();
    app.get("/stream", move || {
        let mut response = Response::stream(["pear", "plum"]);
        let closed = say.clone();
        response.call_on_close(move || closed.send(()).unwrap());
        response
    });
    app.get("/long", move || {
        let mut response = Response::stream(["pear", "plum"]);
        response.set_header("Content-Length", "8").unwrap();
        let closed = closed.clone();
        response.call_on_close(move || closed.send(()).unwrap());
        response
    });
    let server = serve(app, |server| server);
    let mut client = server.send("HEAD /stream HTTP/1.1\r\nHost: shop\r\n\r\n");
    assert_eq!(client.head().header("content-length"), None);
    wait(&has_closed);
    client.write("HEAD /long HTTP/1.1\r\nHost: shop\r\n\r\n");
    assert_eq!(client.head().header("content-length"), Some("8"));
    wait(&has_closed);
    client.write(HELLO);
    assert_eq!(client.answer().text(), "Hello, World!");
    server.still_answers();
}
