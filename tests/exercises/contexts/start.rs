//! Pushes, works, pops.

use carafe::{App, Error};

// ANCHOR: run_job
pub(crate) fn run_job(app: &App, work: fn() -> Result<String, Error>) -> Result<String, Error> {
    let ctx = app.app_context();
    ctx.push()?;
    let done = work()?;
    ctx.pop(None)?;
    Ok(done)
}
// ANCHOR_END: run_job
