//! The same random visits to a Flask app with Flask-Session and to a Carafe app, compared: what each
//! page says, which cookie comes with it, and whether it varies.

use std::sync::Arc;

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::MemoryStore;
use serde_json::json;

use crate::files::TempDir;
use crate::sharing::{Answer, Browser, Carafe, Flask};

const PAGES: &[&str] = &[
    "/",
    "/",
    "/get/color",
    "/get/user",
    "/set/color/red",
    "/set/color/blue",
    "/pop/color",
    "/login/jack",
    "/logout",
    "/permanent/1",
    "/permanent/0",
];

/// An answer without what two servers cannot have in common, the id and the time, and without what
/// Carafe adds to the cookie that deletes one: that it is for HTTP only.
fn comparable(mut answer: Answer) -> Answer {
    answer.set_cookie = answer.set_cookie.map(|cookie| {
        let mut parts: Vec<&str> = cookie.split("; ").collect();
        if cookie.starts_with("session=;") {
            parts.retain(|part| *part != "HttpOnly");
            return parts.join("; ");
        }
        let is_signed = parts[0].contains('.');
        parts[0] = if is_signed {
            "session=ID.SIGNATURE"
        } else {
            "session=ID"
        };
        for part in &mut parts {
            if part.starts_with("Expires=") {
                *part = "Expires";
            }
        }
        parts.join("; ")
    });
    answer
}

#[test]
fn a_browser_cannot_tell_carafe_from_flask_session() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    for options in 0..8 {
        let [permanent, signer, refresh] = [1, 2, 4].map(|bit| options & bit != 0);
        let dir = TempDir::new();
        let config = json!({
            "SESSION_TYPE": "filesystem",
            "SESSION_FILE_DIR": dir.path(),
            "SESSION_PERMANENT": permanent,
            "SESSION_USE_SIGNER": signer,
            "SESSION_REFRESH_EACH_REQUEST": refresh,
        });
        let Some(mut flask) = Flask::start(&config) else {
            return;
        };
        let store = Arc::new(MemoryStore::new());
        let interface = ServerSideSessionInterface::new(store)
            .permanent(permanent)
            .use_signer(signer);
        let mut carafe = Carafe::new(interface);
        let set = carafe
            .app
            .config()
            .set("SESSION_REFRESH_EACH_REQUEST", refresh);
        set.unwrap();
        for _browser in 0..6 {
            let (mut one, mut other) = (Browser::default(), Browser::default());
            let mut visits = Vec::new();
            for _visit in 0..25 {
                let page = PAGES[rng.usize(..PAGES.len())];
                visits.push(page);
                if rng.u8(..20) == 0 {
                    // A cookie that is nobody's.
                    visits.push("with a made-up cookie");
                    "made-up".clone_into(&mut one.cookie);
                    "made-up".clone_into(&mut other.cookie);
                }
                let theirs = comparable(flask.answer(&mut one, page));
                let ours = comparable(carafe.answer(&mut other, page));
                assert_eq!(ours, theirs, "after {visits:?}, with {config}");
            }
        }
    }
}
