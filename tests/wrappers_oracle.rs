//! Carafe's wrappers beside real Werkzeug, on random input.
//!
//! Needs a Python with Flask 3.1.3: `CARAFE_FLASK_PYTHON`, or `target/venvs/flask-3.1.3`.

#![allow(
    clippy::expect_used,
    reason = "helpers of tests say what went wrong, too"
)]

#[path = "wrappers/oracle.rs"]
mod oracle;
mod python;

use carafe::error::Error;
use carafe::wrappers::cookies::parse_cookie;
use carafe::wrappers::datastructures::latin1_decode;
use carafe::wrappers::dates::{http_date, parse_date};
use carafe::wrappers::exceptions::{DEFAULT_EXCEPTIONS, HttpException};
use carafe::wrappers::headers::{parse_list_header, parse_options_header};
use carafe::wrappers::urls::{iri_to_uri, parse_qsl, uri_to_iri, urlencode};
use carafe::wrappers::{MultiDict, Request, Response, SameSite, SetCookie, redirect};
use carafe::wsgi::Environ;
use http::Method;
use oracle::{Oracle, text};
use serde_json::{Value, json};

const COOKIE_PIECES: &[&str] = &[
    "a", "b", "key", "=", "=", ";", "; ", " ", "\t", "\"", "\"", "\\", "\\054", "\\377", "\\9",
    ",", "é", "☃", "1", "\u{7f}", "%", "/",
];
const URL_PIECES: &[&str] = &[
    "a", "B", "/", "/", "//", "?", "#", "&", "=", "+", "%", "%2F", "%2f", "%C3%A9", "%C3", "%FF",
    "%20", "%zz", "%3F", "%26", "%25", "é", "☃", " ", ";", ":", "@", "~", "\"", "<", "|", "\\",
    "'", "!", "\u{1}", "\t", ".", "..", "[", "]",
];
const HOSTS: &[&str] = &[
    "localhost",
    "example.com",
    "Example.COM:80",
    "a.b:8080",
    "[::1]",
    "[::1]:443",
    "x:443",
    "x:80",
    "user@h",
    "u:p@h:1",
    "",
    "bad_host",
    "h:99999",
    "h:0",
    "1.2.3.4:5",
    "h:",
    "[1:2]",
];

fn pairs(dict: &MultiDict) -> Value {
    json!(dict.iter_multi().collect::<Vec<_>>())
}

fn result(result: Result<String, Error>) -> Result<Value, String> {
    result
        .map(Value::from)
        .map_err(|error| error.type_name().to_owned())
}

