//! Middlewares that come with Carafe: a `WsgiApp` around another one.
//!
//! Mirrors `werkzeug/middleware/`, and of `werkzeug/debug/` the page without the console. A middleware stands
//! between the server and the app: it may change the environ on the way in, and the answer on the way out,
//! and it knows nothing of contexts. The server is given the outermost:
//!
//! ```
//! use carafe::middleware::{DebuggedApplication, ProxyFix};
//! # let app = carafe::App::new("shop");
//! let site = ProxyFix::new(DebuggedApplication::new(app)).x_host(1);
//! ```
//!
//! Read next: `dispatcher.rs`; `examples/middleware.rs`, to write one.

mod debugged_application;
mod dispatcher;
mod proxy_fix;

pub use debugged_application::DebuggedApplication;
pub use dispatcher::DispatcherMiddleware;
pub use proxy_fix::{ProxyFix, ProxyFixOrig};
