//! Every request is thought to have a connection, and every one to have gone well.

use carafe::{App, Error, Scaffold, abort, g};

use super::{Connection, Database};

// ANCHOR: app
pub(crate) fn create_app(database: &Database) -> App {
    let mut app = App::new("exercise");
    let [first, second, third] = [(); 3].map(|()| database.clone());
    app.get("/about", || "about us");
    app.get("/order", move || order(&first));
    app.get("/fail", move || fail(&second));
    app.get("/sold-out", move || sold_out(&third));
    app.teardown_appcontext(disconnect);
    app
}

fn order(database: &Database) -> &'static str {
    connect(database);
    "ordered"
}

fn fail(database: &Database) -> Result<String, Error> {
    connect(database);
    let pieces: u32 = "many".parse()?;
    Ok(format!("{pieces} ordered"))
}

fn sold_out(database: &Database) -> Result<String, Error> {
    connect(database);
    Err(abort(404))
}

fn connect(database: &Database) {
    g().set("connection", database.open());
}

fn disconnect(_error: Option<&Error>) -> Result<(), Error> {
    match g().pop::<Connection>("connection") {
        Some(connection) => {
            connection.close();
            Ok(())
        }
        None => Err(Error::runtime("there is no connection to close")),
    }
}
// ANCHOR_END: app
