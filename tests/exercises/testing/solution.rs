//! Three more questions: a stranger, what ran for the stranger, and the same user an hour later.

use carafe::trace;

use super::Shop;

// ANCHOR: app
pub(crate) fn test(shop: &Shop) {
    let mut client = shop.app.test_client();
    client
        .session_transaction(|session| session.insert("username", "jack"))
        .unwrap();
    let response = client.post("/order").send().unwrap();
    assert_eq!(response.status_code(), 200);

    // A client without a cookie is refused, and the view does not run.
    let mut stranger = shop.app.test_client();
    let (response, trace) = trace::record(|| stranger.post("/order").send());
    assert_eq!(response.unwrap().status_code(), 401);
    assert!(!trace.hooks().contains(&"view place_order".to_owned()));

    // The login is over when an hour has passed.
    shop.clock.advance(3601);
    let response = client.post("/order").send().unwrap();
    assert_eq!(response.status_code(), 401);
}
// ANCHOR_END: app
