//! Every limit, and what a client gets that passes it.
//!
//! The code: `src/server/io.rs` for heads, `src/server/registry.rs` for times, `Bridge::check` for lengths. Next: `bodies.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use carafe::{App, Response, Route, Scaffold};

use crate::support::{Client, DEADLINE, Gate, HELLO, SHORT, app, serve, served, until, wait};

fn head(line: &str, headers: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: shop\r\n{headers}\r\n")
}

#[test]
fn a_hundred_headers_are_fine_and_one_more_is_not() {
    let server = served();
    assert_eq!(
        server
            .ask(head("GET /hello", &"X: 1\r\n".repeat(99)))
            .status,
        200
    );
    server.refuses(431, head("GET /hello", &"X: 1\r\n".repeat(100)));
}

#[test]
fn the_number_of_headers_can_be_set() {
    let server = serve(app(), |server| server.max_headers(3));
    assert_eq!(
        server.ask(head("GET /hello", &"X: 1\r\n".repeat(2))).status,
        200
    );
    server.refuses(431, head("GET /hello", &"X: 1\r\n".repeat(3)));
    let server = serve(app(), |server| server.max_headers(1000));
    assert_eq!(
        server
            .ask(head("GET /hello", &"X: 1\r\n".repeat(999)))
            .status,
        200
    );
    server.refuses(431, head("GET /hello", &"X: 1\r\n".repeat(1000)));
}

#[test]
fn a_large_header_is_refused() {
    let server = served();
    assert_eq!(
        server
            .ask(head(
                "GET /hello",
                &format!("X: {}\r\n", "x".repeat(31_000))
            ))
            .status,
        200
    );
    server.refuses(
        431,
        head("GET /hello", &format!("X: {}\r\n", "x".repeat(33_000))),
    );
}

#[test]
fn headers_that_are_large_together_are_refused() {
    let line = format!("X: {}\r\n", "x".repeat(1000));
    served().refuses(431, head("GET /hello", &line.repeat(40)));
}

#[test]
fn a_head_written_at_once_that_is_far_too_large_is_refused_and_not_reset() {
    let server = served();
    server.refuses(
        431,
        head("GET /hello", &format!("X: {}\r\n", "x".repeat(4 << 20))),
    );
}

#[test]
fn a_head_without_end_is_refused_while_its_client_still_sends() {
    let server = served();
    let mut client = server.send("GET /hello HTTP/1.1\r\nHost: shop\r\nX: ");
    let mut sent = 0;
    while sent < 1 << 20 && client.try_write([b'x'; 4096]) {
        sent += 4096;
    }
    assert_eq!(client.answer().status, 431);
    client.ends();
    drop(client);
    server.still_answers();
}

#[test]
fn the_size_of_a_head_can_be_set() {
    let server = serve(app(), |server| server.max_header_bytes(8 * 1024));
    assert_eq!(
        server
            .ask(head("GET /hello", &format!("X: {}\r\n", "x".repeat(8000))))
            .status,
        200
    );
    server.refuses(
        431,
        head("GET /hello", &format!("X: {}\r\n", "x".repeat(8300))),
    );
    let server = serve(app(), |server| server.max_header_bytes(1 << 20));
    assert_eq!(
        server
            .ask(head(
                "GET /hello",
                &format!("X: {}\r\n", "x".repeat(1_000_000))
            ))
            .status,
        200
    );
    server.refuses(
        431,
        head("GET /hello", &format!("X: {}\r\n", "x".repeat(1_100_000))),
    );
}

#[test]
fn a_long_target_is_refused() {
    let server = served();
    assert_eq!(
        server
            .ask(head(&format!("GET /hello?{}", "x".repeat(8000)), ""))
            .status,
        200
    );
    let answer = server.ask(head(&format!("GET /hello?{}", "x".repeat(8190)), ""));
    assert_eq!(answer.status, 414);
    server.still_answers();
    assert_eq!(
        server
            .ask(head(&format!("GET /{}", "x".repeat(30_000)), ""))
            .status,
        414
    );
    server.still_answers();
}

#[test]
fn a_target_larger_than_any_buffer_is_refused() {
    let server = served();
    server.refuses(414, format!("GET /{}", "x".repeat(4 << 20)));
    server.refuses(414, head(&format!("GET /{}", "x".repeat(4 << 20)), ""));
}

