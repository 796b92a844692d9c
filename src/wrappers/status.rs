//! Status codes: their names, and what else can stand for one.
//!
//! Mirrors `HTTP_STATUS_CODES` of `werkzeug/http.py` and `_clean_status` of `werkzeug/sansio/response.py`.
//!
//! Read next: `response.rs`.

use http::StatusCode;

use crate::error::Error;

/// What a status can be set from.
pub trait IntoStatus {
    /// The status code.
    ///
    /// # Errors
    /// `ValueError` where it is none.
    fn into_status(self) -> Result<StatusCode, Error>;
}

impl IntoStatus for StatusCode {
    fn into_status(self) -> Result<StatusCode, Error> {
        Ok(self)
    }
}

impl IntoStatus for u16 {
    fn into_status(self) -> Result<StatusCode, Error> {
        StatusCode::from_u16(self)
            .map_err(|_| Error::value_error(format!("{self} is not an HTTP status code")))
    }
}

impl IntoStatus for &str {
    /// Reads `"201"` or `"201 CREATED"`.
    fn into_status(self) -> Result<StatusCode, Error> {
        let text = self.trim();
        if text.is_empty() {
            return Err(Error::value_error("Empty status argument"));
        }
        let code = text.split(' ').next().unwrap_or_default();
        let code: u16 = code
            .parse()
            .map_err(|_| Error::value_error(format!("{text:?} has no HTTP status code")))?;
        code.into_status()
    }
}

/// The name of a status code: Werkzeug's `HTTP_STATUS_CODES`.
#[rustfmt::skip]
pub fn status_name(code: u16) -> Option<&'static str> {
    Some(match code {
        100 => "Continue", 101 => "Switching Protocols", 102 => "Processing", 103 => "Early Hints",
        200 => "OK", 201 => "Created", 202 => "Accepted", 203 => "Non Authoritative Information",
        204 => "No Content", 205 => "Reset Content", 206 => "Partial Content", 207 => "Multi Status",
        208 => "Already Reported", 226 => "IM Used",
        300 => "Multiple Choices", 301 => "Moved Permanently", 302 => "Found", 303 => "See Other",
        304 => "Not Modified", 305 => "Use Proxy", 306 => "Switch Proxy", 307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request", 401 => "Unauthorized", 402 => "Payment Required", 403 => "Forbidden",
        404 => "Not Found", 405 => "Method Not Allowed", 406 => "Not Acceptable",
        407 => "Proxy Authentication Required", 408 => "Request Timeout", 409 => "Conflict", 410 => "Gone",
        411 => "Length Required", 412 => "Precondition Failed", 413 => "Request Entity Too Large",
        414 => "Request URI Too Long", 415 => "Unsupported Media Type",
        416 => "Requested Range Not Satisfiable", 417 => "Expectation Failed", 418 => "I'm a teapot",
        421 => "Misdirected Request", 422 => "Unprocessable Entity", 423 => "Locked",
        424 => "Failed Dependency", 425 => "Too Early", 426 => "Upgrade Required",
        428 => "Precondition Required", 429 => "Too Many Requests",
        431 => "Request Header Fields Too Large", 449 => "Retry With",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error", 501 => "Not Implemented", 502 => "Bad Gateway",
        503 => "Service Unavailable", 504 => "Gateway Timeout", 505 => "HTTP Version Not Supported",
        506 => "Variant Also Negotiates", 507 => "Insufficient Storage", 508 => "Loop Detected",
        510 => "Not Extended", 511 => "Network Authentication Failed",
        _ => return None,
    })
}
