//! A response that is made while it is sent, and that sees the request and the session all the time.

use carafe::{App, Error, Response, Scaffold, g, request, session, stream_with_context};

pub(crate) fn create_app() -> App {
    let mut app = App::new("streaming");
    app.config().set_secret_key("adavafa");

    app.before_request(load_user);
    app.get("/lines", lines);
    app.teardown_request(close_cursor);
    app
}

fn load_user() -> Result<(), Error> {
    session().insert("username", "jack")?;
    g().set("user", "jack".to_owned());
    Ok(())
}

/// The view makes no line: it returns what will make them.
fn lines() -> Response {
    Response::stream(stream_with_context((1..=3).map(next_line)))
}

/// Runs when the server asks for the next piece. The view has long returned.
fn next_line(number: i32) -> String {
    // A span of the app's own: the trace shows it where it runs.
    let _span = tracing::info_span!("next_line", number).entered();
    let user: Option<String> = g().get("user");
    let user = user.unwrap_or_default();
    format!("{}, line {number} for {user}\n", request().path())
}

fn close_cursor(_error: Option<&Error>) {}
