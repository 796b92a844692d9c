//! The pages' steppers: recorded visits, each as an element for a page.
//!
//! `stepper/fragment.rs` makes the element, of the data that `examples/live_book/moments` makes.
//! `stepper/stores.rs` records visits whose session is in a store; those to real servers `tests/stores`
//! makes with it.

#[path = "stepper/eras.rs"]
pub(crate) mod eras;
#[path = "stepper/fragment.rs"]
pub(crate) mod fragment;
#[path = "stepper/stores.rs"]
pub(crate) mod stores;

use crate::lifecycle::options::Options;
use crate::lifecycle::{apps, report, visits};
use crate::moments;

/// One visit to play.
pub(crate) struct Scene {
    /// The file below `book/src/generated/stepper`, without `.html`.
    pub(crate) name: &'static str,
    title: &'static str,
    app: &'static str,
    /// Which of the app's visits.
    visit: usize,
}

const fn scene(name: &'static str, title: &'static str, app: &'static str, visit: usize) -> Scene {
    Scene {
        name,
        title,
        app,
        visit,
    }
}

pub(crate) const SCENES: &[Scene] = &[
    scene("first", "First visit", "tutorial", 0),
    scene("returning", "The visitor returns", "tutorial", 1),
    scene("view_error", "A view fails", "tutorial", 2),
    scene("http_error", "A view aborts with 404", "http_error", 1),
    scene(
        "after_error",
        "An after_request function fails",
        "after_error",
        0,
    ),
    scene(
        "blueprints",
        "A blueprint inside a blueprint",
        "blueprints",
        1,
    ),
    scene(
        "streaming",
        "A response that outlives its request",
        "streaming",
        0,
    ),
];

/// What stands in the page.
pub(crate) fn fragment(scene: &Scene) -> String {
    let app = apps::Example::find(scene.app).unwrap();
    let options = Options {
        app,
        ..Options::default()
    };
    let document = report::document(visits::all(&options).unwrap());
    let file = format!("lifecycle/{}", app.file);
    let data = moments::of(&document, &[scene.visit], scene.title, &file);
    fragment::fragment(scene.name, &data)
}
