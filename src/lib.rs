//! Flask's request lifecycle, rebuilt in Rust, in the open.

pub mod clock;
pub mod json;
pub mod signing;
pub mod value;
pub mod wsgi;

pub use value::{Dict, Value};
