//! For the chapter on the WSGI edge.

use std::sync::{Arc, Mutex};

use carafe::Error;
use carafe::wsgi::{Body, Environ, StartResponse, WsgiApp};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{StatusCode, header};

use super::Output;

#[path = "../../../examples/middleware.rs"]
mod middleware;
use middleware::{RequestId, create_app};

pub(crate) const OUTPUTS: &[Output] = &[
    ("wsgi/environ", environ),
    ("wsgi/by_hand", by_hand),
    ("wsgi/wrapped", wrapped),
    ("wsgi/close", close),
];

// ANCHOR: environ
fn environ() -> String {
    let environ = Environ::builder("/item/a%20pear")
        .base_url("https://shop.example/eu")
        .query_string("color=green")
        .build()
        .unwrap();
    [
        format!("method        {}", environ.method),
        format!("script_name   {}", environ.script_name),
        format!("path_info     {}", environ.path_info),
        format!("query_string  {}", environ.query_string),
        format!("url_scheme    {}", environ.url_scheme),
        format!("Host          {:?}", environ.headers[header::HOST]),
    ]
    .join("\n")
}
// ANCHOR_END: environ

// ANCHOR: answer
/// What a server does with one request, but for the socket: this writes into a text.
fn answer(app: &dyn WsgiApp, environ: Environ) -> Result<String, Error> {
    let mut sent = String::new();
    let mut start_response = |status: StatusCode, headers: HeaderMap| {
        sent.push_str(&format!("HTTP/1.1 {status}\n"));
        for (name, value) in &headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            sent.push_str(&format!("{name}: {value}\n"));
        }
    };
    let mut body = app.call(environ, &mut start_response)?;
    sent.push('\n');
    for chunk in &mut body {
        sent.push_str(&String::from_utf8_lossy(&chunk?));
    }
    body.close();
    Ok(sent)
}
// ANCHOR_END: answer

// ANCHOR: hello
fn by_hand() -> String {
    let hello = |environ: Environ, start_response: &mut dyn StartResponse| {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        start_response.start_response(StatusCode::OK, headers);
        Ok(Body::from(format!("You asked for {}.", environ.path_info)))
    };
    answer(&hello, Environ::builder("/pear").build().unwrap()).unwrap()
}
// ANCHOR_END: hello

// ANCHOR: wrapped
fn wrapped() -> String {
    let site = RequestId::new(create_app());
    answer(&site, Environ::builder("/").build().unwrap()).unwrap()
}
// ANCHOR_END: wrapped

// ANCHOR: close
fn close() -> String {
    let log = Arc::new(Mutex::new(Vec::new()));
    let (made, closed) = (Arc::clone(&log), Arc::clone(&log));

    let mut body = Body::stream((1..=3).map(move |number| {
        made.lock().unwrap().push(format!("chunk {number} is made"));
        Ok("...".into())
    }));
    body.call_on_close(move || closed.lock().unwrap().push("the body is closed".to_owned()));

    body.next(); // The server sends one chunk, and finds that the visitor has gone.
    drop(body);
    let log = log.lock().unwrap();
    log.join("\n")
}
// ANCHOR_END: close
