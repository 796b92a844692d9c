//! Forms are taken from our own pages only.
//!
//! Another site can put a form on its page that posts to here, and the visitor's browser would send it
//! with the visitor's session (CSRF). `SameSite=Lax` on the cookie stops that in today's browsers, but
//! for another app on the same domain, and not at all for a login, which needs no session. So whoever
//! changes something also has to come from here: a browser says where a request comes from, in
//! `Sec-Fetch-Site`, or where it has not got that (or the connection is not https) in `Origin`, and no
//! page can change either of them. There is no token to keep, and none to forget in a form.
//!
//! Flask's tutorial has nothing of the kind; Flask-WTF adds tokens. This check is that of Go's
//! `http.CrossOriginProtection`.
//!
//! Read next: `forms.rs`.

use carafe::{Error, abort_with_description, request};

/// A before function: a 403 for what another site sent.
///
/// # Errors
/// The 403.
pub(crate) fn refuse_other_sites() -> Result<(), Error> {
    let request = request();
    // These change nothing here.
    if matches!(request.method(), "GET" | "HEAD" | "OPTIONS") {
        return Ok(());
    }
    let from_here = match (request.header("Sec-Fetch-Site"), request.header("Origin")) {
        // `none`: the visitor's own doing, such as sending a form again after a reload.
        (Some(site), _) => matches!(&*site, "same-origin" | "none"),
        (None, Some(origin)) => host_of(&origin) == Some(request.host()),
        // No browser: it has no visitor whose session it could misuse.
        (None, None) => true,
    };
    if from_here {
        return Ok(());
    }
    Err(abort_with_description(
        403,
        "This form was sent from another site.",
    ))
}

/// The host, with its port, of an origin such as `https://blog.example:8000`. The scheme is left out: the
/// app may stand behind a proxy that speaks https for it.
fn host_of(origin: &str) -> Option<&str> {
    origin.split_once("://").map(|(_scheme, host)| host)
}
