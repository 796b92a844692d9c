//! HTTP dates, to and from Unix seconds.
//!
//! Mirrors `http_date` and `parse_date` of `werkzeug/http.py`. Sessions hold the same dates, so the work
//! is done in `json/date.rs`; a header differs in that there is nobody to tell of a bad date.
//!
//! Read next: `cookies.rs`, their main user.

use crate::json;

/// The first and the last second that a date with a year of 1 to 9999 can name.
const RANGE: (i64, i64) = (-62_135_596_800, 253_402_300_799);

/// The date of an HTTP header: `Tue, 14 Nov 2023 22:13:20 GMT`.
///
/// `unix` is in seconds. A time before the year 1 or after 9999, which Python refuses, becomes the
/// first or the last second of that range.
///
/// ```
/// use carafe::wrappers::dates::http_date;
///
/// assert_eq!(http_date(1_700_000_000), "Tue, 14 Nov 2023 22:13:20 GMT");
/// assert_eq!(http_date(i64::MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
/// ```
pub fn http_date(unix: i64) -> String {
    json::http_date(unix.clamp(RANGE.0, RANGE.1)).unwrap_or_default()
}

/// The Unix seconds of a date in a header; `None` where it is none.
///
/// ```
/// use carafe::wrappers::dates::parse_date;
///
/// assert_eq!(parse_date("Tue, 14 Nov 2023 22:13:20 GMT"), Some(1_700_000_000));
/// assert_eq!(parse_date("Tuesday, 14-Nov-23 22:13:20 GMT"), Some(1_700_000_000));
/// assert_eq!(parse_date("tomorrow"), None);
/// ```
pub fn parse_date(text: &str) -> Option<i64> {
    json::parse_date(text).ok().flatten()
}
