//! `Response`: Werkzeug's response, and what Flask knows of it beyond that: the app that sends it.
//!
//! Mirrors `Response` in `flask/wrappers.py`, which asks `current_app` for MAX_COOKIE_SIZE. The clock of a cookie comes
//! from there too. Ours in `wrappers/response.rs` knows no app; this adds to it what only an app can say.
//!
//! Read next: `wrappers/response.rs`.

use crate::clock::{Clock, SystemClock};
use crate::context::APP_CTX_STACK;
use crate::error::Error;
use crate::wrappers::{Response, SetCookie};

impl Response {
    /// Sets a cookie. What its `max_age` means as a date, the current app's clock says, and what is too large the app's
    /// `MAX_COOKIE_SIZE`; outside of an app it is the system's clock, and 4093 bytes.
    ///
    /// ```
    /// use carafe::{App, Error, Response, Scaffold, SetCookie};
    /// let mut app = App::new("shop");
    /// app.get("/", || {
    ///     let mut response = Response::new("Guten Tag");
    ///     response.set_cookie(SetCookie::new("lang", "de").max_age(60))?;
    ///     Ok::<_, Error>(response)
    /// });
    /// let mut client = app.test_client();
    /// client.get("/").send()?;
    /// assert_eq!(client.get_cookie("lang"), Some("de"));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`SetCookie::into_header_value`].
    pub fn set_cookie(&mut self, cookie: SetCookie<'_>) -> Result<(), Error> {
        let settings = APP_CTX_STACK.with_top(|top| top.map(|ctx| ctx.app().config().settings()));
        let Some(settings) = settings else {
            return self.set_cookie_at(cookie, SystemClock.now());
        };
        let limit = usize::try_from(settings.max_cookie_size).unwrap_or(usize::MAX);
        self.set_cookie_at(cookie.or_max_size(limit), settings.clock.now())
    }
}
