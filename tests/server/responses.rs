//! Responses: whole ones, streams, and apps that say one thing and do another.
//!
//! The code: `src/bridge/mod.rs`, `src/bridge/output.rs`. Next: `leaving.rs`.

use std::net::TcpStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use carafe::wsgi::{Body, Environ, StartResponse};
use carafe::{App, Error, Response, Scaffold, request, stream_with_context};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::child::Process;
use crate::support::{Answer, Client, DEADLINE, HELLO, Served, app, serve, served, wait};

/// Serves an app below the App: this answer at `/`.
fn raw(status: u16, headers: &[(&'static str, &'static str)], body: fn() -> Body) -> Served {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.append(name, value);
            headers
        });
    let app =
        move |environ: Environ, start_response: &mut dyn StartResponse| -> Result<Body, Error> {
            if environ.path_info == "/hello" {
                start_response.start_response(StatusCode::OK, HeaderMap::new());
                return Ok(Body::from("Hello, World!"));
            }
            start_response.start_response(StatusCode::from_u16(status).unwrap(), headers.clone());
            Ok(body())
        };
    serve(app, |server| server)
}

fn pieces() -> Body {
    Body::stream(["pear", "plum"].map(|piece| Ok(Bytes::from(piece))))
}

/// The answer to `GET /`; the connection serves another request behind it.
#[track_caller]
fn answer_of(server: &Served) -> Answer {
    let mut client = server.send("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
    let answer = client.answer();
    client.write(HELLO);
    assert_eq!(client.answer().text(), "Hello, World!");
    server.still_answers();
    answer
}

/// The head of the answer to `HEAD /`; the connection serves another request behind it.
#[track_caller]
fn head_of(server: &Served) -> Answer {
    let mut client = server.send("HEAD / HTTP/1.1\r\nHost: shop\r\n\r\n");
    let answer = client.head();
    client.write(HELLO);
    assert_eq!(client.answer().text(), "Hello, World!");
    server.still_answers();
    answer
}

#[test]
fn a_whole_body_gets_its_length() {
    let server = raw(200, &[], || Body::from("pear"));
    let answer = answer_of(&server);
    assert_eq!(
        (answer.header("content-length"), answer.text().as_str()),
        (Some("4"), "pear")
    );
    assert_eq!(head_of(&server).header("content-length"), Some("4"));
}

#[test]
fn a_length_that_a_whole_body_does_not_have_is_put_right() {
    for wrong in ["3", "5", "0", "pear", "-4", "4, 4"] {
        let headers = Box::leak(Box::new([("content-length", wrong)]));
        let server = raw(200, headers, || Body::from("pear"));
        let answer = answer_of(&server);
        assert_eq!(
            (answer.header("content-length"), answer.text().as_str()),
            (Some("4"), "pear")
        );
        head_of(&server);
    }
    for wrong in ["pear", "-4", "+4", "4, 4"] {
        let headers = Box::leak(Box::new([("content-length", wrong)]));
        let server = raw(200, headers, || Body::from("pear"));
        assert_eq!(head_of(&server).header("content-length"), Some("4"));
    }
    let server = raw(
        200,
        &[("content-length", "4"), ("content-length", "5")],
        || Body::from("pear"),
    );
    let answer = answer_of(&server);
    assert_eq!(
        (answer.header("content-length"), answer.text().as_str()),
        (Some("4"), "pear")
    );
    assert_eq!(head_of(&server).header("content-length"), Some("4"));
}

#[test]
fn a_stream_is_chunked_or_has_the_length_that_the_app_says() {
    let answer = answer_of(&raw(200, &[], pieces));
    assert_eq!(
        (answer.header("transfer-encoding"), answer.text().as_str()),
        (Some("chunked"), "pearplum")
    );
    let answer = answer_of(&raw(200, &[("content-length", "8")], pieces));
    assert_eq!(
        (answer.header("transfer-encoding"), answer.text().as_str()),
        (None, "pearplum")
    );
}

#[test]
fn a_stream_that_is_longer_than_the_app_says_ends_where_it_said() {
    let server = raw(200, &[("content-length", "6")], pieces);
    let mut client = server.send("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
    assert_eq!(client.answer().text(), "pearpl");
    drop(client);
    server.still_answers();
}

#[test]
fn a_stream_that_is_shorter_than_the_app_says_is_cut_off() {
    let server = raw(200, &[("content-length", "9")], pieces);
    let mut client = server.send("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
    assert_eq!(client.head().header("content-length"), Some("9"));
    assert_eq!(client.is_cut(), b"pearplum");
    server.still_answers();
}

#[test]
fn a_stream_whose_length_is_no_number_is_chunked() {
    for headers in [
        &[("content-length", "many")][..],
        &[("content-length", "-8")],
        &[("content-length", "+8")],
        &[("content-length", "8"), ("content-length", "9")],
        &[("content-length", "8, 8")],
    ] {
        let headers: &'static [_] = Box::leak(headers.to_vec().into_boxed_slice());
        let server = raw(200, headers, pieces);
        let answer = answer_of(&server);
        assert_eq!(
            (answer.header("transfer-encoding"), answer.text().as_str()),
            (Some("chunked"), "pearplum")
        );
        assert_eq!(head_of(&server).header("content-length"), None);
    }
}

#[test]
fn how_a_body_is_framed_is_the_servers_to_say() {
    let headers = &[("transfer-encoding", "chunked")];
    let answer = answer_of(&raw(200, headers, || Body::from("pear")));
    assert_eq!(
        (answer.header("content-length"), answer.text().as_str()),
        (Some("4"), "pear")
    );
    let answer = answer_of(&raw(200, headers, pieces));
    assert_eq!(
        (answer.header("transfer-encoding"), answer.text().as_str()),
        (Some("chunked"), "pearplum")
    );
    let headers = &[("transfer-encoding", "gzip"), ("content-length", "4")];
    let answer = answer_of(&raw(200, headers, || Body::from("pear")));
    assert_eq!(
        (answer.header("content-length"), answer.text().as_str()),
        (Some("4"), "pear")
    );
}

#[test]
fn a_204_and_a_304_have_no_body() {
    for body in [Body::empty, || Body::from("pear"), pieces] {
        let answer = answer_of(&raw(204, &[], body));
        assert_eq!(
            (answer.status, answer.header("content-length")),
            (204, None)
        );
        assert_eq!(answer.header("transfer-encoding"), None);
        let answer = answer_of(&raw(304, &[("etag", "\"p\"")], body));
        assert_eq!((answer.status, answer.header("etag")), (304, Some("\"p\"")));
        assert_eq!(answer.header("transfer-encoding"), None);
    }
    let answer = answer_of(&raw(204, &[("content-length", "4")], || Body::from("pear")));
    assert_eq!(answer.header("content-length"), None);
    let server = raw(304, &[("content-length", "9")], || Body::from("pear"));
    assert_eq!(
        server
            .send("GET / HTTP/1.1\r\nHost: shop\r\n\r\n")
            .head()
            .status,
        304
    );
    server.still_answers();
}

#[test]
fn a_view_may_answer_with_nothing() {
    let mut app = app();
    app.get("/none", || ("", 204));
    let server = serve(app, |server| server);
    let answer = server.ask("GET /none HTTP/1.1\r\nHost: shop\r\n\r\n");
    assert_eq!(
        (answer.status, answer.header("content-length")),
        (204, None)
    );
    server.still_answers();
}

#[test]
fn a_status_that_is_no_answer_is_an_error() {
    for status in [100, 101, 103] {
        let answer = answer_of(&raw(status, &[], || Body::from("pear")));
        assert_eq!(answer.status, 500);
    }
}

#[test]
fn a_status_that_nobody_knows_is_passed_on() {
    let answer = answer_of(&raw(299, &[], || Body::from("pear")));
    assert_eq!((answer.status, answer.text().as_str()), (299, "pear"));
    let answer = answer_of(&raw(999, &[], || Body::from("pear")));
    assert_eq!(answer.status, 999);
}

#[test]
fn bytes_that_are_no_text_may_stand_in_a_header() {
    let app = |_: Environ, start_response: &mut dyn StartResponse| -> Result<Body, Error> {
        let mut headers = HeaderMap::new();
        headers.insert("x-pear", HeaderValue::from_bytes(b"p\xe4r").unwrap());
        start_response.start_response(StatusCode::OK, headers);
        Ok(Body::from("Hello, World!"))
    };
    let server = serve(app, |server| server);
    let mut client = server.send(HELLO);
    let head = client.take_until(b"\r\n\r\n");
    assert!(head.windows(11).any(|line| line == b"x-pear: p\xe4r"));
    drop(client);
    server.still_answers();
}

#[test]
fn an_app_that_panics_or_fails_or_says_nothing_is_a_500() {
    let app = |environ: Environ, start_response: &mut dyn StartResponse| -> Result<Body, Error> {
        match environ.path_info.as_str() {
            "/panic" => panic!("out of pears"),
            "/fail" => Err(Error::runtime("out of pears")),
            "/silent" => Ok(Body::from("no head")),
            "/late" => {
                start_response.start_response(StatusCode::OK, HeaderMap::new());
                panic!("out of pears")
            }
            _ => {
                start_response.start_response(StatusCode::OK, HeaderMap::new());
                Ok(Body::from("Hello, World!"))
            }
        }
    };
    let server = serve(app, |server| server);
    let mut client = server.connect();
    for path in ["/panic", "/fail", "/silent", "/late"] {
        client.write(format!("GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n"));
        assert_eq!(client.answer().status, 500, "{path}");
    }
    client.write(HELLO);
    assert_eq!(client.answer().status, 200);
    server.still_answers();
}

#[test]
fn a_view_that_panics_is_a_500_and_the_connection_goes_on() {
    let server = served();
    let mut client = server.connect();
    for _ in 0..50 {
        client.write("GET /panic HTTP/1.1\r\nHost: shop\r\n\r\n");
        let answer = client.answer();
        assert_eq!(answer.status, 500);
        assert!(!answer.text().contains("pears"));
        client.write(HELLO);
        assert_eq!(client.answer().status, 200);
    }
    server.still_answers();
}

/// A stream at `/stream` of the pieces that the test sends.
fn fed() -> (App, Sender<Result<&'static str, Error>>, Receiver<()>) {
    let (feed, pieces) = channel::<Result<&'static str, Error>>();
    let pieces = Arc::new(Mutex::new(pieces));
    let (torn_down, has_torn_down) = channel();
    let mut app = app();
    app.get("/stream", move || {
        let pieces = Arc::clone(&pieces);
        Response::stream(stream_with_context(std::iter::from_fn(move || {
            let piece = pieces.lock().unwrap().recv_timeout(DEADLINE).ok()?;
            Some(piece.map(|piece| format!("{piece} of {}", request().path())))
        })))
    });
    app.teardown_request(move |_error: Option<&Error>| {
        if request().path() == "/stream" {
            torn_down.send(()).unwrap();
        }
    });
    (app, feed, has_torn_down)
}

#[test]
fn pieces_of_a_stream_are_sent_when_they_are_made() {
    let (app, feed, has_torn_down) = fed();
    let server = serve(app, |server| server);
    let mut client = server.send("GET /stream HTTP/1.1\r\nHost: shop\r\n\r\n");
    assert_eq!(client.head().status, 200);
    // Of the request.
    wait(&has_torn_down);
    for piece in ["pear", "plum", "fig"] {
        feed.send(Ok(piece)).unwrap();
        assert_eq!(client.chunk(), format!("{piece} of /stream").into_bytes());
    }
    drop(feed);
    assert_eq!(client.chunk(), b"");
    // Of the stream.
    wait(&has_torn_down);
    client.write(HELLO);
    assert_eq!(client.answer().status, 200);
    server.still_answers();
}

#[test]
fn an_empty_piece_does_not_end_a_stream() {
    let server = raw(200, &[], || {
        Body::stream(["pear", "", "plum"].map(|piece| Ok(Bytes::from(piece))))
    });
    assert_eq!(answer_of(&server).text(), "pearplum");
}

#[test]
fn a_stream_that_fails_is_cut_off() {
    let (app, feed, has_torn_down) = fed();
    let server = serve(app, |server| server);
    let mut client = server.send("GET /stream HTTP/1.1\r\nHost: shop\r\n\r\n");
    assert_eq!(client.head().status, 200);
    feed.send(Ok("pear")).unwrap();
    assert_eq!(client.chunk(), b"pear of /stream");
    feed.send(Err(Error::runtime("out of pears"))).unwrap();
    // No last chunk.
    assert_eq!(client.is_cut(), b"");
    wait(&has_torn_down);
    wait(&has_torn_down);
    server.still_answers();
}

#[test]
fn what_fails_is_answered_alike_where_no_error_can_be_written() {
    if !Path::new("/dev/full").exists() {
        println!("not checked: this system has no /dev/full");
        return;
    }
    let mut process = Process::mute("127.0.0.1:0");
    let address = process.says("listening on http://");
    for _ in 0..3 {
        let mut client = Client::new(TcpStream::connect(&address).unwrap());
        client.write("GET /panic HTTP/1.1\r\nHost: shop\r\n\r\n");
        assert_eq!(client.answer().status, 500);
        client.write("GET /fails HTTP/1.1\r\nHost: shop\r\n\r\n");
        client.head();
        assert_eq!(client.chunk(), b"pear");
        // No last chunk: it is not whole.
        assert_eq!(client.is_cut(), b"");
    }
    process.signal("TERM");
    // No thread of the pool was lost, so nobody waits for one.
    let began = Instant::now();
    assert_eq!(process.exits().code(), Some(0));
    assert!(began.elapsed() < DEADLINE / 2);
}

#[test]
fn a_stream_that_panics_is_cut_off() {
    let server = raw(200, &[], || {
        let mut first = true;
        Body::stream(std::iter::from_fn(move || {
            assert!(std::mem::take(&mut first), "out of pears");
            Some(Ok(Bytes::from("pear")))
        }))
    });
    let mut client = server.send("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
    assert_eq!(client.head().status, 200);
    assert_eq!(client.is_cut(), b"4\r\npear\r\n");
    server.still_answers();
}

#[test]
fn a_stream_of_http_1_0_that_fails_does_not_look_as_if_it_were_whole() {
    let server = raw(200, &[], || {
        Body::stream([Ok(Bytes::from("pear")), Err(Error::runtime("out of pears"))])
    });
    let client = server.send("GET / HTTP/1.0\r\n\r\n");
    // There are no chunks in HTTP/1.0, so only a reset tells the end from the middle.
    let mut tcp = client.tcp();
    let read = std::io::Read::read_to_end(&mut tcp, &mut Vec::new());
    assert_eq!(
        read.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionReset
    );
    server.still_answers();
}
