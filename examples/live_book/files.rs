//! The built book as an app: a view that sends the files below a folder, and nothing else.

use std::fs::{self, Metadata};
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use carafe::{App, Error, HttpException, Response, Scaffold, abort, request};
use http::StatusCode;

use super::headers;

const NOT_FOUND: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
    <title>404</title><h1>There is no such page</h1>\
    <p>The book begins <a href=\"/\">here</a>.</p></html>\n";

/// The book in this folder, which is there.
pub(crate) fn create_app(folder: PathBuf) -> App {
    let mut app = App::new("live_book");
    let root = folder.clone();
    app.get("/", move || send(&root, "index.html"));
    app.get("/<path:file>", move |file: String| send(&folder, &file));
    app.errorhandler(404, |_error: &HttpException| (NOT_FOUND, 404));
    app.after_request(|response: &mut Response| {
        let headers = response.headers_mut();
        match headers.contains_key("content-security-policy") {
            true => Ok(()),
            false => headers::add_to(headers, headers::NOTHING),
        }
    });
    app
}

// ANCHOR: find
/// The file of this name below the folder. Each part of the name must be a plain one, and where links in
/// the file system lead out of the folder, there is no such file either.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let plain = |part: Component<'_>| match part {
        Component::Normal(part) => !part.as_encoded_bytes().starts_with(b"."),
        _ => false,
    };
    let name = match name.ends_with('/') {
        true => &format!("{name}index.html"),
        false => name,
    };
    if name.contains(['\\', '\0']) || !Path::new(name).components().all(plain) {
        return None;
    }
    let path = folder.join(name).canonicalize().ok()?;
    (path.starts_with(folder) && path.is_file()).then_some(path)
}
// ANCHOR_END: find

fn send(folder: &Path, name: &str) -> Result<Response, Error> {
    let path = find(folder, name).ok_or_else(|| abort(404))?;
    let etag = etag(&fs::metadata(&path)?);
    let request = request();
    let known = request.header("If-None-Match");
    if known.is_some_and(|known| known.split(',').any(|known| known.trim() == etag)) {
        let mut response = Response::new("");
        response.status = StatusCode::NOT_MODIFIED;
        response.set_header("ETag", &etag)?;
        return Ok(response);
    }
    let bytes = fs::read(&path)?;
    let content_type = content_type(&path);
    let policy = match content_type.starts_with("text/html") {
        true => headers::policy(&String::from_utf8_lossy(&bytes)),
        false => headers::NOTHING.to_owned(),
    };
    let mut response = Response::new(bytes);
    response.set_content_type(content_type)?;
    response.set_header("ETag", &etag)?;
    // The next build may change it: ask, and get a 304 if not.
    response.set_header("Cache-Control", "no-cache")?;
    headers::add_to(response.headers_mut(), &policy)?;
    Ok(response)
}

/// Another one when the file is.
fn etag(file: &Metadata) -> String {
    let changed = file.modified().ok();
    let changed = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let changed = changed.unwrap_or_default().as_nanos();
    format!("\"{changed:x}-{:x}\"", file.len())
}

fn content_type(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|extension| extension.to_str());
    match extension.unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "md" | "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
