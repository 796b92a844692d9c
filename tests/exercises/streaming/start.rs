//! The stream asks `g` for the cursor, each time that it wants a row.

use std::iter;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use carafe::{App, Error, Response, Scaffold, g, stream_with_context};

use super::Cursor;

// ANCHOR: app
pub(crate) fn create_app(all_open: &Arc<AtomicUsize>) -> App {
    let mut app = App::new("exercise");
    let all_open = Arc::clone(all_open);
    app.before_request(move || g().set("cursor", Cursor::open(&all_open)));
    app.get("/report", report);
    app.get("/about", || "about us");
    app.get("/fail", || "seven".parse::<i32>().map(|n| n.to_string()));
    app.teardown_request(close_cursor);
    app
}

fn report() -> Response {
    let rows = iter::from_fn(|| g().get::<Cursor>("cursor")?.next_row());
    Response::stream(stream_with_context(rows))
}

fn close_cursor(_error: Option<&Error>) {
    if let Some(cursor) = g().get::<Cursor>("cursor") {
        cursor.close();
    }
}
// ANCHOR_END: app