#[test]
fn the_length_of_a_target_can_be_set() {
    let server = serve(app(), |server| server.max_uri_bytes(100));
    assert_eq!(
        server
            .ask(head(&format!("GET /hello?{}", "x".repeat(90)), ""))
            .status,
        200
    );
    assert_eq!(
        server
            .ask(head(&format!("GET /hello?{}", "x".repeat(100)), ""))
            .status,
        414
    );
    server.refuses(414, format!("GET /{}", "x".repeat(200)));
    let absolute = head(&format!("GET http://shop/hello?{}", "x".repeat(100)), "");
    assert_eq!(server.ask(absolute).status, 414);
}

#[test]
fn a_method_without_end_is_refused() {
    let server = served();
    let mut client = server.send("G".repeat(100_000));
    let status = client.answer().status;
    assert!(matches!(status, 400 | 414), "{status}");
    client.ends();
    drop(client);
    server.still_answers();
}

#[test]
fn a_body_that_says_that_it_is_too_large_is_refused() {
    let server = serve(app(), |server| server.max_body_bytes(1000));
    let fits = format!(
        "POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Length: 1000\r\n\r\n{}",
        "x".repeat(1000)
    );
    assert_eq!(server.ask(fits).body.len(), 1000);
    let answer = server.refuses(
        413,
        "POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Length: 1001\r\n\r\n",
    );
    assert_eq!(answer.header("connection"), Some("close"));
}

