//! Flask's request lifecycle, rebuilt in Rust, in the open.

pub mod routing;
pub mod value;
pub mod wsgi;

pub use value::{Dict, Value};
