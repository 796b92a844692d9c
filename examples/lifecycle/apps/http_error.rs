//! A view that aborts with 404, and the handler that answers for it.

use carafe::{App, Error, HttpException, Response, Scaffold, abort, request, session};

pub(crate) fn create_app() -> App {
    let mut app = App::new("http_error");
    app.config().set_secret_key("adavafa");

    app.get("/item/<int:id>", item);
    app.errorhandler(404, not_here);
    app.after_request(add_header);
    app.teardown_request(close_cursor);
    app
}

fn item(id: i64) -> Result<String, Error> {
    match id {
        1..=9 => Ok(format!("item {id}")),
        _ => Err(abort(404)),
    }
}

/// Its answer goes the way that a view's does: the session is saved, the after functions run.
fn not_here(_error: &HttpException) -> Result<(String, u16), Error> {
    let path = request().path().to_owned();
    session().insert("missed", &path)?;
    Ok((format!("There is no {path}."), 404))
}

fn add_header(response: &mut Response) -> Result<(), Error> {
    response.set_header("X-App", "http_error")
}

fn close_cursor(_error: Option<&Error>) {}
