//! Bodies of requests: asked for with 100 Continue, read as they come, or left unread.
//!
//! The code: `src/bridge/input.rs`. Next: `keep_alive.rs`.

use std::io::{Read, Write};
use std::sync::mpsc::channel;
use std::thread;

use bytes::Bytes;
use carafe::Error;
use carafe::wsgi::{Body, Environ, StartResponse};
use http::{HeaderMap, StatusCode};

use crate::support::{Client, HELLO, app, serve, served, wait};

const EXPECTS: &str =
    "POST /echo HTTP/1.1\r\nHost: shop\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";

/// Sends back what comes, while it comes.
fn echo(environ: Environ, start_response: &mut dyn StartResponse) -> Result<Body, Error> {
    if environ.path_info == "/hello" {
        start_response.start_response(StatusCode::OK, HeaderMap::new());
        return Ok(Body::from("Hello, World!"));
    }
    start_response.start_response(StatusCode::OK, HeaderMap::new());
    let mut input = environ.input;
    Ok(Body::stream(std::iter::from_fn(move || {
        let mut piece = vec![0; 64 * 1024];
        match input.read(&mut piece) {
            Ok(0) => None,
            Ok(length) => {
                piece.truncate(length);
                Some(Ok(Bytes::from(piece)))
            }
            Err(error) => Some(Err(error.into())),
        }
    })))
}

#[test]
fn a_view_that_reads_has_the_client_go_on() {
    let server = served();
    let mut client = server.send(EXPECTS);
    assert_eq!(client.head().status, 100);
    client.write("pear");
    let answer = client.answer();
    assert_eq!((answer.status, answer.text().as_str()), (200, "pear"));
    // The connection is as good as before.
    client.write(HELLO);
    assert_eq!(client.answer().status, 200);
    server.still_answers();
}

#[test]
fn a_client_that_expects_to_go_on_need_not_wait() {
    let server = served();
    let mut client = server.send([EXPECTS, "pear"].concat());
    let first = client.answer();
    let answer = if first.status == 100 {
        client.answer()
    } else {
        first
    };
    assert_eq!((answer.status, answer.text().as_str()), (200, "pear"));
    server.still_answers();
}

#[test]
fn a_view_that_does_not_read_has_the_client_not_go_on() {
    let server = served();
    let answer = server.refuses(200, EXPECTS.replace("/echo", "/ignore"));
    assert_eq!(
        (answer.text().as_str(), answer.header("connection")),
        ("not read", Some("close"))
    );
    server.refuses(404, EXPECTS.replace("/echo", "/nowhere"));
}

#[test]
fn a_body_that_is_too_large_is_not_asked_for() {
    let app = app();
    app.config().set("MAX_CONTENT_LENGTH", 3).unwrap();
    serve(app, |server| server).refuses(413, EXPECTS);
    let server = serve(crate::support::app(), |server| server.max_body_bytes(3));
    server.refuses(413, EXPECTS);
}

#[test]
fn http_1_0_knows_no_100_continue() {
    let server = served();
    let mut client = server.send(EXPECTS.replace("HTTP/1.1", "HTTP/1.0"));
    client.write("pear");
    let answer = client.answer();
    assert_eq!((answer.status, answer.text().as_str()), (200, "pear"));
    server.still_answers();
}

#[test]
fn what_else_a_client_may_expect_is_passed_over() {
    let server = served();
    let mut client = server
        .send("POST /echo HTTP/1.1\r\nHost: shop\r\nExpect: pears\r\nContent-Length: 4\r\n\r\n");
    client.write("pear");
    assert_eq!(client.answer().text(), "pear");
    server.still_answers();
}

#[test]
fn a_large_upload_is_read_and_answered_while_it_comes() {
    const LENGTH: usize = 32 << 20;
    let server = serve(echo, |server| server);
    let client = server.send(format!(
        "POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Length: {LENGTH}\r\n\r\n"
    ));
    let mut upload = client.tcp().try_clone().unwrap();
    let sender = thread::spawn(move || {
        let piece: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
        for _ in 0..LENGTH >> 20 {
            upload.write_all(&piece).unwrap();
        }
    });
    let mut client = client;
    let body = client.answer().body;
    sender.join().unwrap();
    assert_eq!(body.len(), LENGTH);
    assert!(
        body.iter()
            .zip((0..=255).cycle())
            .all(|(&came, sent)| came == sent)
    );
    server.still_answers();
}

#[test]
fn a_piece_of_an_upload_is_read_when_it_comes() {
    let server = serve(echo, |server| server);
    let mut client =
        server.send("POST /echo HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(client.head().status, 200);
    for piece in ["pear", "plum", "fig!"] {
        client.write(format!("4\r\n{piece}\r\n"));
        assert_eq!(client.chunk(), piece.as_bytes());
    }
    client.write("0\r\n\r\n");
    assert_eq!(client.chunk(), b"");
    client.write(HELLO);
    assert_eq!(client.answer().status, 200);
    server.still_answers();
}

/// Sends more than anybody wants, and reads the answer only then.
fn upload_that_nobody_wants(client: &mut Client, length: usize) -> u16 {
    let piece = vec![b'x'; 64 * 1024];
    let mut sent = 0;
    while sent < length && client.try_write(&piece) {
        sent += piece.len();
    }
    client.answer().status
}

#[test]
fn who_still_sends_what_nobody_reads_can_read_why() {
    const LENGTH: usize = 16 << 20;
    let head = |path: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: shop\r\nContent-Length: {LENGTH}\r\n\r\n")
    };
    let server = served();
    for (path, status) in [("/ignore", 200), ("/nowhere", 404)] {
        let mut client = server.send(head(path));
        assert_eq!(upload_that_nobody_wants(&mut client, LENGTH), status);
        client.ends();
    }
    server.still_answers();
    let server = serve(app(), |server| server.max_body_bytes(1000));
    let mut client = server.send(head("/echo"));
    assert_eq!(upload_that_nobody_wants(&mut client, LENGTH), 413);
    client.ends();
    server.still_answers();
    let limited = app();
    limited.config().set("MAX_CONTENT_LENGTH", 1000).unwrap();
    let server = serve(limited, |server| server);
    let mut client = server.send(head("/echo"));
    assert_eq!(upload_that_nobody_wants(&mut client, LENGTH), 413);
    client.ends();
    server.still_answers();
}

