//! Hands the target to the app as it came.

use carafe::App;
use carafe::wsgi::{Environ, WsgiApp};
use http::Method;

// ANCHOR: serve
pub(crate) fn serve(app: &App, request: &str) -> String {
    let line = request.lines().next().unwrap_or_default();
    let mut words = line.split(' ');
    let method = words.next().unwrap_or_default();
    let target = words.next().unwrap_or_default();

    let mut environ = Environ::builder("/").build().unwrap();
    environ.method = Method::from_bytes(method.as_bytes()).unwrap();
    environ.path_info = target.to_owned();

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
