//! A `User` takes the number from the front, as every argument does, and an unknown one is a 404.

use carafe::view::FromViewArg;
use carafe::{App, Error, Scaffold, ViewArgs, abort};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut app = App::new("exercise");
    app.config().set("TESTING", true).unwrap(); // Errors leave the app, so that the check sees them.
    app.get("/user/<int:id>", show);
    app.get("/user/<int:id>/cart/<int:item>", cart);
    app
}

struct User(&'static str);

impl FromViewArg for User {
    fn from_view_arg(args: &mut ViewArgs) -> Result<Self, Error> {
        match u32::from_view_arg(args)? {
            1 => Ok(User("jack")),
            2 => Ok(User("jill")),
            _ => Err(abort(404)),
        }
    }
}

fn show(user: User) -> String {
    format!("This is {}.", user.0)
}

fn cart(user: User, item: u32) -> String {
    format!("{}'s cart has number {item}.", user.0)
}
// ANCHOR_END: app
