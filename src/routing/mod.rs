//! URL routing: from a path to an endpoint and its arguments, and back.
//!
//! Mirrors the package `werkzeug/routing/` of Werkzeug 3.1, file by file. It knows nothing of apps,
//! contexts or HTTP responses: a [`Map`] holds [`Rule`]s, a [`MapAdapter`] binds it to one request,
//! [`MapAdapter::match_`] finds a rule or a [`RoutingException`], and [`MapAdapter::build`] is what
//! `url_for` calls.
//!
//! Left out: subdomains, host matching and websocket rules.
//!
//! ```
//! use carafe::Value;
//! use carafe::routing::{BindArgs, Map, RoutingException, Rule};
//!
//! let mut map = Map::new();
//! map.add(Rule::try_new("/", "index")?)?;
//! map.add(Rule::try_new("/user/<int:id>/", "user")?.with_methods(["GET"]))?;
//!
//! let adapter = map.bind(BindArgs { server_name: "example.com", ..BindArgs::default() });
//! let found = adapter.match_(Some("/user/7/"), Some("GET"))?;
//! assert_eq!(found.rule.endpoint, "user");
//! assert_eq!(found.view_args["id"], Value::Int(7));
//!
//! let redirect = adapter.match_(Some("/user/7"), Some("GET")).unwrap_err();
//! let new_url = "http://example.com/user/7/".to_owned();
//! assert_eq!(redirect, RoutingException::RequestRedirect { new_url });
//!
//! let url = adapter.build("user", &found.view_args, None, false, true, None)?;
//! assert_eq!(url, "/user/7/");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Read next: `exceptions.rs`, `converters.rs`, `parts.rs`, `rule.rs`, `matcher.rs`, `map.rs`,
//! `adapter.rs`, in this order. `shape.rs` and `urls.rs` are their tools, as is `python/` beside this folder.

mod adapter;
mod converters;
mod exceptions;
mod map;
mod matcher;
mod parts;
mod rule;
mod shape;
mod urls;

pub use adapter::{BindArgs, MapAdapter, RuleMatch};
pub(crate) use converters::factory;
pub use converters::{Converter, ConverterArgs, ValidationError};
pub use exceptions::{BuildError, RoutingException, RuleError};
pub use map::Map;
pub(crate) use parts::RulePart;
pub use rule::Rule;
pub(crate) use urls::urljoin;
