//! One visit by a user who may, and nothing else.

use super::Shop;

// ANCHOR: app
pub(crate) fn test(shop: &Shop) {
    let mut client = shop.app.test_client();
    client
        .session_transaction(|session| session.insert("username", "jack"))
        .unwrap();
    let response = client.post("/order").send().unwrap();
    assert_eq!(response.status_code(), 200);
}
// ANCHOR_END: app
