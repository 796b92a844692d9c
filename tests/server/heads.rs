//! Heads of requests: malformed ones get a 400 and the end of their connection, odd ones what HTTP says.
//!
//! The code: hyper's parser, and `refusal` in `src/server/connection.rs`. Next: `smuggling.rs`.

use crate::support::{HELLO, served};

/// A 400, the end, and the server goes on.
#[track_caller]
fn is_bad(head: impl AsRef<[u8]>) {
    let answer = served().refuses(400, head);
    assert_eq!(answer.header("connection"), Some("close"));
}

/// The status of `GET target`, on a connection that then serves another request.
#[track_caller]
fn status_of(request: impl AsRef<[u8]>) -> u16 {
    let server = served();
    let mut client = server.send(request);
    let status = client.answer().status;
    client.write(HELLO);
    assert_eq!(client.answer().status, 200);
    server.still_answers();
    status
}

#[test]
fn a_request_line_without_a_version_is_bad() {
    is_bad("GET /hello\r\n\r\n");
}

#[test]
fn a_request_line_with_two_spaces_is_bad() {
    is_bad("GET  /hello HTTP/1.1\r\nHost: shop\r\n\r\n");
}

#[test]
fn a_request_line_with_a_space_in_its_target_is_bad() {
    is_bad("GET /hel lo HTTP/1.1\r\nHost: shop\r\n\r\n");
}

#[test]
fn a_request_line_without_a_target_is_bad() {
    is_bad("GET HTTP/1.1\r\nHost: shop\r\n\r\n");
}

#[test]
fn a_method_that_is_no_token_is_bad() {
    is_bad("G@T /hello HTTP/1.1\r\nHost: shop\r\n\r\n");
}

#[test]
fn a_version_that_nobody_knows_is_bad() {
    is_bad("GET /hello HTTP/3.7\r\nHost: shop\r\n\r\n");
    is_bad("GET /hello HTTP/1.2\r\nHost: shop\r\n\r\n");
    is_bad("GET /hello HTTP/2.0\r\nHost: shop\r\n\r\n");
    is_bad("GET /hello http/1.1\r\nHost: shop\r\n\r\n");
    is_bad("GET /hello ICAP/1.0\r\nHost: shop\r\n\r\n");
}

#[test]
fn the_preface_of_http_2_ends_the_connection() {
    let server = served();
    let mut client = server.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    client.ends();
    drop(client);
    server.still_answers();
}

#[test]
fn the_hello_of_tls_is_bad() {
    let hello = b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03\x9a\x01\xff\xfe shop \x00";
    is_bad(hello);
}

#[test]
fn noise_is_bad() {
    let noise: Vec<u8> = (0..=255).rev().cycle().take(4000).collect();
    is_bad(noise);
}

#[test]
fn a_nul_in_a_target_is_bad() {
    is_bad(b"GET /hel\0lo HTTP/1.1\r\nHost: shop\r\n\r\n");
}

#[test]
fn a_nul_in_a_header_is_bad() {
    is_bad(b"GET /hello HTTP/1.1\r\nHost: shop\r\nX-Pear: a\0b\r\n\r\n");
    is_bad(b"GET /hello HTTP/1.1\r\nHost: shop\r\nX-P\0ear: ab\r\n\r\n");
}

#[test]
fn other_controls_in_a_header_are_bad() {
    is_bad(b"GET /hello HTTP/1.1\r\nHost: shop\r\nX-Pear: a\x0bb\r\n\r\n");
    is_bad(b"GET /hello HTTP/1.1\r\nHost: shop\r\nX-Pear: a\x7fb\r\n\r\n");
}

#[test]
fn a_carriage_return_alone_is_bad() {
    is_bad(b"GET /hello HTTP/1.1\r\nHost: shop\r\nX-Pear: a\rX-Plum: b\r\n\r\n");
    is_bad(b"GET /hello HTTP/1.1\rHost: shop\r\r");
}

#[test]
fn a_line_feed_alone_ends_a_line_too() {
    assert_eq!(status_of("GET /hello HTTP/1.1\nHost: shop\n\n"), 200);
}

#[test]
fn a_header_without_a_colon_is_bad() {
    is_bad("GET /hello HTTP/1.1\r\nHost: shop\r\nX-Pear\r\n\r\n");
}

#[test]
fn a_header_without_a_name_is_bad() {
    is_bad("GET /hello HTTP/1.1\r\nHost: shop\r\n: pear\r\n\r\n");
}

#[test]
fn a_space_before_the_colon_is_bad() {
    is_bad("GET /hello HTTP/1.1\r\nHost: shop\r\nX-Pear : 1\r\n\r\n");
    is_bad("GET /hello HTTP/1.1\r\nHost : shop\r\n\r\n");
}

#[test]
fn a_header_that_goes_on_in_the_next_line_is_bad() {
    is_bad("GET /hello HTTP/1.1\r\nHost: shop\r\nX-Pear: 1\r\n 2\r\n\r\n");
    is_bad("GET /hello HTTP/1.1\r\n Host: shop\r\n\r\n");
}

#[test]
fn a_request_without_a_host_is_bad() {
    is_bad("GET /hello HTTP/1.1\r\n\r\n");
    is_bad("GET http://shop/hello HTTP/1.1\r\n\r\n");
}

#[test]
fn a_request_of_http_1_0_needs_no_host() {
    let server = served();
    let mut client = server.send("GET /hello HTTP/1.0\r\n\r\n");
    let answer = client.answer();
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, "Hello, World!")
    );
    client.ends();
    // Its views see the address that it came to.
    let answer = server.ask("GET /host HTTP/1.0\r\n\r\n");
    assert_eq!(answer.text(), server.address.to_string());
}

