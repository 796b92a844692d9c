//! Stage 11, `Flask.make_response`: a response of whatever the view returned.
//!
//! The code: `src/lifecycle/response.rs`, `make_response_for`, and `src/typing.rs`, what may be returned.
//! Every answer here is what Flask 3.1.3 gives for the same return. Next: `after_request.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use std::borrow::Cow;

use carafe::testing::TestResponse;
use carafe::typing::IntoReturnValue;
use carafe::{
    Dict, Error, HttpException, Json, Response, Scaffold, Value, jsonify, make_response, redirect,
};
use common::{app, subtree, try_visit, visit};

/// The answer to a GET of an app whose one view returns what `view` does.
#[track_caller]
fn answer<R: IntoReturnValue>(view: impl Fn() -> R + Send + Sync + 'static) -> TestResponse {
    let mut app = app();
    app.add_url_rule("/", "view", view);
    visit(&app, "/").0
}

/// The error that leaves such an app in testing.
#[track_caller]
fn failure<R: IntoReturnValue>(view: impl Fn() -> R + Send + Sync + 'static) -> String {
    let mut app = app();
    app.config().set("TESTING", true).unwrap();
    app.add_url_rule("/", "view", view);
    format!("{:?}", try_visit(&app, "/").0.unwrap_err())
}

/// Status, content type and text.
fn parts(response: &TestResponse) -> (u16, String, String) {
    let content_type = response.header("Content-Type").unwrap_or_default();
    (response.status_code(), content_type, response.text())
}

fn html(status: u16, text: &str) -> (u16, String, String) {
    let content_type = "text/html; charset=utf-8".to_owned();
    (status, content_type, text.to_owned())
}

fn json(status: u16, text: &str) -> (u16, String, String) {
    (status, "application/json".to_owned(), text.to_owned())
}

#[test]
fn text_is_a_page() {
    assert_eq!(parts(&answer(|| "hello")), html(200, "hello"));
    assert_eq!(parts(&answer(|| "hello".to_owned())), html(200, "hello"));
    let borrowed = || -> Cow<'static, str> { Cow::Borrowed("hello") };
    assert_eq!(parts(&answer(borrowed)), html(200, "hello"));
    assert_eq!(parts(&answer(|| "")), html(200, ""));
}

#[test]
fn bytes_are_a_page_too_and_are_sent_as_they_are() {
    let response = answer(|| vec![0xff_u8, 0x00]);
    assert_eq!(response.data().as_ref(), [0xff, 0x00]);
    assert_eq!(response.header("Content-Length").as_deref(), Some("2"));
    let response = answer(|| bytes::Bytes::from_static(b"hello"));
    assert_eq!(parts(&response), html(200, "hello"));
}

#[test]
fn dicts_and_lists_are_json_with_sorted_keys_and_a_newline() {
    let dict = || -> Dict {
        let list = Value::from(vec![Value::Int(1), Value::Null]);
        [("b".to_owned(), Value::Int(1)), ("a".to_owned(), list)]
            .into_iter()
            .collect()
    };
    assert_eq!(
        parts(&answer(dict)),
        json(200, "{\"a\":[1,null],\"b\":1}\n")
    );
    assert_eq!(
        parts(&answer(|| Value::from(vec![Value::Int(1), "x".into()]))),
        json(200, "[1,\"x\"]\n")
    );
    assert_eq!(
        parts(&answer(|| Json(("x", 1.5)))),
        json(200, "[\"x\",1.5]\n")
    );
    assert_eq!(parts(&answer(|| jsonify([true]))), json(200, "[true]\n"));
}

#[test]
fn json_is_indented_in_debug_mode() {
    let mut app = app();
    app.config().set("DEBUG", true).unwrap();
    app.route("/", || Json([1, 2]));
    assert_eq!(visit(&app, "/").0.text(), "[\n  1,\n  2\n]\n");
}

