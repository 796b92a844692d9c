//! The API has a handler for all HTTP errors, the app one for 404.

use std::collections::BTreeMap;

use carafe::{App, Blueprint, Error, HttpException, Json, Scaffold, abort};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut api = Blueprint::new("api").with_url_prefix("/api");
    api.get("/tea/<int:id>", tea);
    api.get("/fail", fail);
    api.errorhandler_for(as_json);

    let mut app = App::new("exercise");
    app.errorhandler(404, no_page);
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

fn no_page(_error: &HttpException) -> (&'static str, u16) {
    ("There is no such page.", 404)
}
// ANCHOR_END: app