#[test]
fn a_chunked_body_is_refused_while_it_arrives() {
    let server = serve(app(), |server| server.max_body_bytes(1000));
    let mut client =
        server.send("POST /echo HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunk = format!("64\r\n{}\r\n", "x".repeat(100));
    client.write(chunk.repeat(10));
    // Ten fit. The eleventh does not, and no end has come.
    client.write(&chunk);
    let answer = client.answer();
    assert_eq!(answer.status, 413);
    client.ends();
    drop(client);
    server.still_answers();
}

#[test]
fn the_limit_of_the_app_holds_for_both_kinds_of_body() {
    let app = app();
    app.config().set("MAX_CONTENT_LENGTH", 1000).unwrap();
    let server = serve(app, |server| server);
    let head =
        |length| format!("POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Length: {length}\r\n\r\n");
    // A small body is waited for, and a large one is refused before it comes.
    server.refuses(413, head(100_000));
    let answer = server.ask(head(1001) + &"x".repeat(1001));
    assert_eq!(answer.status, 413);
    let chunks = format!("64\r\n{}\r\n", "x".repeat(100)).repeat(11);
    server.refuses(
        413,
        format!("POST /echo HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"),
    );
    let fits = format!(
        "POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Length: 1000\r\n\r\n{}",
        "x".repeat(1000)
    );
    assert_eq!(server.ask(fits).body.len(), 1000);
}

#[test]
fn a_head_that_does_not_go_on_is_timed_out() {
    let server = serve(app(), |server| server.header_timeout(SHORT));
    server.refuses(408, "GET /hello HTTP/1.1\r\nHost: shop\r\n");
    server.refuses(408, "G");
}

#[test]
fn a_head_that_goes_on_too_slowly_is_timed_out() {
    let server = serve(app(), |server| server.header_timeout(SHORT));
    let mut client = server.send("GET /hello HTTP/1.1\r\nHost: shop\r\n");
    client
        .tcp()
        .set_read_timeout(Some(Duration::from_millis(10)))
        .unwrap();
    // A header each time that nothing has come for a while.
    let mut byte = [0];
    while client.tcp().peek(&mut byte).is_err() {
        client.write("X: 1\r\n");
    }
    client.tcp().set_read_timeout(Some(DEADLINE)).unwrap();
    assert_eq!(client.answer().status, 408);
    drop(client);
    server.still_answers();
}

#[test]
fn the_second_head_of_a_connection_is_timed_out_too() {
    let server = serve(app(), |server| server.header_timeout(SHORT));
    let mut client = server.send(HELLO);
    assert_eq!(client.answer().status, 200);
    client.write("GET /hel");
    assert_eq!(client.answer().status, 408);
    client.ends();
    drop(client);
    server.still_answers();
}

#[test]
fn half_a_head_behind_a_request_is_timed_out_once_it_goes_on() {
    // What came with the request before is in hyper's hands: nobody sees that it is half a head.
    let half = [HELLO, b"GET /hel"].concat();
    let server = serve(app(), |server| server.keep_alive(SHORT));
    let mut client = server.send(&half);
    assert_eq!(client.answer().status, 200);
    client.ends();
    drop(client);
    let server = serve(app(), |server| server.header_timeout(SHORT));
    let mut client = server.send(&half);
    assert_eq!(client.answer().status, 200);
    client.write("l");
    assert_eq!(client.answer().status, 408);
    client.ends();
    drop(client);
    server.still_answers();
}

#[test]
fn a_body_that_does_not_go_on_is_timed_out() {
    let server = serve(app(), |server| server.body_timeout(SHORT));
    server.refuses(
        408,
        "POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Length: 10\r\n\r\npear",
    );
    server.refuses(
        408,
        "POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Length: 10\r\n\r\n",
    );
    server.refuses(
        408,
        "POST /echo HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npear\r\n",
    );
}

#[test]
fn a_client_that_has_nothing_more_to_ask_is_let_go_without_a_word() {
    let server = serve(app(), |server| server.keep_alive(SHORT));
    let mut client = server.send(HELLO);
    assert_eq!(client.answer().status, 200);
    client.ends();
    drop(client);
    let mut silent = server.connect();
    silent.ends();
    drop(silent);
    server.still_answers();
}

#[test]
fn a_view_may_take_longer_than_the_timeouts_of_the_client() {
    let gate = Gate::default();
    let mut slow = app();
    let pass = gate.clone();
    slow.get("/slow", move || {
        pass.pass();
        "done"
    });
    let server = serve(slow, |server| {
        server
            .keep_alive(SHORT)
            .header_timeout(SHORT)
            .write_timeout(SHORT)
    });
    let mut waiting = server.send("GET /slow HTTP/1.1\r\nHost: shop\r\n\r\n");
    // Somebody who came later is timed out meanwhile, twice.
    for _ in 0..2 {
        server.connect().ends();
    }
    gate.open();
    assert_eq!(waiting.answer().text(), "done");
    drop(waiting);
    server.still_answers();
}

#[test]
fn a_client_that_takes_nothing_is_cut_off() {
    let mut large = app();
    let (closed, has_closed) = channel();
    let made = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&made);
    large.get("/stream", move || {
        let counted = Arc::clone(&counted);
        let pieces = std::iter::repeat_with(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            vec![b'x'; 1 << 20]
        });
        let mut response = Response::stream(pieces);
        let closed = closed.clone();
        response.call_on_close(move || closed.send(()).unwrap());
        response
    });
    let server = serve(large, |server| server.write_timeout(SHORT));
    let mut client = server.send("GET /stream HTTP/1.1\r\nHost: shop\r\n\r\n");
    wait(&has_closed);
    // Nothing was made that had nowhere to go: the system's own buffers take a few megabytes.
    assert!(made.load(Ordering::Relaxed) < 64, "{made:?}");
    let came = client.is_cut();
    assert!(came.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert!(!came.ends_with(b"0\r\n\r\n"));
    drop(client);
    server.still_answers();
}

#[test]
fn a_client_that_takes_nothing_of_a_whole_response_is_cut_off() {
    const LENGTH: usize = 64 << 20;
    let mut large = app();
    large.get("/large", || vec![b'x'; LENGTH]);
    let server = serve(large, |server| {
        server.write_timeout(SHORT).max_connections(1)
    });
    let mut client = server.send("GET /large HTTP/1.1\r\nHost: shop\r\n\r\n");
    let head = client.head();
    assert_eq!(
        head.header("content-length"),
        Some(LENGTH.to_string().as_str())
    );
    // Its place is free again once it was cut off.
    until("its place is free", || server.ask(HELLO).status == 200);
    assert!(client.is_cut().len() < LENGTH);
}

