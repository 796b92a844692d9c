//! Connects, and thinks no further.

use carafe::App;
use carafe::signals::MESSAGE_FLASHED;

use super::Heard;

// ANCHOR: app
/// Adds what `app` flashes while `visit` runs to the list.
pub(crate) fn hear_flashes(_app: &App, heard: &Heard, visit: &dyn Fn()) {
    let list = Heard::clone(heard);
    MESSAGE_FLASHED.connect(move |_app, flash| {
        list.lock().unwrap().push(flash.message.clone());
    });
    visit();
}
// ANCHOR_END: app