#[test]
fn who_still_sends_a_bad_body_can_read_why() {
    let server = served();
    let mut client = server
        .send("POST /echo HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n");
    assert_eq!(upload_that_nobody_wants(&mut client, 16 << 20), 400);
    client.ends();
    server.still_answers();
}

#[test]
fn a_small_body_that_nobody_reads_costs_no_connection() {
    let server = served();
    let mut client =
        server.send("POST /ignore HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\n\r\npear");
    assert_eq!(client.answer().text(), "not read");
    client.write(HELLO);
    assert_eq!(client.answer().status, 200);
    server.still_answers();
}

#[test]
fn a_body_that_ends_too_early_is_no_body() {
    let (failed, has_failed) = channel();
    let app =
        move |environ: Environ, start_response: &mut dyn StartResponse| -> Result<Body, Error> {
            start_response.start_response(StatusCode::OK, HeaderMap::new());
            if environ.path_info == "/hello" {
                return Ok(Body::from("Hello, World!"));
            }
            let mut input = environ.input;
            let read = input.read_to_end(&mut Vec::new());
            failed.send(read.is_err()).unwrap();
            Ok(Body::empty())
        };
    let server = serve(app, |server| server);
    for body in [
        "Content-Length: 10\r\n\r\npear",
        "Transfer-Encoding: chunked\r\n\r\n4\r\npear\r\n",
        "Transfer-Encoding: chunked\r\n\r\n4\r\npe",
    ] {
        drop(server.send(format!("POST /echo HTTP/1.1\r\nHost: shop\r\n{body}")));
        assert!(wait(&has_failed), "{body:?}");
    }
    server.still_answers();
}

/// A chunked upload, begun: nobody knows how long it will be.
const BEGUN: &str =
    "POST /echo HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npear\r\n";

#[test]
fn slow_uploads_keep_nobody_else_waiting() {
    for pool in [2, 3, 4] {
        let server = serve(app(), |server| server.pool(pool));
        // More than there are threads; each is read to its first piece.
        let mut uploads: Vec<Client> = (0..12).map(|_| server.send(BEGUN)).collect();
        for _ in 0..20 {
            server.still_answers();
        }
        // Each gets its turn, in any order.
        for upload in &mut uploads {
            upload.write("4\r\npear\r\n0\r\n\r\n");
        }
        for upload in &mut uploads {
            assert_eq!(upload.answer().text(), "pearpear");
        }
        server.still_answers();
    }
}

#[test]
fn a_small_upload_waits_for_no_large_one() {
    let server = serve(app(), |server| server.pool(2));
    let large: Vec<Client> = (0..12).map(|_| server.send(BEGUN)).collect();
    let small = "POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Length: 8\r\n\r\n";
    let mut small: Vec<Client> = (0..40).map(|_| server.send(small)).collect();
    for client in &mut small {
        client.write("pear");
    }
    server.still_answers();
    for client in small.iter_mut().rev() {
        client.write("plum");
        assert_eq!(client.answer().text(), "pearplum");
    }
    drop(large);
    server.still_answers();
}

#[test]
fn a_small_upload_may_come_byte_by_byte() {
    let server = served();
    let mut client =
        server.send("POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Length: 2000\r\n\r\n");
    for _ in 0..2000 {
        client.write("x");
    }
    assert_eq!(client.answer().text(), "x".repeat(2000));
    client.write(HELLO);
    assert_eq!(client.answer().status, 200);
    server.still_answers();
}

#[test]
fn one_upload_too_many_gets_a_503_and_when_to_come_back() {
    let server = serve(app(), |server| server.pool(2).queue(2));
    server.still_answers();
    // One is read, two wait, and the others are told to come back.
    let (told, is_told) = channel();
    let clients: Vec<Client> = (0..6).map(|_| server.send(BEGUN)).collect();
    let readers = clients.into_iter().map(|mut client| {
        let told = told.clone();
        let go_on = client.tcp().try_clone().unwrap();
        let reader = thread::spawn(move || {
            let answer = client.answer();
            told.send((
                answer.status,
                answer.header("retry-after").map(str::to_owned),
            ))
            .unwrap();
        });
        (reader, go_on)
    });
    let readers: Vec<_> = readers.collect();
    for _ in 0..3 {
        assert_eq!(wait(&is_told), (503, Some("1".to_owned())));
    }
    let (readers, go_on): (Vec<_>, Vec<_>) = readers.into_iter().unzip();
    for mut go_on in go_on {
        // Those who were sent away may be gone.
        let _ = go_on.write_all(b"0\r\n\r\n");
    }
    for reader in readers {
        reader.join().unwrap();
    }
    for _ in 0..3 {
        assert_eq!(wait(&is_told), (200, None));
    }
    server.still_answers();
}
