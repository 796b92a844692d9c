//! Takes the target apart before it is an environ.

use carafe::App;
use carafe::wsgi::{Environ, WsgiApp};
use http::Method;
use percent_encoding::percent_decode_str;

// ANCHOR: serve
pub(crate) fn serve(app: &App, request: &str) -> String {
    let line = request.lines().next().unwrap_or_default();
    let mut words = line.split(' ');
    let method = words.next().unwrap_or_default();
    let target = words.next().unwrap_or_default();
    // First apart, then decoded: a %3F is no ?.
    let (path, query) = target.split_once('?').unwrap_or((target, ""));

    let mut environ = Environ::builder("/").build().unwrap();
    environ.method = Method::from_bytes(method.as_bytes()).unwrap();
    environ.path_info = percent_decode_str(path).decode_utf8_lossy().into_owned();
    environ.query_string = query.to_owned();

    let mut answer = String::new();
    let body = app.call(environ, &mut |status, headers: http::HeaderMap| {
        answer = format!("HTTP/1.1 {status}\r\n");
        for (name, value) in &headers {
            answer += &format!("{name}: {}\r\n", value.to_str().unwrap());
        }
        answer += "\r\n";
    });
    let body = body.unwrap().into_bytes().unwrap();
    answer + &String::from_utf8_lossy(&body)
}
// ANCHOR_END: serve
