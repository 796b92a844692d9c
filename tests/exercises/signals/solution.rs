//! The connection has a sender, and an end: it is dropped where the function ends, however it ends.

use carafe::App;
use carafe::signals::MESSAGE_FLASHED;

use super::Heard;

// ANCHOR: app
/// Adds what `app` flashes while `visit` runs to the list.
pub(crate) fn hear_flashes(app: &App, heard: &Heard, visit: &dyn Fn()) {
    let list = Heard::clone(heard);
    let _connected = MESSAGE_FLASHED.connected_to(app, move |_app, flash| {
        list.lock().unwrap().push(flash.message.clone());
    });
    visit();
}
// ANCHOR_END: app
