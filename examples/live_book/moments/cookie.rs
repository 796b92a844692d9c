//! The session's cookie, taken apart; or the id in it, where the session is in a store.

use serde_json::{Map, Value, json};

/// What is to be said of a cookie that came with a request, or did not.
pub(super) fn came(cookie: &Value) -> &'static str {
    if cookie.is_null() {
        "no session cookie came with the request"
    } else if cookie["is_id"] == true {
        "a cookie with a session's id came with the request"
    } else if cookie["signed_with"].is_string() {
        "a session cookie came with the request, and its signature is right"
    } else {
        "a session cookie came with the request, and its signature is wrong"
    }
}

/// What is to be said of one that goes with an answer, or does not.
pub(super) fn goes(cookie: &Value) -> &'static str {
    match cookie["is_id"].as_bool() {
        _ if cookie.is_null() => "no session cookie goes with the answer",
        Some(true) => "a cookie with the session's id goes with the answer",
        _ => "a new session cookie goes with the answer",
    }
}

/// For the player to show.
pub(super) fn shown(how: &str, cookie: &Value) -> Value {
    let of_an_id: &[&str] = &["is_id", "value"];
    let of_a_session = &[
        "raw_payload",
        "raw_timestamp",
        "signature",
        "payload",
        "compressed",
        "date",
        "signed_with",
    ];
    let keys = match cookie["is_id"] == true {
        true => of_an_id,
        false => of_a_session,
    };
    let mut shown = Map::new();
    shown.insert("how".to_owned(), json!(how));
    for key in keys {
        shown.insert((*key).to_owned(), cookie[*key].clone());
    }
    Value::Object(shown)
}