fn wsgi(response: Response, method: &Method) -> Value {
    let (status, headers, body) = response.into_wsgi(method);
    let mut headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                latin1_decode(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    headers.sort();
    let body = body
        .into_bytes()
        .expect("a body without a stream has no errors");
    json!([status.as_u16(), headers, latin1_decode(&body)])
}

#[test]
fn cookies_are_dumped_as_werkzeug_dumps_them() {
    let Some(mut oracle) = Oracle::start("dump_cookie") else {
        return;
    };
    let mut rng = fastrand::Rng::with_seed(1);
    for _ in 0..4000 {
        let key = text(&mut rng, &["a", "key", "é", "☃", "-"], 3);
        let value = text(&mut rng, COOKIE_PIECES, 8);
        let now = rng.u64(..4_000_000_000);
        let max_age = rng.bool().then(|| rng.i64(-10..100_000_000));
        let expires = rng.bool().then(|| rng.i64(-1000..10_000_000_000));
        let path = rng.bool().then(|| text(&mut rng, URL_PIECES, 4));
        let domain = rng
            .bool()
            .then(|| text(&mut rng, &["a", "B.c", ".", ".x", ":8", "localhost"], 3));
        let samesite = ["Lax", "strict", "NONE", "bad"][rng.usize(..4)];
        let samesite = rng.bool().then_some(samesite);
        let (secure, httponly, partitioned) = (rng.bool(), rng.bool(), rng.bool());
        let expected = oracle.ask(&json!({
            "op": "dump_cookie", "now": now, "key": key, "value": value, "max_age": max_age, "expires": expires,
            "path": path, "domain": domain, "samesite": samesite, "secure": secure, "httponly": httponly,
            "partitioned": partitioned,
        }));
        let actual = samesite
            .map(str::parse::<SameSite>)
            .transpose()
            .and_then(|samesite| {
                let value = SetCookie::new(key, value)
                    .max_age(max_age)
                    .expires(expires)
                    .path(path.as_deref())
                    .domain(domain.as_deref())
                    .samesite(samesite)
                    .secure(secure)
                    .httponly(httponly)
                    .partitioned(partitioned)
                    .into_header_value(now)?;
                Ok(latin1_decode(value.as_bytes()).into_owned())
            });
        // Which of two mistakes is found first is not the same.
        assert_eq!(result(actual).map_err(drop), expected.map_err(drop));
    }
}

#[test]
fn cookies_are_parsed_as_werkzeug_parses_them() {
    let Some(mut oracle) = Oracle::start("parse_cookie") else {
        return;
    };
    let mut rng = fastrand::Rng::with_seed(2);
    for _ in 0..20_000 {
        let header = text(&mut rng, COOKIE_PIECES, 14);
        let expected = oracle.ask(&json!({"op": "parse_cookie", "header": header}));
        assert_eq!(Ok(pairs(&parse_cookie(&header))), expected, "{header:?}");
    }
}

#[test]
fn dates_are_those_of_werkzeug() {
    let Some(mut oracle) = Oracle::start("http_date, parse_date") else {
        return;
    };
    let mut rng = fastrand::Rng::with_seed(3);
    for _ in 0..4000 {
        let unix = rng.i64(-62_135_596_800..253_402_300_800);
        let date = http_date(unix).expect("a date of Python's");
        assert_eq!(
            Ok(json!(date)),
            oracle.ask(&json!({"op": "http_date", "unix": unix}))
        );
        let date = match rng.u8(..5) {
            0 => date,
            1 => date.replace("GMT", "+0130"),
            2 => date.replace("GMT", "-0800"),
            3 => date.replace(" GMT", ""),
            _ => date.split_once(", ").expect("a weekday").1.to_owned(),
        };
        let expected = oracle.ask(&json!({"op": "parse_date", "text": date}));
        if expected.is_ok() {
            assert_eq!(Ok(json!(parse_date(&date))), expected, "{date:?}");
        }
    }
}

#[test]
fn urls_are_quoted_and_unquoted_as_werkzeug_does() {
    let Some(mut oracle) = Oracle::start("iri_to_uri, uri_to_iri, parse_qsl, urlencode") else {
        return;
    };
    let mut rng = fastrand::Rng::with_seed(4);
    for _ in 0..20_000 {
        let mut url = text(&mut rng, URL_PIECES, 10);
        if rng.bool() {
            let host = HOSTS[rng.usize(..HOSTS.len())];
            url = format!(
                "{}//{host}/{url}",
                ["http:", "HTTPS:", "x:", ""][rng.usize(..4)]
            );
        }
        let expected = oracle.ask(&json!({"op": "iri_to_uri", "text": url}));
        assert_eq!(result(iri_to_uri(&url)), expected, "{url:?}");
        let expected = oracle.ask(&json!({"op": "uri_to_iri", "text": url}));
        assert_eq!(result(uri_to_iri(&url)), expected, "{url:?}");
        let query = text(&mut rng, URL_PIECES, 12);
        let expected = oracle
            .ask(&json!({"op": "parse_qsl", "text": query}))
            .expect("any text will do");
        let as_multi_dict: MultiDict = expected
            .as_array()
            .expect("a list")
            .iter()
            .map(|pair| {
                (
                    pair[0].as_str().expect("text"),
                    pair[1].as_str().expect("text"),
                )
            })
            .collect();
        assert_eq!(parse_qsl(&query), as_multi_dict, "{query:?}");
        let again: Vec<_> = as_multi_dict.iter_multi().collect();
        let expected = oracle.ask(&json!({"op": "urlencode", "pairs": again}));
        assert_eq!(Ok(json!(urlencode(again))), expected);
    }
}

#[test]
fn header_grammars_are_those_of_werkzeug() {
    let Some(mut oracle) = Oracle::start("parse_options_header, parse_list_header") else {
        return;
    };
    let mut rng = fastrand::Rng::with_seed(5);
    let pieces = [
        "a",
        "Text/HTML",
        ";",
        "; ",
        " ;",
        "=",
        "charset",
        "name",
        "*",
        "*0",
        "*1",
        "*=",
        "utf-8''",
        "iso-8859-1'en'",
        "%C3%A9",
        "%22",
        "%",
        "\"",
        "\"",
        "\\",
        "\\\"",
        ",",
        " ",
        "\t",
        "é",
        "x=\"y\"",
        "; b*0*=utf-8''%41",
        "; b*1=c",
    ];
    for _ in 0..20_000 {
        let header = text(&mut rng, &pieces, 12);
        let (value, options) = parse_options_header(&header);
        let options: Vec<_> = options.into_iter().collect();
        let expected = oracle.ask(&json!({"op": "options_header", "text": header}));
        assert_eq!(Ok(json!([value, options])), expected, "{header:?}");
        let expected = oracle.ask(&json!({"op": "list_header", "text": header}));
        assert_eq!(
            Ok(json!(parse_list_header(&header))),
            expected,
            "{header:?}"
        );
    }
}

#[test]
fn error_pages_are_those_of_werkzeug() {
    let Some(mut oracle) = Oracle::start("the error pages") else {
        return;
    };
    let describe = |error: &HttpException| {
        json!({
            "class": error.class_name(),
            "name": error.name(),
            "text": error.to_string(),
            "response": wsgi(error.get_response(), &Method::GET),
        })
    };
    for class in DEFAULT_EXCEPTIONS {
        for description in [None, Some("a <b> & \"c\"\n'd' é"), Some("")] {
            for extra in ["", "retry", "methods"] {
                let mut error = HttpException::new(class.code);
                if let Some(description) = description {
                    error = error.with_description(description);
                }
                if extra == "retry" && matches!(class.code, 429 | 503) {
                    error = error.with_retry_after(7);
                }
                if extra == "methods" && class.code == 405 {
                    error.valid_methods = vec!["GET".into(), "HEAD".into()];
                }
                let question = json!({"op": "exception", "code": class.code, "description": description, "extra": extra});
                assert_eq!(Ok(describe(&error)), oracle.ask(&question));
            }
        }
    }
    for key in ["name", "it's", "a\"'b\\\n<", "é"] {
        for extra in ["key", "show_key"] {
            let mut error = HttpException::bad_request_key_error(key);
            error.show_exception = extra == "show_key";
            let question =
                json!({"op": "exception", "code": 400, "description": key, "extra": extra});
            assert_eq!(Ok(describe(&error)), oracle.ask(&question));
        }
    }
    let mut rng = fastrand::Rng::with_seed(6);
    for _ in 0..1000 {
        let url = text(
            &mut rng,
            &["/", "a", "http://h", "?", "é", "<", "\"", "&", "☃", " "],
            6,
        );
        let question =
            json!({"op": "exception", "code": 308, "description": url, "extra": "redirect"});
        if let Ok(expected) = oracle.ask(&question) {
            assert_eq!(describe(&HttpException::request_redirect(url)), expected);
        }
    }
}

#[test]
fn redirects_and_responses_are_those_of_flask() {
    let Some(mut oracle) = Oracle::start("redirects and responses") else {
        return;
    };
    let mut rng = fastrand::Rng::with_seed(7);
    for _ in 0..3000 {
        let location = text(
            &mut rng,
            &[
                "/", "a", "http://h", "?", "é", "<", "\"", "&", "☃", " ", "\n",
            ],
            6,
        );
        let code = [301, 302, 303, 307, 308][rng.usize(..5)];
        let expected = oracle.ask(&json!({"op": "redirect", "location": location, "code": code}));
        let actual = redirect(&location, code).map(|response| wsgi(response, &Method::GET));
        // A location that is no URL at all is an error only here: see `into_wsgi`.
        if expected.is_ok() || actual.is_err() {
            assert_eq!(
                actual.map_err(|error| error.type_name().to_owned()),
                expected,
                "{location:?}"
            );
        }
    }
    let header_names = [
        "X-A",
        "Content-Type",
        "Content-Length",
        "Allow",
        "Expires",
        "Last-Modified",
        "Content-Location",
        "ETag",
    ];
    for _ in 0..5000 {
        let body = rng.bool().then(|| text(&mut rng, &["a", "é", "\n"], 4));
        let status = [100, 200, 201, 204, 205, 206, 299, 301, 304, 404, 500, 999][rng.usize(..12)];
        let headers: Vec<_> = (0..rng.usize(..4))
            .map(|_| {
                let name = header_names[rng.usize(..header_names.len())];
                let value = text(&mut rng, &["a", "é", " b", "/", "\n"], 3);
                (name, value.trim().to_owned())
            })
            .collect();
        let vary: Vec<_> = (0..rng.usize(..4))
            .map(|_| ["Cookie", "cookie", "Accept", "X-Y"][rng.usize(..4)])
            .collect();
        let method = ["GET", "HEAD", "POST"][rng.usize(..3)];
        let expected = oracle.ask(&json!({
            "op": "response", "body": body, "status": status, "headers": headers, "method": method, "vary": vary,
        }));
        let actual = (|| {
            let mut response = body.map_or_else(Response::default, Response::new);
            response.set_status(status)?;
            for (name, value) in &headers {
                response.add_header(name, value)?;
            }
            for name in vary {
                response.vary_add(name);
            }
            Ok(wsgi(
                response,
                &Method::from_bytes(method.as_bytes()).expect("a method"),
            ))
        })();
        assert_eq!(
            actual.map_err(|error: Error| error.type_name().to_owned()),
            expected
        );
    }
}

#[test]
fn requests_are_read_as_flask_reads_them() {
    let Some(mut oracle) = Oracle::start("the attributes of requests") else {
        return;
    };
    let mut rng = fastrand::Rng::with_seed(8);
    let content_types = [
        "application/x-www-form-urlencoded",
        "application/json",
        "Application/LD+JSON; a=b",
        "text/plain; Charset=x",
        "",
        "application/x-www-form-urlencoded; charset=latin1",
    ];
    let bodies = [
        "a=1&b=%C3%A9&a=+",
        "{\"a\": [1, null]}",
        "{",
        "",
        "é",
        "\u{ff}",
    ];
    let mut built = 0;
    for _ in 0..2500 {
        let path = format!("/{}", text(&mut rng, URL_PIECES, 6));
        let base_url = rng.bool().then(|| {
            let scheme = ["http", "https", "ws"][rng.usize(..3)];
            let host = HOSTS[rng.usize(..HOSTS.len())];
            format!(
                "{scheme}://{host}{}",
                ["", "/", "/app", "/a/b/", "/%C3%A9", "/é", "//x"][rng.usize(..7)]
            )
        });
        let method = ["GET", "POST", "put", "HEAD"][rng.usize(..4)];
        let content_type = rng
            .bool()
            .then(|| content_types[rng.usize(..content_types.len())]);
        let body = rng
            .bool()
            .then(|| bodies[rng.usize(..bodies.len())].to_owned());
        let headers: Vec<_> = (0..rng.usize(..4))
            .map(|_| match rng.u8(..5) {
                0 => (
                    "Cookie",
                    text(&mut rng, COOKIE_PIECES, 6).replace(['☃', '\u{7f}'], ""),
                ),
                1 => ("Transfer-Encoding", "gzip, Chunked".to_owned()),
                2 => ("Host", HOSTS[rng.usize(..HOSTS.len())].to_owned()),
                _ => ("X-Test", text(&mut rng, &["a", "é", "/"], 3)),
            })
            .collect();
        let (form_first, force, silent, debug) = (rng.bool(), rng.bool(), rng.bool(), rng.bool());
        let expected = oracle.ask(&json!({
            "op": "request", "form_first": form_first, "force": force, "silent": silent, "debug": debug,
            "builder": {
                "path": path, "base_url": base_url, "method": method, "content_type": content_type, "body": body,
                "headers": headers,
            },
        }));
        let build_environ = || {
            let mut builder = Environ::builder(path.clone()).method(method);
            if let Some(base_url) = &base_url {
                builder = builder.base_url(base_url.clone());
            }
            if let Some(content_type) = content_type {
                builder = builder.content_type(content_type);
            }
            if let Some(body) = &body {
                let latin1: Vec<u8> = body
                    .chars()
                    .map(|c| u8::try_from(c).expect("latin-1"))
                    .collect();
                builder = builder.body(latin1);
            }
            for (name, value) in &headers {
                builder = builder.header(*name, value.clone());
            }
            builder.build()
        };
        let environ = build_environ();
        let context = format!(
            "{:?} {path:?} {base_url:?} {headers:?}",
            environ.as_ref().err()
        );
        assert_eq!(environ.is_ok(), expected.is_ok(), "{context}");
        let (Ok(expected), Ok(environ)) = (expected, environ) else {
            continue;
        };
        built += 1;
        let request = Request::from_environ(environ);
        request.set_debug(debug);
        let mut actual = describe_request(&request, form_first);
        actual["json"] = describe_json(&request, force, silent);
        for (name, value) in actual.as_object().expect("an object") {
            // Where Python raises for a URL that it can't split, Carafe gives the URI.
            if expected[name].get("error") == Some(&json!("ValueError")) && name.contains("url") {
                continue;
            }
            // Which byte is not UTF-8 is told in Python only.
            let message = expected[name][1].as_str().unwrap_or_default();
            if message.contains("codec can't decode") {
                assert_eq!(value[0], expected[name][0]);
                continue;
            }
            assert_eq!(
                value, &expected[name],
                "{name} of {path:?} {base_url:?} {headers:?} {content_type:?} {body:?}"
            );
        }
    }
    assert!(built > 1500, "only {built} environs were compared");
}

fn describe_request(request: &Request, form_first: bool) -> Value {
    let attempt = |result: Result<Value, Error>| match result {
        Ok(value) => value,
        Err(error) => json!({"error": error.type_name()}),
    };
    let latin1 = |bytes: bytes::Bytes| json!(latin1_decode(&bytes));
    let form = || attempt(request.form().map(pairs));
    let params: std::collections::HashMap<_, _> = request.mimetype_params().iter().collect();
    let mut answer = json!({
        "method": request.method(), "path": request.path(), "root_path": request.root_path(),
        "script_root": request.script_root(), "full_path": request.full_path(), "url": request.url(),
        "base_url": request.base_url(), "root_url": request.root_url(), "url_root": request.url_root(),
        "host_url": request.host_url(), "host": request.host(), "scheme": request.scheme(),
        "is_secure": request.is_secure(), "is_json": request.is_json(), "mimetype": request.mimetype(),
        "mimetype_params": params, "content_length": request.content_length(),
        "content_type": request.content_type(), "query_string": request.query_string(),
        "args": pairs(request.args()), "cookies": pairs(request.cookies()), "x": request.header("X-Test"),
    });
    if form_first {
        answer["form"] = form();
    }
    answer["data"] = attempt(request.data().map(latin1));
    answer["get_data"] = attempt(request.get_data().map(latin1));
    answer["form_after"] = form();
    answer["values"] = attempt(request.values().map(|values| pairs(&values)));
    answer
}

fn describe_json(request: &Request, force: bool, silent: bool) -> Value {
    match request.get_json(force, silent) {
        // Both sides' values are compared as JSON text, read by the same reader.
        Ok(value) => {
            let text = carafe::json::dumps(&value).expect("JSON can be written again");
            serde_json::from_str(&text).expect("it is JSON")
        }
        Err(error) => match error.as_http() {
            Some(http) => json!([http.code, http.description()]),
            None => json!({"error": error.type_name()}),
        },
    }
}
