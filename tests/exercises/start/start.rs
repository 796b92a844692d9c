//! A page that is not there: nothing of the app runs, one would think, and the 404 comes from where the
//! URL is matched.

use super::Answers;

// ANCHOR: answers
pub(crate) fn answers() -> Answers {
    Answers {
        functions: 0,
        raised_in: "RequestContext.match_request",
        without_a_request: "teardown_request close_cursor",
    }
}
// ANCHOR_END: answers
