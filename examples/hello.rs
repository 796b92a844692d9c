//! The smallest app that a browser can see: `cargo run --features server --example hello`

use carafe::server::ServerError;
use carafe::{App, Scaffold};

fn main() -> Result<(), ServerError> {
    let mut app = App::new("hello");
    app.get("/", || "Hello, World!");
    app.run("127.0.0.1:5000")
}
