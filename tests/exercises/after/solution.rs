//! The view leaves the name in `g`, and an after function sets the header. After functions run in the
//! reverse order: the one that is to run last is registered first.

use carafe::{App, Error, Response, Scaffold, g};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut app = App::new("exercise");
    app.get("/hello/<name>", hello);
    app.get("/about", || "about us");
    app.after_request(name_user);
    app.after_request(shout);
    app
}

fn hello(name: String) -> String {
    let greeting = format!("Hello, {name}!");
    g().set("user", name);
    greeting
}

fn name_user(response: &mut Response) -> Result<(), Error> {
    match g().get::<String>("user") {
        Some(name) => response.set_header("X-User", &name),
        None => Ok(()),
    }
}

/// Puts a new response in the place of the one that came.
fn shout(response: &mut Response) -> Result<(), Error> {
    let text = String::from_utf8_lossy(&response.get_data()?).to_uppercase();
    *response = Response::new(text);
    Ok(())
}
// ANCHOR_END: app
