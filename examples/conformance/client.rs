//! Sends a scenario's requests and writes down what came back.
//!
//! The requests are built as a server would build them, not by the test client: a scenario says exactly
//! what is sent, and its jar is simpler than a browser's.

use std::borrow::Cow;
use std::io::Cursor;

use carafe::wrappers::datastructures::{latin1_decode, latin1_encode};
use carafe::wsgi::Environ;
use carafe::{Dict, Error, Value, has_app_context, has_request_context};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use percent_encoding::percent_decode_str;

use crate::ops::truth;
use crate::scenario::{Scenario, build, items, text, whole_seconds};

/// The results of all of a scenario's requests.
pub fn run(scenario: &Dict) -> Result<Vec<Value>, String> {
    let built = build(scenario)?;
    let mut jar = Jar::default();
    let mut now = built.now;
    let mut results = Vec::new();
    for request in items(scenario, "requests") {
        let request = request.as_dict().ok_or("a request is an object")?;
        results.push(Value::Dict(send(&built, request, &mut jar, &mut now)?));
    }
    Ok(results)
}

/// The client's cookies: raw values by name, nothing of a browser's rules but `Max-Age=0`.
#[derive(Default)]
struct Jar(indexmap::IndexMap<String, String>);

impl Jar {
    fn store(&mut self, set_cookie: &str) {
        let mut parts = set_cookie.split(';');
        let pair = parts.next().unwrap_or_default();
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if parts.any(|part| part.trim().eq_ignore_ascii_case("max-age=0")) {
            self.0.shift_remove(name);
        } else {
            self.0.insert(name.to_owned(), value.to_owned());
        }
    }

