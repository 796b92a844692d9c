//! A rule of the blueprint that matches whatever no other one does: now the blueprint handles it.

use carafe::{App, Blueprint, Error, Scaffold, abort, request};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut app = App::new("exercise");
    app.get("/", || "welcome");
    app.errorhandler(404, |_error| ("shop: not here", 404));
    app.register_blueprint(admin());
    app
}

// ANCHOR: admin
fn admin() -> Blueprint {
    let mut admin = Blueprint::new("admin").with_url_prefix("/admin");
    admin.before_request(check_key);
    admin.get("/users", || "all users");
    admin.get("/<path:page>", nothing_there);
    admin.errorhandler(404, |_error| ("admin: not here", 404));
    admin
}

fn nothing_there(_page: String) -> Result<String, Error> {
    Err(abort(404))
}
// ANCHOR_END: admin

/// Answers in the view's place where the key is wrong.
fn check_key() -> Option<(&'static str, u16)> {
    let request = request();
    let key = request.headers().get("X-Key");
    (key.is_none_or(|key| key != "adavafa")).then_some(("who are you?", 401))
}
// ANCHOR_END: app