#[test]
fn a_tuple_adds_a_status_headers_or_both() {
    assert_eq!(parts(&answer(|| ("made", 201))), html(201, "made"));
    assert_eq!(parts(&answer(|| (Json([1]), 418))), json(418, "[1]\n"));
    assert_eq!(
        parts(&answer(|| ("made", http::StatusCode::CREATED))),
        html(201, "made")
    );
    let response = answer(|| ("made", [("X-A", "1")]));
    assert_eq!(response.header("X-A").as_deref(), Some("1"));
    let response = answer(|| ("made", 201, [("X-A", "1"), ("Content-Type", "text/plain")]));
    assert_eq!(
        parts(&response),
        (201, "text/plain".to_owned(), "made".to_owned())
    );
    assert_eq!(response.header("X-A").as_deref(), Some("1"));
    let response = answer(|| ("made", [("X-A", 1.to_string())]));
    assert_eq!(response.header("X-A").as_deref(), Some("1"));
    let response = answer(|| ("made", vec![("X-A", "1"), ("X-B", "2")]));
    assert_eq!(response.header("X-B").as_deref(), Some("2"));
}

#[test]
fn a_status_may_be_a_whole_line() {
    assert_eq!(
        parts(&answer(|| ("made", "201 CREATED"))),
        html(201, "made")
    );
    assert!(failure(|| ("made", "")).starts_with("ValueError: "));
}

#[test]
fn headers_beside_a_body_are_added_and_beside_a_response_they_replace() {
    let all = |response: &TestResponse| -> Vec<String> {
        let values = response.headers().get_all("X-A").iter();
        values.map(|v| v.to_str().unwrap().to_owned()).collect()
    };
    let response = answer(|| ("x", [("X-A", "1"), ("X-A", "2")]));
    assert_eq!(all(&response), ["1", "2"]);
    let response = answer(|| {
        let mut response = Response::new("x");
        response.set_header("X-A", "0")?;
        Ok::<_, Error>((response, [("X-A", "1"), ("X-A", "2")]))
    });
    assert_eq!(all(&response), ["2"]);
}

#[test]
fn all_values_of_a_header_map_are_kept_whatever_they_are_beside() {
    let headers = || {
        let mut headers = http::HeaderMap::new();
        for value in ["1", "2"] {
            headers.append("X-A", value.parse().unwrap());
        }
        headers
    };
    let all = |response: &TestResponse| -> Vec<String> {
        let values = response.headers().get_all("X-A").iter();
        values.map(|v| v.to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(all(&answer(move || ("x", headers()))), ["1", "2"]);
    assert_eq!(all(&answer(move || (Json([1]), headers()))), ["1", "2"]);
    let response = answer(move || {
        let mut response = Response::new("x");
        response.set_header("X-A", "0")?;
        Ok::<_, Error>((response, headers()))
    });
    assert_eq!(all(&response), ["1", "2"]);
}

#[test]
fn a_content_length_beside_a_body_is_corrected() {
    let response = answer(|| ("x", [("Content-Length", "7")]));
    assert_eq!(response.header("Content-Length").as_deref(), Some("1"));
    // A response knows what it says.
    let response = answer(|| (Response::new("x"), [("Content-Length", "7")]));
    assert_eq!(response.header("Content-Length").as_deref(), Some("7"));
}

#[test]
fn a_header_with_a_line_break_is_an_unhandled_error() {
    assert_eq!(
        failure(|| ("x", [("X-A", "a\nSet-Cookie: b=c")])),
        "ValueError: Header values must not contain newline characters."
    );
}

#[test]
fn nothing_is_an_unhandled_error_that_names_the_endpoint() {
    let message = "TypeError: The view function for 'view' did not return a valid response. The \
                   function either returned None or ended without a return statement.";
    assert_eq!(failure(|| None::<&str>), message);
    assert_eq!(failure(|| (None::<&str>, 200)), message);
    assert_eq!(parts(&answer(|| Some("hello"))), html(200, "hello"));
}

#[test]
fn the_error_of_a_return_is_found_after_the_view_so_only_500_handlers_see_it() {
    fn any(_error: &Error) -> &'static str {
        "never"
    }
    fn nothing() -> Option<&'static str> {
        None
    }
    let mut app = app();
    app.route("/", nothing);
    app.errorhandler_for(|_: &carafe::error::PyError| "never either");
    let (response, trace) = visit(&app, "/");
    assert_eq!(response.status_code(), 500);
    assert_eq!(
        subtree(&trace, "Flask.full_dispatch_request")[4..],
        [
            "  Flask.dispatch_request",
            "    view nothing",
            "  Flask.finalize_request raises TypeError",
            "    Flask.make_response raises TypeError",
        ]
    );
    // A handler for any error is one for the 500 as well.
    let mut app = common::app();
    app.route("/", nothing);
    app.errorhandler_for(any);
    assert_eq!(visit(&app, "/").0.text(), "never");
}

