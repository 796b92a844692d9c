//! The apps that can be visited. Each is short, and shows one thing.

pub(crate) mod after_error;
pub(crate) mod blueprints;
pub(crate) mod http_error;
pub(crate) mod streaming;

use carafe::App;

use super::tutorial;

/// An app, and the visits that are made to it unless others are asked for.
#[derive(Debug)]
pub(crate) struct Example {
    pub(crate) name: &'static str,
    /// Below `examples/lifecycle/`.
    pub(crate) file: &'static str,
    pub(crate) create: fn() -> App,
    pub(crate) visits: &'static [&'static str],
}

/// The first is the one that is visited unless another is asked for.
pub(crate) static ALL: [Example; 5] = [
    Example {
        name: "tutorial",
        file: "tutorial.rs",
        create: tutorial::create_app,
        visits: &["POST /login username=jack", "GET /", "GET /fail"],
    },
    Example {
        name: "http_error",
        file: "apps/http_error.rs",
        create: http_error::create_app,
        visits: &["GET /item/7", "GET /item/70", "GET /nowhere"],
    },
    Example {
        name: "after_error",
        file: "apps/after_error.rs",
        create: after_error::create_app,
        visits: &["POST /vote for=pear", "GET /"],
    },
    Example {
        name: "blueprints",
        file: "apps/blueprints.rs",
        create: blueprints::create_app,
        visits: &["GET /shop/cart/7", "GET /shop/cart/70"],
    },
    Example {
        name: "streaming",
        file: "apps/streaming.rs",
        create: streaming::create_app,
        visits: &["GET /lines"],
    },
];

/// They are the same if they have the same name.
impl PartialEq for Example {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Example {
    pub(crate) fn find(name: &str) -> Option<&'static Example> {
        ALL.iter().find(|app| app.name == name)
    }
}