#[test]
fn who_wants_no_limits_may_set_the_largest() {
    let never = Duration::MAX;
    let server = serve(app(), |server| {
        server
            .pool(usize::MAX)
            .queue(usize::MAX)
            .max_connections(usize::MAX)
            .max_headers(usize::MAX)
            .max_header_bytes(usize::MAX)
            .max_uri_bytes(usize::MAX)
            .max_body_bytes(u64::MAX)
            .header_timeout(never)
            .body_timeout(never)
            .keep_alive(never)
            .write_timeout(never)
            .shutdown_timeout(never)
    });
    let mut client = server.send("GET /hel");
    // Half a line has arrived once somebody who came later has an answer.
    server.still_answers();
    client.write("lo HTTP/1.1\r\nHost: shop\r\n\r\n");
    assert_eq!(client.answer().text(), "Hello, World!");
    // More than a `HeaderMap` holds.
    server.refuses(431, head("GET /hello", &"X: 1\r\n".repeat(40_000)));
}

#[test]
fn a_queue_without_a_limit_is_never_full() {
    let gate = Gate::default();
    let (entered, has_entered) = channel();
    let mut slow = app();
    let pass = gate.clone();
    slow.get(Route::new("/slow").blocking(true), move || {
        entered.send(()).unwrap();
        pass.pass();
        "done"
    });
    let server = serve(slow, |server| server.pool(2).queue(usize::MAX));
    server.still_answers();
    let ask = "GET /slow HTTP/1.1\r\nHost: shop\r\n\r\n";
    let mut first = server.send(ask);
    wait(&has_entered);
    // One thread is left, so this one is counted as one beyond the queue.
    let mut second = server.send(ask);
    wait(&has_entered);
    gate.open();
    assert_eq!(first.answer().text(), "done");
    assert_eq!(second.answer().text(), "done");
}

#[test]
fn one_connection_too_many_gets_a_503_and_when_to_come_back() {
    let server = serve(app(), |server| server.max_connections(2));
    let mut first = server.send(HELLO);
    assert_eq!(first.answer().status, 200);
    let mut second = server.send(HELLO);
    assert_eq!(second.answer().status, 200);
    let mut third = server.send(HELLO);
    let answer = third.answer();
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1"))
    );
    third.ends();
    // Those who were let in go on.
    first.write(HELLO);
    assert_eq!(first.answer().status, 200);
    drop((first, second, third));
    until("a place is free", || server.ask(HELLO).status == 200);
}

#[test]
fn those_who_are_sent_away_take_nobodys_place() {
    let server = serve(app(), |server| server.max_connections(1));
    let mut first = server.send(HELLO);
    assert_eq!(first.answer().status, 200);
    // They stay as long as they are let.
    let away: Vec<Client> = (0..20)
        .map(|_| {
            let mut client = server.send(HELLO);
            assert_eq!(client.answer().status, 503);
            client
        })
        .collect();
    drop(first);
    until("the place is free", || server.ask(HELLO).status == 200);
    drop(away);
}

#[test]
fn one_request_too_many_gets_a_503_and_when_to_come_back() {
    let gate = Gate::default();
    let (entered, has_entered) = channel();
    let mut slow = App::new("slow");
    let pass = gate.clone();
    slow.get(Route::new("/slow").blocking(true), move || {
        entered.send(()).unwrap();
        pass.pass();
        "done"
    });
    slow.get("/hello", || "Hello, World!");
    let server = serve(slow, |server| server.pool(1).queue(1));
    // The first request of an app ends its setup; what is declared counts from then on.
    server.still_answers();
    let ask = "GET /slow HTTP/1.1\r\nHost: shop\r\n\r\n";
    let mut running = server.send(ask);
    wait(&has_entered);
    // One more waits in line. Which of these that is, nobody can say: the others are told to come back.
    let mut others: Vec<Client> = (0..3).map(|_| server.send(ask)).collect();
    let (told, is_told) = channel();
    let readers: Vec<_> = others
        .drain(..)
        .map(|mut client| {
            let told = told.clone();
            std::thread::spawn(move || {
                let answer = client.answer();
                told.send(answer.status).unwrap();
                let expected = (answer.status == 503).then_some("1");
                assert_eq!(answer.header("retry-after"), expected);
            })
        })
        .collect();
    assert_eq!((wait(&is_told), wait(&is_told)), (503, 503));
    gate.open();
    assert_eq!(running.answer().text(), "done");
    assert_eq!(wait(&is_told), 200);
    for reader in readers {
        reader.join().unwrap();
    }
    drop(running);
    server.still_answers();
}
