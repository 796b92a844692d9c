//! `make_response`: from what a view returned to a response.
//!
//! Mirrors `Flask.make_response` in `flask/app.py`, and `JSONProvider.response` in
//! `flask/json/provider.py`.
//!
//! Read next: `typing.rs`, what a view may return.

use crate::app::App;
use crate::context::REQUEST_CTX_STACK;
use crate::error::Error;
use crate::json;
use crate::request::Request;
use crate::trace::stage;
use crate::typing::{ReturnValue, Status};
use crate::value::Value;
use crate::wrappers::Response;

impl App {
    /// Makes a response of whatever a view may return.
    ///
    /// # Errors
    /// A `TypeError` for nothing, a `ValueError` for a status that is none or a header value with a
    /// line break in it.
    pub fn make_response(&self, rv: ReturnValue) -> Result<Response, Error> {
        let ctx = REQUEST_CTX_STACK.top();
        self.make_response_for(rv, ctx.as_ref().map(|ctx| &**ctx.request()))
    }

    #[inline(always)]
    pub(super) fn make_response_for(
        &self,
        rv: ReturnValue,
        request: Option<&Request>,
    ) -> Result<Response, Error> {
        stage!("Flask.make_response", self.make_response_for(rv, request));
        // ANCHOR: make_response_tuple
        let (rv, status, headers) = match rv {
            ReturnValue::Tuple(rv, status, headers) => (*rv, status, headers),
            rv => return self.make_plain_response(rv, request),
        };
        let is_body = matches!(rv, ReturnValue::Body(_));
        // ANCHOR_END: make_response_tuple
        let mut response = self.make_plain_response(rv, request)?;
        // ANCHOR: make_response_headers
        match status {
            Some(Status::Code(code)) => response.set_status(code)?,
            Some(Status::Line(line)) => response.set_status(line.as_str())?,
            None => {}
        }
        for (index, (name, values)) in headers.iter().enumerate() {
            let given_before = || {
                headers[..index]
                    .iter()
                    .any(|(before, _)| before.eq_ignore_ascii_case(name))
            };
            // The body that stands beside it knows better.
            if is_body && name.eq_ignore_ascii_case("Content-Length") {
                continue;
            }
            let mut adds = is_body && given_before();
            for value in values {
                match adds {
                    true => response.add_header(name, value)?,
                    false => response.set_header(name, value)?,
                }
                adds = true;
            }
        }
        // ANCHOR_END: make_response_headers
        Ok(response)
    }

    /// The response for anything but a tuple.
    fn make_plain_response(
        &self,
        rv: ReturnValue,
        request: Option<&Request>,
    ) -> Result<Response, Error> {
        // ANCHOR: make_response_body
        Ok(match rv {
            ReturnValue::Response(response) => *response,
            ReturnValue::Body(body) => Response::new(body),
            ReturnValue::Json(value) => self.json_response(&value)?,
            ReturnValue::HttpException(e) => e.get_response(),
            ReturnValue::WsgiApp(app) => match request {
                Some(request) => Response::from_app(&*app, request.environ()?)?,
                None => return Err(Error::runtime("Working outside of request context.")),
            },
            ReturnValue::Tuple(..) => {
                return Err(Error::type_error(
                    "The view function did not return a valid response tuple: its body is a tuple.",
                ));
            }
            ReturnValue::None => {
                return Err(Error::type_error(format!(
                    "The view function for {} did not return a valid response. The function either \
                     returned None or ended without a return statement.",
                    request
                        .and_then(|request| request.endpoint())
                        .map_or("None".to_owned(), |name| format!("'{name}'")),
                )));
            }
        })
        // ANCHOR_END: make_response_body
    }

    /// `app.json.response(value)`.
    pub(crate) fn json_response(&self, value: &Value) -> Result<Response, Error> {
        let text = if self.config().settings().debug {
            json::dumps_pretty(value)?
        } else {
            json::dumps(value)?
        };
        let mut response = Response::new(text + "\n");
        response.set_mimetype("application/json")?;
        Ok(response)
    }
}
