//! A session store of your own: an id in the cookie, the data in this process.
//!
//! ```text
//! cargo run --example memory_sessions
//! ```
//!
//! runs the checks that any store should pass against three of them, and prints what came of it:
//!
//! - `naive.rs`, the first thing that comes to mind, in 40 lines. It works, and must not be used.
//! - `store.rs`, the same with its mistakes mended.
//! - the signed cookie, which every app starts with.
//!
//! Read `naive.rs` first, then `suite.rs`, which takes it apart, then `store.rs`. To check a store of
//! your own, add it to [`STORES`].

mod naive;
pub(crate) mod store;
pub(crate) mod suite;

use carafe::session::SecureCookieSessionInterface;

use naive::NaiveSessions;
use store::MemorySessions;
use suite::Store;

// ANCHOR: stores
/// The stores that are checked.
pub(crate) const STORES: &[Store<'static>] = &[
    Store {
        name: "naive",
        install: &|app| app.session_interface(NaiveSessions::default()),
        renew: |_session| Ok(()),
        pass: &suite::clock_moves,
    },
    Store {
        name: "memory",
        install: &|app| app.session_interface(MemorySessions::default()),
        renew: store::renew,
        pass: &suite::clock_moves,
    },
    Store {
        name: "cookie",
        install: &|app| app.session_interface(SecureCookieSessionInterface::new()),
        renew: |_session| Ok(()),
        pass: &suite::clock_moves,
    },
];
// ANCHOR_END: stores

fn main() {
    println!("{}", suite::table(STORES));
    for store in STORES {
        println!("\n{}", suite::complaints(store));
    }
}
