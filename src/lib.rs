//! Flask's request lifecycle, rebuilt in Rust, in the open.

pub mod error;
pub mod value;
pub mod wrappers;
pub mod wsgi;

pub use value::{Dict, Value};