#[test]
fn an_http_error_may_be_returned_instead_of_raised_and_then_has_no_handler() {
    fn handler(_error: &HttpException) -> &'static str {
        "never"
    }
    let mut app = app();
    app.route("/", HttpException::not_found);
    app.route("/tuple", || (HttpException::not_found(), 200));
    app.errorhandler(404, handler);
    let (response, trace) = visit(&app, "/");
    assert_eq!(response.status_code(), 404);
    assert!(response.text().contains("<h1>Not Found</h1>"));
    assert_eq!(trace.hooks(), ["view not_found"]);
    let response = visit(&app, "/tuple").0;
    assert_eq!(response.status_code(), 200);
    assert!(response.text().contains("<h1>Not Found</h1>"));
}

#[test]
fn a_result_is_what_is_in_it() {
    assert_eq!(
        parts(&answer(|| Ok::<_, Error>(("made", 201)))),
        html(201, "made")
    );
    assert_eq!(
        answer(|| Err::<&str, Error>(HttpException::new(410).into())).status_code(),
        410
    );
}

#[test]
fn a_response_without_a_body_has_no_content_length() {
    let response = answer(|| ("", 204));
    assert_eq!(response.header("Content-Length"), None);
    assert_eq!(parts(&response), html(204, ""));
    let response = answer(|| ("ignored", 304));
    assert!(response.headers().is_empty());
    assert_eq!(response.text(), "");
}

#[test]
fn a_redirect_has_a_page_and_a_location() {
    let response = answer(|| redirect("/login?next=/cart&x=<1>"));
    assert_eq!(response.status_code(), 302);
    assert_eq!(
        response.header("Location").as_deref(),
        Some("/login?next=/cart&x=%3C1%3E")
    );
    assert!(
        response
            .text()
            .contains("You should be redirected automatically")
    );
    assert_eq!(
        failure(|| redirect("/\nSet-Cookie: a=b")),
        "ValueError: Header values must not contain newline characters."
    );
}

#[test]
fn a_control_character_in_a_location_is_quoted() {
    let response = answer(|| redirect("/caf\u{e9}/\0\x7f"));
    assert_eq!(response.status_code(), 302);
    let location = response.header("Location");
    assert_eq!(location.as_deref(), Some("/caf%C3%A9/%00%7F"));
    // In front of all, `urlsplit` drops them.
    for front in ["\u{1}", "\u{1f}\u{2} ", "\0\t", "\t\u{1}"] {
        let response = answer(move || redirect(format!("{front}/a\u{1}")));
        assert_eq!(response.header("Location").as_deref(), Some("/a%01"));
    }
}

#[test]
fn make_response_makes_one_to_change_before_it_is_returned() {
    let response = answer(|| {
        let mut response = make_response(("made", 201))?;
        response.set_header("X-A", "1")?;
        Ok::<_, Error>(response)
    });
    assert_eq!(parts(&response), html(201, "made"));
    assert_eq!(response.header("X-A").as_deref(), Some("1"));
}

#[test]
fn an_error_handlers_and_a_before_functions_return_go_the_same_way() {
    let mut app = app();
    app.before_request(|| Some((Json([1]), 202)));
    assert_eq!(parts(&visit(&app, "/").0), json(202, "[1]\n"));

    let mut app = common::app();
    app.errorhandler(404, |_| (Json([2]), 404));
    assert_eq!(parts(&visit(&app, "/").0), json(404, "[2]\n"));
}
