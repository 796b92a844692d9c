//! Requests that two servers could read differently: where a body ends. What one of them takes for a body, the other might take
//! for a request that somebody else has sent. So either it is unmistakable, or it is the last on its connection.
//!
//! Mirrors RFC 9112, 6.3 and 11.2. The code: hyper's parser, and `refusal` in `src/server/connection.rs`. Next: `limits.rs`.

use crate::support::{Answer, served};

/// Sends this to `/echo`, with a request behind it that must not be seen as one.
#[track_caller]
fn refused(headers: &str, body: &str) -> Answer {
    let server = served();
    let request = format!(
        "POST /echo HTTP/1.1\r\nHost: shop\r\n{headers}\r\n\r\n{body}GET /hello HTTP/1.1\r\nHost: shop\r\n\r\n"
    );
    server.refuses(400, request)
}

/// The one answer to this, and then the end.
#[track_caller]
fn last_answer(headers: &str, body: &str) -> Answer {
    let server = served();
    let request = format!("POST /echo HTTP/1.1\r\nHost: shop\r\n{headers}\r\n\r\n{body}");
    let mut client = server.send(request);
    let answer = client.answer();
    client.ends();
    drop(client);
    server.still_answers();
    answer
}

/// The answers to this and to the request behind it.
#[track_caller]
fn both_answered(headers: &str, body: &str) -> String {
    let server = served();
    let request = format!(
        "POST /echo HTTP/1.1\r\nHost: shop\r\n{headers}\r\n\r\n{body}GET /hello HTTP/1.1\r\nHost: shop\r\n\r\n"
    );
    let mut client = server.send(request);
    let first = client.answer();
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(client.answer().text(), "Hello, World!");
    server.still_answers();
    first.text()
}

#[test]
fn what_has_a_length_and_is_chunked_is_the_last_of_its_connection() {
    let smuggled = "0\r\n\r\nGET /panic HTTP/1.1\r\nHost: shop\r\n\r\n";
    let answer = last_answer("Content-Length: 4\r\nTransfer-Encoding: chunked", smuggled);
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
    let answer = last_answer("Transfer-Encoding: chunked\r\nContent-Length: 48", smuggled);
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
}

#[test]
fn two_lengths_that_differ_are_bad() {
    refused("Content-Length: 3\r\nContent-Length: 4", "pear");
    refused("Content-Length: 4\r\nX: 1\r\ncontent-length: 0", "pear");
}

#[test]
fn a_length_said_twice_is_that_length() {
    assert_eq!(
        both_answered("Content-Length: 4\r\nContent-Length: 4", "pear"),
        "pear"
    );
    assert_eq!(
        both_answered("Content-Length: 4\r\nContent-Length: 04", "pear"),
        "pear"
    );
}

#[test]
fn a_list_of_lengths_is_bad() {
    refused("Content-Length: 4, 4", "pear");
    refused("Content-Length: 4,5", "pear");
}

#[test]
fn a_length_that_is_no_number_is_bad() {
    for length in ["-4", "+4", "4.0", "0x4", "4 4", "four", "", "4;", "\u{662}"] {
        refused(&format!("Content-Length: {length}"), "pear");
    }
}

#[test]
fn a_length_beyond_all_numbers_is_refused() {
    refused("Content-Length: 18446744073709551616", "pear");
    refused("Content-Length: 99999999999999999999999999", "pear");
    let server = served();
    let largest =
        "POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Length: 18446744073709551615\r\n\r\npear";
    let mut client = server.send(largest);
    let status = client.answer().status;
    assert!(matches!(status, 413 | 431), "{status}");
    drop(client);
    server.still_answers();
    let large =
        "POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Length: 9223372036854775807\r\n\r\npear";
    server.refuses(413, large);
}

#[test]
fn spaces_around_a_length_do_not_matter() {
    assert_eq!(both_answered("Content-Length:  \t4 \t", "pear"), "pear");
    assert_eq!(both_answered("Content-Length:4", "pear"), "pear");
}

#[test]
fn a_coding_whose_last_is_not_chunked_is_bad() {
    for coding in [
        "identity",
        "gzip",
        "chunked, gzip",
        "xchunked",
        "chunkedx",
        "chunked;q=1",
        "\"chunked\"",
        "chunked, identity",
        "",
    ] {
        refused(&format!("Transfer-Encoding: {coding}"), "0\r\n\r\n");
    }
    refused(
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "0\r\n\r\n",
    );
}

#[test]
fn a_coding_beside_chunked_is_not_implemented() {
    for headers in [
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: ,chunked",
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    ] {
        let server = served();
        let request = format!(
            "POST /echo HTTP/1.1\r\nHost: shop\r\n{headers}\r\n\r\n0\r\n\r\nGET /hello HTTP/1.1\r\nHost: shop\r\n\r\n"
        );
        server.refuses(501, request);
    }
}

