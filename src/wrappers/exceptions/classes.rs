//! The classes of HTTP errors: a code, a name and a sentence each.
//!
//! Mirrors the subclasses of `HTTPException` in `werkzeug/exceptions.py`, and `default_exceptions`.
//!
//! Read next: `../status.rs`, the names of the codes themselves.

/// One of Werkzeug's exception classes: what is the same for every error of a status code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExceptionClass {
    /// The status code.
    pub code: u16,
    /// Werkzeug's class name, like `NotFound`.
    pub class_name: &'static str,
    /// The sentence on the page.
    pub description: &'static str,
}

const fn class(code: u16, class_name: &'static str, description: &'static str) -> ExceptionClass {
    ExceptionClass {
        code,
        class_name,
        description,
    }
}

/// Werkzeug's `default_exceptions`: the class for each status code that has one, by code.
#[rustfmt::skip]
pub static DEFAULT_EXCEPTIONS: &[ExceptionClass] = &[
    class(400, "BadRequest", "The browser (or proxy) sent a request that this server could not understand."),
    class(401, "Unauthorized", "The server could not verify that you are authorized to access the URL requested. You either supplied the wrong credentials (e.g. a bad password), or your browser doesn't understand how to supply the credentials required."),
    class(403, "Forbidden", "You don't have the permission to access the requested resource. It is either read-protected or not readable by the server."),
    class(404, "NotFound", "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again."),
    class(405, "MethodNotAllowed", "The method is not allowed for the requested URL."),
    class(406, "NotAcceptable", "The resource identified by the request is only capable of generating response entities which have content characteristics not acceptable according to the accept headers sent in the request."),
    class(408, "RequestTimeout", "The server closed the network connection because the browser didn't finish the request within the specified time."),
    class(409, "Conflict", "A conflict happened while processing the request. The resource might have been modified while the request was being processed."),
    class(410, "Gone", "The requested URL is no longer available on this server and there is no forwarding address. If you followed a link from a foreign page, please contact the author of this page."),
    class(411, "LengthRequired", "A request with this method requires a valid <code>Content-Length</code> header."),
    class(412, "PreconditionFailed", "The precondition on the request for the URL failed positive evaluation."),
    class(413, "RequestEntityTooLarge", "The data value transmitted exceeds the capacity limit."),
    class(414, "RequestURITooLarge", "The length of the requested URL exceeds the capacity limit for this server. The request cannot be processed."),
    class(415, "UnsupportedMediaType", "The server does not support the media type transmitted in the request."),
    class(416, "RequestedRangeNotSatisfiable", "The server cannot provide the requested range."),
    class(417, "ExpectationFailed", "The server could not meet the requirements of the Expect header"),
    class(418, "ImATeapot", "This server is a teapot, not a coffee machine"),
    class(421, "MisdirectedRequest", "The server is not able to produce a response."),
    class(422, "UnprocessableEntity", "The request was well-formed but was unable to be followed due to semantic errors."),
    class(423, "Locked", "The resource that is being accessed is locked."),
    class(424, "FailedDependency", "The method could not be performed on the resource because the requested action depended on another action and that action failed."),
    class(428, "PreconditionRequired", "This request is required to be conditional; try using \"If-Match\" or \"If-Unmodified-Since\"."),
    class(429, "TooManyRequests", "This user has exceeded an allotted request count. Try again later."),
    class(431, "RequestHeaderFieldsTooLarge", "One or more header fields exceeds the maximum size."),
    class(451, "UnavailableForLegalReasons", "Unavailable for legal reasons."),
    class(500, "InternalServerError", "The server encountered an internal error and was unable to complete your request. Either the server is overloaded or there is an error in the application."),
    class(501, "NotImplemented", "The server does not support the action requested by the browser."),
    class(502, "BadGateway", "The proxy server received an invalid response from an upstream server."),
    class(503, "ServiceUnavailable", "The server is temporarily unable to service your request due to maintenance downtime or capacity problems. Please try again later."),
    class(504, "GatewayTimeout", "The connection to an upstream server timed out."),
    class(505, "HTTPVersionNotSupported", "The server does not support the HTTP protocol version used in the request."),
];

/// The class for a status code, where Werkzeug has one.
pub fn default_exception(code: u16) -> Option<&'static ExceptionClass> {
    let index = DEFAULT_EXCEPTIONS
        .binary_search_by_key(&code, |class| class.code)
        .ok()?;
    DEFAULT_EXCEPTIONS.get(index)
}
