//! A blueprint inside a blueprint, and every kind of hook at the app, the outer and the inner one.

use carafe::{
    App, Blueprint, Error, HttpException, Response, Scaffold, ViewArgs, abort, g, session,
};

pub(crate) fn create_app() -> App {
    let mut cart = Blueprint::new("cart").with_url_prefix("/cart");
    cart.get("/<int:id>", show);
    cart.url_value_preprocessor(cart_values);
    cart.before_request(cart_before);
    cart.errorhandler(404, cart_not_here);
    cart.after_request(cart_after);
    cart.teardown_request(cart_teardown);

    let mut shop = Blueprint::new("shop").with_url_prefix("/shop");
    shop.url_value_preprocessor(shop_values);
    shop.before_request(shop_before);
    shop.errorhandler(404, shop_not_here);
    shop.after_request(shop_after);
    shop.teardown_request(shop_teardown);
    shop.register_blueprint(cart);

    let mut app = App::new("blueprints");
    app.config().set_secret_key("adavafa");
    app.url_value_preprocessor(app_values);
    app.before_request(app_before);
    app.errorhandler(404, app_not_here);
    app.after_request(app_after);
    app.teardown_request(app_teardown);
    app.register_blueprint(shop);
    app
}

fn show(id: i64) -> Result<String, Error> {
    session().insert("cart", id)?;
    match id {
        1..=9 => Ok(format!("cart {id}")),
        _ => Err(abort(404)),
    }
}

fn app_values(_endpoint: Option<&str>, _args: Option<&mut ViewArgs>) {}
fn shop_values(_endpoint: Option<&str>, _args: Option<&mut ViewArgs>) {}
fn cart_values(_endpoint: Option<&str>, _args: Option<&mut ViewArgs>) {}

fn app_before() {
    g().set("app", true);
}
fn shop_before() {
    g().set("shop", true);
}
fn cart_before() {
    g().set("cart", true);
}

fn app_not_here(_error: &HttpException) -> (&'static str, u16) {
    ("The app has no such page.", 404)
}
fn shop_not_here(_error: &HttpException) -> (&'static str, u16) {
    ("The shop has no such page.", 404)
}
fn cart_not_here(_error: &HttpException) -> (&'static str, u16) {
    ("There is no such cart.", 404)
}

fn app_after(_response: &mut Response) {}
fn shop_after(_response: &mut Response) {}
fn cart_after(_response: &mut Response) {}

fn app_teardown(_error: Option<&Error>) {}
fn shop_teardown(_error: Option<&Error>) {}
fn cart_teardown(_error: Option<&Error>) {}
