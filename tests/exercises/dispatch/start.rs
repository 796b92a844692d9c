//! A `User` that reads the number, and leaves it where it is.

use carafe::value::Value;
use carafe::view::FromViewArg;
use carafe::{App, Error, Scaffold, ViewArgs};

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
        match args.get("id") {
            Some(Value::Int(1)) => Ok(User("jack")),
            Some(Value::Int(2)) => Ok(User("jill")),
            _ => Err(Error::lookup("no such user")),
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
