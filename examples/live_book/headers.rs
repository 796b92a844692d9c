//! The headers that keep a browser from doing what no page here has asked for.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use carafe::Error;
use http::header::{
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use sha2::{Digest, Sha256};

/// For what is no page of the book.
pub(crate) const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

/// Where the live mode is. `live.js` looks for it.
const LIVE_BOOK: HeaderName = HeaderName::from_static("live-book");

pub(crate) fn add_to(headers: &mut HeaderMap, policy: &str) -> Result<(), Error> {
    let policy = HeaderValue::try_from(policy).map_err(|_| Error::runtime("a bad policy"))?;
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(X_CONTENT_TYPE_OPTIONS, nosniff);
    let no_referrer = HeaderValue::from_static("no-referrer");
    headers.insert(REFERRER_POLICY, no_referrer);
    headers.insert(LIVE_BOOK, HeaderValue::from_static(super::live::ROOT));
    Ok(())
}

// ANCHOR: policy
/// What a page of the book may do: load what lies beside it, and run the scripts that mdBook has put into it,
/// each known by its hash. mdBook and the steppers set styles on elements.
pub(crate) fn policy(html: &str) -> String {
    let hashes: String = inline_scripts(html)
        .map(|script| {
            let hash = BASE64_STANDARD.encode(Sha256::digest(script));
            format!(" 'sha256-{hash}'")
        })
        .collect();
    format!(
        "default-src 'self'; script-src 'self'{hashes}; style-src 'self' 'unsafe-inline'; \
         img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'self'"
    )
}
// ANCHOR_END: policy

/// What stands between `<script>` and `</script>`. One with a `src` or a type is none that runs from here.
fn inline_scripts(html: &str) -> impl Iterator<Item = &str> {
    let rest = html.split("<script>").skip(1);
    rest.filter_map(|rest| Some(rest.split_once("</script>")?.0))
}