    fn header(&self) -> Option<String> {
        let pairs: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

fn send(scenario: &Scenario, request: &Dict, jar: &mut Jar, now: &mut f64) -> Result<Dict, String> {
    if let Some(seconds) = request.get("advance").and_then(Value::as_f64) {
        *now += seconds;
        scenario.clock.set(whole_seconds(*now)?);
    }
    if request.get("drop_cookies").is_some_and(truth) {
        jar.0.clear();
    }
    if let Some(cookies) = request.get("set_jar").and_then(Value::as_dict) {
        for (name, value) in cookies {
            let value = value.as_str().ok_or("a cookie in set_jar is text")?;
            jar.0.insert(wire_text(name), wire_text(value));
        }
    }
    let environ = make_environ(request, jar)?;
    scenario.log.take();
    let mut stages = Vec::new();
    let answer = if scenario.stages {
        let (answer, trace) = carafe::trace::record(|| call_wsgi(scenario, environ));
        for (depth, name) in trace.stages() {
            stages.push(Value::List(vec![depth.into(), name.into()]));
        }
        answer
    } else {
        call_wsgi(scenario, environ)
    };
    let mut result = Dict::new();
    match answer {
        Ok((status, headers, body)) => {
            for cookie in headers.get_all(header::SET_COOKIE) {
                jar.store(&latin1_decode(cookie.as_bytes()));
            }
            let contexts = [has_app_context().into(), has_request_context().into()];
            let [app, request] = contexts;
            scenario.log.push(["contexts_after".into(), app, request]);
            result.insert("status".into(), i64::from(status.as_u16()).into());
            result.insert(
                "headers".into(),
                Value::List(headers.iter().map(header_pair).collect()),
            );
            result.insert(
                "body".into(),
                String::from_utf8_lossy(&body).into_owned().into(),
            );
        }
        Err(error) => {
            result.insert("propagated".into(), error.type_name().into());
        }
    }
    result.insert("events".into(), Value::List(scenario.log.take()));
    if scenario.stages {
        result.insert("stages".into(), Value::List(stages));
    }
    Ok(result)
}

type Answer = (StatusCode, HeaderMap, Vec<u8>);

/// Calls the app as a server does, and reads and closes the body.
fn call_wsgi(scenario: &Scenario, environ: Environ) -> Result<Answer, Error> {
    let mut started = None;
    let body = scenario
        .app
        .wsgi_app(environ, &mut |status: StatusCode, headers: HeaderMap| {
            started = Some((status, headers));
        })?;
    let body = body.into_bytes()?.to_vec();
    let (status, headers) =
        started.ok_or_else(|| Error::assertion("start_response was not called"))?;
    Ok((status, headers, body))
}

fn header_pair((name, value): (&HeaderName, &HeaderValue)) -> Value {
    // Text that Latin-1 does not have went out as UTF-8; Flask's list of headers shows it as it was
    // given. (Cookies are UTF-8 read as Latin-1 on Flask too.)
    let utf8 = std::str::from_utf8(value.as_bytes()).ok();
    let given = utf8.filter(|text| text.chars().any(|c| c > '\u{ff}'));
    let text = match given {
        Some(text) if name != header::SET_COOKIE => text.into(),
        _ => latin1_decode(value.as_bytes()),
    };
    Value::List(vec![name.as_str().into(), text.into_owned().into()])
}

/// Text as its UTF-8 bytes, each of them one character: what a header or path is in WSGI.
fn wire_text(text: &str) -> String {
    text.bytes().map(char::from).collect()
}

fn header_value(wire: &str) -> Result<HeaderValue, String> {
    let bytes: Cow<'_, [u8]> = latin1_encode(wire);
    HeaderValue::from_bytes(&bytes).map_err(|error| format!("{wire:?}: {error}"))
}

fn decode(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

fn make_environ(request: &Dict, jar: &Jar) -> Result<Environ, String> {
    let base_url = match request.get("base_url") {
        None => "http://localhost",
        Some(url) => url.as_str().ok_or("base_url is text")?,
    };
    // Scheme, host and script name as Werkzeug's own client writes them: the host in lower case, and in ASCII.
    let base = Environ::builder("/")
        .base_url(base_url)
        .build()
        .map_err(|error| error.to_string())?;
    let (path, query) = text(request, "path")?
        .split_once('?')
        .unwrap_or((text(request, "path")?, ""));
    let method = request
        .get("method")
        .and_then(Value::as_str)
        .unwrap_or("GET");
    let body = request.get("body").and_then(Value::as_str);
    Ok(Environ {
        method: Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?,
        path_info: decode(path),
        query_string: query.to_owned(),
        headers: make_headers(request, jar, base.headers, body)?,
        input: Box::new(Cursor::new(body.unwrap_or_default().as_bytes().to_vec())),
        input_terminated: false,
        ..base
    })
}

/// The headers: several of one name become one, as in WSGI.
fn make_headers(
    request: &Dict,
    jar: &Jar,
    base: HeaderMap,
    body: Option<&str>,
) -> Result<HeaderMap, String> {
    let mut joined: indexmap::IndexMap<String, Vec<String>> = indexmap::IndexMap::new();
    for pair in items(request, "headers") {
        let Some([Value::Str(name), Value::Str(value)]) = pair.as_list() else {
            return Err("a header is a pair of texts".to_owned());
        };
        let name = name.to_ascii_lowercase().replace('_', "-");
        joined.entry(name).or_default().push(wire_text(value));
    }
    joined.shift_remove("content-length");
    // Of several content types the first counts, as with Werkzeug's client.
    if let Some(content_types) = joined.get_mut("content-type") {
        content_types.truncate(1);
    }
    if let Some(length) = body.map(str::len) {
        joined.insert("content-length".to_owned(), vec![length.to_string()]);
    }
    if let Some(content_type) = request.get("content_type").and_then(Value::as_str) {
        joined.insert("content-type".to_owned(), vec![content_type.to_owned()]);
    }
    let mut cookies = joined.shift_remove("cookie").unwrap_or_default();
    let sends_jar = request.get("cookies").is_none_or(truth);
    if let Some(from_jar) = jar.header().filter(|_| sends_jar) {
        cookies.insert(0, from_jar);
    }
    // So far it has the base URL's Host, which one of the request's own replaces.
    let mut headers = base;
    if !cookies.is_empty() {
        headers.insert(header::COOKIE, header_value(&cookies.join("; "))?);
    }
    for (name, values) in joined {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
        headers.insert(name, header_value(&values.join(", "))?);
    }
    Ok(headers)
}
