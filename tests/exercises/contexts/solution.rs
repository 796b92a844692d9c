//! `with` pops whatever the work comes to; a panic too.

use carafe::{App, Error};

// ANCHOR: run_job
pub(crate) fn run_job(app: &App, work: fn() -> Result<String, Error>) -> Result<String, Error> {
    app.app_context().with(work)?
}
// ANCHOR_END: run_job
