//! An after function that fails. The view did its work, and what it put into the session is lost all
//! the same: the session is saved after the after functions.

use carafe::{App, Error, HttpException, Response, Scaffold, request, session};

pub(crate) fn create_app() -> App {
    let mut app = App::new("after_error");
    app.config().set_secret_key("adavafa");

    app.post("/vote", vote);
    app.get("/", index);
    app.errorhandler(500, apologize);
    // Called in the order last to first.
    app.after_request(add_last_header);
    app.after_request(count_vote);
    app.after_request(add_first_header);
    app.teardown_request(close_cursor);
    app
}

fn vote() -> Result<&'static str, Error> {
    session().insert("vote", request().form()?.require("for")?)?;
    Ok("Thank you for your vote!")
}

fn index() -> String {
    let vote: Option<String> = session().get("vote");
    format!("Your vote: {}", vote.as_deref().unwrap_or("none"))
}

fn apologize(_error: &HttpException) -> (&'static str, u16) {
    ("Something went wrong.", 500)
}

fn add_first_header(response: &mut Response) -> Result<(), Error> {
    response.set_header("X-First", "I ran before it failed")
}

/// Its mistake: a vote is no number.
fn count_vote(_response: &mut Response) -> Result<(), Error> {
    if let Some(vote) = session().get::<String>("vote") {
        let _number: usize = vote.parse()?;
    }
    Ok(())
}

fn add_last_header(response: &mut Response) -> Result<(), Error> {
    response.set_header("X-Last", "nobody sees me")
}

fn close_cursor(_error: Option<&Error>) {}
