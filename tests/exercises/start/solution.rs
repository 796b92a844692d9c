//! All but the view run: a 404 is raised late, where the view would have been called.

use super::Answers;

// ANCHOR: answers
pub(crate) fn answers() -> Answers {
    Answers {
        // create_tables, count_args, load_user, add_header, close_cursor, close_database
        functions: 6,
        raised_in: "Flask.dispatch_request",
        without_a_request: "teardown_appcontext close_database",
    }
}
// ANCHOR_END: answers
