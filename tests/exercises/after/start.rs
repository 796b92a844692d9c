//! The view sets the header on the response that it makes itself.

use carafe::{App, Error, Response, Scaffold};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut app = App::new("exercise");
    app.get("/hello/<name>", hello);
    app.get("/about", || "about us");
    app.after_request(shout);
    app
}

fn hello(name: String) -> Result<Response, Error> {
    let mut response = Response::new(format!("Hello, {name}!"));
    response.set_header("X-User", &name)?;
    Ok(response)
}

/// Puts a new response in the place of the one that came.
fn shout(response: &mut Response) -> Result<(), Error> {
    let text = String::from_utf8_lossy(&response.get_data()?).to_uppercase();
    *response = Response::new(text);
    Ok(())
}
// ANCHOR_END: app