#[test]
fn two_hosts_are_bad() {
    is_bad("GET /hello HTTP/1.1\r\nHost: shop\r\nHost: shop\r\n\r\n");
    is_bad("GET /hello HTTP/1.1\r\nHost: shop\r\nX: 1\r\nHost: other\r\n\r\n");
    is_bad("GET /hello HTTP/1.0\r\nHost: shop\r\nHost: other\r\n\r\n");
}

#[test]
fn a_host_that_is_none_is_bad() {
    for host in [
        "shop/admin",
        "shop, other",
        "shop other",
        "me@shop",
        "shop?",
        "shop#",
        "sh\\op",
        "\"shop\"",
    ] {
        is_bad(format!("GET /hello HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    }
    is_bad(b"GET /hello HTTP/1.1\r\nHost: sh\xf6p\r\n\r\n");
}

#[test]
fn hosts_of_every_kind_are_fine() {
    for host in [
        "shop",
        "shop.example:8000",
        "127.0.0.1:80",
        "[::1]:80",
        "xn--shp-sna.example",
        "a_b",
        "",
    ] {
        assert_eq!(
            status_of(format!("GET /hello HTTP/1.1\r\nHost: {host}\r\n\r\n")),
            200,
            "{host}"
        );
    }
}

#[test]
fn the_host_of_an_absolute_target_counts_and_not_the_header() {
    let server = served();
    let answer = server.ask("GET http://plums.example:81/host HTTP/1.1\r\nHost: pears\r\n\r\n");
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, "plums.example:81")
    );
    server.still_answers();
}

#[test]
fn a_target_that_is_only_a_host_is_bad() {
    for target in ["plums.example", "plums.example:81", "javascript:alert(1)"] {
        is_bad(format!("GET {target} HTTP/1.1\r\nHost: pears\r\n\r\n"));
    }
}

#[test]
fn a_method_in_lower_case_is_the_same_as_in_flask() {
    assert_eq!(status_of("get /hello HTTP/1.1\r\nHost: shop\r\n\r\n"), 200);
}

#[test]
fn connect_is_not_implemented() {
    let server = served();
    let mut client = server.send("CONNECT shop:443 HTTP/1.1\r\nHost: shop:443\r\n\r\n");
    assert_eq!(client.answer().status, 501);
    drop(client);
    server.still_answers();
}

#[test]
fn options_for_the_server_are_answered() {
    assert_eq!(status_of("OPTIONS * HTTP/1.1\r\nHost: shop\r\n\r\n"), 404);
}

#[test]
fn an_upgrade_is_passed_over() {
    let upgrade = "GET /hello HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n\r\n";
    assert_eq!(status_of(upgrade), 200);
    // No rule is one for websockets, so Werkzeug's router takes none of them.
    let upgrade =
        "GET /hello HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(status_of(upgrade), 400);
}

#[test]
fn escaped_bytes_of_any_kind_are_a_path() {
    assert_eq!(
        status_of("GET /hello%00 HTTP/1.1\r\nHost: shop\r\n\r\n"),
        404
    );
    assert_eq!(
        status_of("GET /%ff%fe%C0%80 HTTP/1.1\r\nHost: shop\r\n\r\n"),
        404
    );
    assert_eq!(status_of("GET /%zz%4 HTTP/1.1\r\nHost: shop\r\n\r\n"), 404);
    assert_eq!(
        status_of("GET /%0d%0aX-Pear:%201 HTTP/1.1\r\nHost: shop\r\n\r\n"),
        404
    );
    assert_eq!(
        status_of("GET /../../etc/passwd HTTP/1.1\r\nHost: shop\r\n\r\n"),
        404
    );
}

#[test]
fn utf_8_in_a_target_is_a_path_and_other_bytes_are_bad() {
    assert_eq!(
        status_of("GET /p\u{e4}r HTTP/1.1\r\nHost: shop\r\n\r\n"),
        404
    );
    is_bad(b"GET /p\xe4r HTTP/1.1\r\nHost: shop\r\n\r\n");
}

#[test]
fn a_target_may_hold_what_browsers_send_as_it_is() {
    assert_eq!(
        status_of("GET /p[a]|\\^{b}'?q=[a]|\\^`{b}' HTTP/1.1\r\nHost: shop\r\n\r\n"),
        404
    );
    for target in ["/<", "/>", "/`", "/hello?<", "/hello?>", "/hello?\""] {
        is_bad(format!("GET {target} HTTP/1.1\r\nHost: shop\r\n\r\n"));
    }
}

#[test]
fn two_slashes_do_not_make_a_host() {
    let server = served();
    let answer = server.ask("GET //other/hello HTTP/1.1\r\nHost: shop\r\n\r\n");
    assert!(matches!(answer.status, 308 | 404), "{answer:?}");
    assert!(
        !answer.header("location").unwrap_or("").contains("//other"),
        "{answer:?}"
    );
    server.still_answers();
}

#[test]
fn empty_lines_before_a_request_are_passed_over() {
    assert_eq!(
        status_of("\r\n\r\nGET /hello HTTP/1.1\r\nHost: shop\r\n\r\n"),
        200
    );
}

#[test]
fn a_head_may_come_byte_by_byte() {
    let server = served();
    let mut client = server.connect();
    for byte in HELLO {
        client.write([*byte]);
    }
    assert_eq!(client.answer().text(), "Hello, World!");
    server.still_answers();
}

#[test]
fn a_client_that_leaves_within_its_head_is_let_go() {
    let server = served();
    let client = server.send("GET /hello HTTP/1.1\r\nHos");
    client.tcp().shutdown(std::net::Shutdown::Write).unwrap();
    let mut client = client;
    client.ends();
    drop(client);
    server.still_answers();
}
