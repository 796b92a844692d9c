//! The view takes the cursor out of `g`: now it is the response that closes it, when the server is
//! done with it. What stays in `g` is still closed by the teardown function.

use std::iter;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use carafe::{App, Error, Response, Scaffold, g};

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

// ANCHOR: report
fn report() -> Result<Response, Error> {
    let Some(cursor) = g().pop::<Cursor>("cursor") else {
        return Err(Error::runtime("there is no cursor"));
    };
    let reader = cursor.clone();
    let mut response = Response::stream(iter::from_fn(move || reader.next_row()));
    response.call_on_close(move || cursor.close());
    Ok(response)
}
// ANCHOR_END: report

fn close_cursor(_error: Option<&Error>) {
    if let Some(cursor) = g().get::<Cursor>("cursor") {
        cursor.close();
    }
}
// ANCHOR_END: app
