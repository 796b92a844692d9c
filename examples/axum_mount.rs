//! A Carafe app inside an axum router: `cargo run --features axum --example axum_mount`
//!
//! The way to move from one to the other a route at a time: axum answers what it has a route for, and the app, with its
//! sessions, hooks and blueprints, everything below `/shop`.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use carafe::tower::TowerService;
use carafe::{App, Error, Scaffold, request, session, url_for};

fn shop() -> App {
    let mut app = App::new("shop");
    app.config().set_secret_key("adavafa");
    app.get("/", || -> Result<String, Error> {
        let visits = session().get("visits").unwrap_or(0) + 1;
        session().insert("visits", visits)?;
        let cart = url_for("cart").build()?;
        Ok(format!("visit {visits}; the cart is at {cart}\n"))
    });
    app.get("/cart", || {
        let remote_addr = request().remote_addr().map(|address| address.to_string());
        format!("the cart of {}\n", remote_addr.unwrap_or_default())
    });
    app
}

fn router() -> Router {
    let shop = TowerService::new(shop())
        .script_name("/shop")
        .remote_addr(|extensions| extensions.get().map(|ConnectInfo(address)| *address));
    Router::new()
        .route("/", get(async || "axum answers this\n"))
        .nest_service("/shop", shop)
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:5000");
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let service = router().into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await
}
