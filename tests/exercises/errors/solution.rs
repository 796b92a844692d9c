//! The app's handler for 404 is asked first, for every 404: so it decides by the path.

use std::collections::BTreeMap;

use carafe::typing::{IntoReturnValue, ReturnValue};
use carafe::{App, Blueprint, Error, HttpException, Json, Scaffold, abort, request};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut api = Blueprint::new("api").with_url_prefix("/api");
    api.get("/tea/<int:id>", tea);
    api.get("/fail", fail);
    api.errorhandler_for(as_json);

    let mut app = App::new("exercise");
    app.errorhandler(404, not_found);
    app.register_blueprint(api);
    app
}

fn tea(id: u32) -> Result<&'static str, Error> {
    match id {
        1 => Ok("oolong"),
        _ => Err(abort(404)),
    }
}

fn fail() -> Result<&'static str, Error> {
    Err(Error::runtime("the kettle is cold"))
}

fn as_json(error: &HttpException) -> (Json<BTreeMap<&'static str, String>>, u16) {
    let body = BTreeMap::from([("error", error.name().to_string())]);
    (Json(body), error.code)
}

fn not_found(error: &HttpException) -> Result<ReturnValue, Error> {
    if request().path().starts_with("/api/") {
        return as_json(error).into_return_value();
    }
    ("There is no such page.", 404).into_return_value()
}
// ANCHOR_END: app
