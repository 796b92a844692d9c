//! Clients that leave before they have their answer.
//!
//! The code: `src/bridge/output.rs`, `src/server/connection.rs`. Next: `threads.rs`.

use std::io::Read;
use std::net::Shutdown;
use std::sync::mpsc::channel;

use carafe::{Error, Response, Route, Scaffold, request, stream_with_context};

use crate::support::{DEADLINE, Gate, app, serve, wait};

#[test]
fn a_stream_is_torn_down_when_its_client_leaves() {
    let (torn_down, has_torn_down) = channel();
    let mut app = app();
    app.get("/stream", || {
        Response::stream(stream_with_context(std::iter::repeat_with(|| {
            request().path().to_owned()
        })))
    });
    app.teardown_request(move |_error: Option<&Error>| {
        if request().path() == "/stream" {
            torn_down.send(()).unwrap();
        }
    });
    let server = serve(app, |server| server);
    for _ in 0..20 {
        let mut client = server.send("GET /stream HTTP/1.1\r\nHost: shop\r\n\r\n");
        assert_eq!(client.head().status, 200);
        wait(&has_torn_down);
        assert_eq!(client.chunk(), b"/stream");
        drop(client);
        wait(&has_torn_down);
    }
    server.still_answers();
}

#[test]
fn a_stream_is_torn_down_when_its_client_leaves_before_its_head() {
    let gate = Gate::default();
    let (entered, has_entered) = channel();
    let (closed, has_closed) = channel();
    let mut app = app();
    let pass = gate.clone();
    app.get("/stream", move || {
        entered.send(()).unwrap();
        pass.pass();
        let mut response = Response::stream(std::iter::repeat("pear"));
        let closed = closed.clone();
        response.call_on_close(move || closed.send(()).unwrap());
        response
    });
    let server = serve(app, |server| server);
    let client = server.send("GET /stream HTTP/1.1\r\nHost: shop\r\n\r\n");
    wait(&has_entered);
    drop(client);
    gate.open();
    wait(&has_closed);
    server.still_answers();
}

#[test]
fn a_view_whose_client_leaves_runs_to_its_end() {
    let gate = Gate::default();
    let (said, hears) = channel();
    let mut app = app();
    let (pass, entered) = (gate.clone(), said.clone());
    app.get("/slow", move || {
        entered.send("entered").unwrap();
        pass.pass();
        entered.send("done").unwrap();
        "done"
    });
    app.teardown_request(move |_error: Option<&Error>| {
        if request().path() == "/slow" {
            said.send("torn down").unwrap();
        }
    });
    let server = serve(app, |server| server.pool(1));
    let client = server.send("GET /slow HTTP/1.1\r\nHost: shop\r\n\r\n");
    assert_eq!(wait(&hears), "entered");
    drop(client);
    gate.open();
    assert_eq!(wait(&hears), "done");
    assert_eq!(wait(&hears), "torn down");
    server.still_answers();
}

#[test]
fn a_request_whose_client_leaves_while_it_waits_in_line_is_not_run() {
    let gate = Gate::default();
    let (entered, has_entered) = channel();
    let mut app = app();
    let pass = gate.clone();
    let slow = Route::new("/slow/<name>").blocking(true);
    app.get(slow, move |name: String| {
        entered.send(name).unwrap();
        pass.pass();
        "done"
    });
    let server = serve(app, |server| server.pool(1));
    // The first request of an app ends its setup; what is declared counts from then on.
    server.still_answers();
    let mut first = server.send("GET /slow/first HTTP/1.1\r\nHost: shop\r\n\r\n");
    assert_eq!(wait(&has_entered), "first");
    let left = server.send("GET /slow/left HTTP/1.1\r\nHost: shop\r\n\r\n");
    left.tcp().shutdown(Shutdown::Write).unwrap();
    // The server closes its side once it has seen that.
    let read = left.tcp().read(&mut [0; 16]);
    assert_eq!(read.unwrap(), 0);
    let mut last = server.send("GET /slow/last HTTP/1.1\r\nHost: shop\r\n\r\n");
    gate.open();
    assert_eq!(first.answer().text(), "done");
    assert_eq!(last.answer().text(), "done");
    assert_eq!(wait(&has_entered), "last");
    server.still_answers();
}

#[test]
fn a_client_that_resets_its_connection_is_let_go() {
    let mut app = app();
    let (closed, has_closed) = channel();
    app.get("/stream", move || {
        let mut response = Response::stream(std::iter::repeat("pear"));
        let closed = closed.clone();
        response.call_on_close(move || closed.send(()).unwrap());
        response
    });
    let server = serve(app, |server| server);
    for _ in 0..20 {
        let mut client = server.send("GET /stream HTTP/1.1\r\nHost: shop\r\n\r\n");
        client.tcp().set_read_timeout(Some(DEADLINE)).unwrap();
        assert_eq!(client.head().status, 200);
        // Closed with something unread: the system says so with a reset.
        drop(client);
        wait(&has_closed);
    }
    server.still_answers();
}

#[test]
fn a_hundred_clients_that_say_nothing_and_leave_are_let_go() {
    let server = serve(app(), |server| server);
    let clients: Vec<_> = (0..100).map(|_| server.connect()).collect();
    server.still_answers();
    drop(clients);
    server.still_answers();
}