#[test]
fn chunked_in_any_case_is_chunked() {
    assert_eq!(
        both_answered("Transfer-Encoding: Chunked", "4\r\npear\r\n0\r\n\r\n"),
        "pear"
    );
    assert_eq!(
        both_answered("TRANSFER-ENCODING:\tCHUNKED ", "4\r\npear\r\n0\r\n\r\n"),
        "pear"
    );
}

#[test]
fn http_1_0_has_no_codings() {
    let server = served();
    server.refuses(
        400,
        "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n4\r\npear\r\n0\r\n\r\n",
    );
}

#[test]
fn a_size_of_a_chunk_that_is_no_number_is_bad() {
    for size in [
        "", "x", "-1", "+4", "0x4", "4 4", " 4", "4.", "\u{664}", "4\r",
    ] {
        refused(
            "Transfer-Encoding: chunked",
            &format!("{size}\r\npear\r\n0\r\n\r\n"),
        );
    }
}

#[test]
fn a_size_of_a_chunk_beyond_all_numbers_is_bad() {
    refused(
        "Transfer-Encoding: chunked",
        "10000000000000004\r\npear\r\n0\r\n\r\n",
    );
    refused(
        "Transfer-Encoding: chunked",
        &format!("{}4\r\npear\r\n0\r\n\r\n", "f".repeat(64)),
    );
}

#[test]
fn a_line_feed_alone_does_not_end_a_line_of_a_chunk() {
    refused("Transfer-Encoding: chunked", "4\npear\r\n0\r\n\r\n");
    refused("Transfer-Encoding: chunked", "4\r\npear\n0\r\n\r\n");
    refused("Transfer-Encoding: chunked", "4\r\npear\r\n0\n\r\n");
    refused("Transfer-Encoding: chunked", "4;a\nb\r\npear\r\n0\r\n\r\n");
}

#[test]
fn a_chunk_longer_than_it_says_is_bad() {
    refused("Transfer-Encoding: chunked", "3\r\npear\r\n0\r\n\r\n");
}

#[test]
fn extensions_of_chunks_are_passed_over() {
    let body = "4;a=b;c=\"d\"\r\npear\r\n1 ;x\r\ns\r\n0;last\r\n\r\n";
    assert_eq!(both_answered("Transfer-Encoding: chunked", body), "pears");
}

#[test]
fn extensions_without_end_are_bad() {
    let body = format!("4;{}\r\npear\r\n0\r\n\r\n", "x".repeat(20_000));
    refused("Transfer-Encoding: chunked", &body);
}

#[test]
fn zeros_before_a_size_do_not_matter() {
    assert_eq!(
        both_answered("Transfer-Encoding: chunked", "0004\r\npear\r\n000\r\n\r\n"),
        "pear"
    );
}

#[test]
fn trailers_are_passed_over() {
    let body = "4\r\npear\r\n0\r\nX-Sum: 1\r\nContent-Length: 900\r\nHost: other\r\n\r\n";
    assert_eq!(
        both_answered("Transfer-Encoding: chunked\r\nTrailer: X-Sum", body),
        "pear"
    );
}

#[test]
fn trailers_without_end_are_bad() {
    let body = format!("4\r\npear\r\n0\r\nX-Sum: {}\r\n\r\n", "x".repeat(20_000));
    refused("Transfer-Encoding: chunked", &body);
    let body = format!("4\r\npear\r\n0\r\n{}\r\n", "X-Sum: 1\r\n".repeat(200));
    refused("Transfer-Encoding: chunked", &body);
}

#[test]
fn a_get_may_have_a_body_and_it_is_no_request() {
    let server = served();
    let smuggled = "GET /panic HTTP/1.1\r\nHost: shop\r\n\r\n";
    let request = format!(
        "GET /hello HTTP/1.1\r\nHost: shop\r\nContent-Length: {}\r\n\r\n{smuggled}GET /host HTTP/1.1\r\nHost: shop\r\n\r\n",
        smuggled.len()
    );
    let mut client = server.send(request);
    assert_eq!(client.answer().text(), "Hello, World!");
    assert_eq!(client.answer().text(), "shop");
    server.still_answers();
}

#[test]
fn a_bad_body_that_nobody_reads_ends_its_connection() {
    let server = served();
    let request = "POST /ignore HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nGET /panic HTTP/1.1\r\nHost: shop\r\n\r\n";
    let mut client = server.send(request);
    assert_eq!(client.answer().text(), "not read");
    client.ends();
    drop(client);
    server.still_answers();
}
