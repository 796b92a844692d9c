//! The host of a request, and its URL.
//!
//! Mirrors `werkzeug/sansio/utils.py`. A client can write anything into `Host`: what is not made of a
//! host's characters counts as no host at all.
//!
//! Read next: `request.rs` (`host`, `url`).

use std::borrow::Cow;

use super::exceptions::HttpException;
use super::idna::{MAX_LABEL, encode_domain};
use super::urls::{PATH, QUERY, quote, uri_to_iri};
use crate::error::Error;
use crate::python::repr::str_repr;

/// Whether a `Host` could be one, and is one of `trusted_hosts` where there are any: Werkzeug's
/// `host_is_trusted`. A name that starts with a dot there also stands for its subdomains; one beyond
/// ASCII stands for the `xn--` name that clients send.
pub fn host_is_trusted(host: &str, trusted_hosts: &[String]) -> bool {
    let Some(hostname) = valid_hostname(host) else {
        return false;
    };
    trusted_hosts.is_empty()
        || trusted_hosts.iter().any(|trusted| {
            let (trusted, with_subdomains) = match trusted.strip_prefix('.') {
                Some(rest) => (rest, true),
                None => (trusted.as_str(), false),
            };
            let trusted = trusted.split(':').next().unwrap_or_default();
            // One that can't be a host's name is the name of none.
            let Ok(trusted) = encode_domain(trusted) else {
                return false;
            };
            match hostname.strip_suffix(trusted.as_ref()) {
                Some("") => true,
                Some(subdomain) => with_subdomains && subdomain.ends_with('.'),
                None => false,
            }
        })
}

/// The name in `name` or `name:port`, where all its characters are allowed.
fn valid_hostname(host: &str) -> Option<&str> {
    let name_end = match host.strip_prefix('[') {
        Some(after) => 1 + after.find(']')? + 1,
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, port) = host.split_at(name_end);
    let name_is_valid = match name.strip_prefix('[') {
        Some(after) => {
            let (first, rest) = after.strip_suffix(']')?.split_once(':')?;
            first.bytes().all(|byte| byte.is_ascii_hexdigit())
                && !rest.is_empty()
                && rest
                    .bytes()
                    .all(|byte| byte.is_ascii_hexdigit() || b".:".contains(&byte))
        }
        None => {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
        }
    };
    let port_is_valid = match port.strip_prefix(':') {
        None => port.is_empty(),
        Some(digits) => {
            digits.starts_with(|c: char| ('1'..='9').contains(&c))
                && digits.bytes().all(|byte| byte.is_ascii_digit())
                && digits.parse::<u16>().is_ok()
        }
    };
    (name_is_valid && port_is_valid).then_some(name)
}

/// Whether a `Host` is as plain as nearly all are: a name that DNS takes, and maybe a port. Such a one
/// needs no further look.
#[inline]
pub(crate) fn is_plain_host(host: &[u8]) -> bool {
    let mut label = 0;
    for (index, byte) in host.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' if label < MAX_LABEL => label += 1,
            b'.' if label > 0 => label = 0,
            b':' if label > 0 => return is_plain_port(&host[index + 1..]),
            _ => return false,
        }
    }
    label > 0
}

/// A number from 1 to 65535, without a zero before it.
#[inline]
fn is_plain_port(port: &[u8]) -> bool {
    let is_number = matches!(port, [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit));
    is_number && (port.len() < 5 || (port.len() == 5 && port <= b"65535".as_slice()))
}

/// The host that a request was made to, without the port that its scheme implies: Werkzeug's
/// `get_host`. It is `""` where the client sent something that can't be a host.
///
/// # Errors
/// `SecurityError`, a 400, where there are `trusted_hosts` and this is none of them.
pub fn get_host(
    scheme: &str,
    host_header: Option<&str>,
    server: (&str, u16),
    trusted_hosts: &[String],
) -> Result<String, Error> {
    let host = match host_header {
        Some(host) => Cow::Borrowed(host),
        None => {
            let (name, port) = server;
            // An IPv6 address gets the brackets that it has in a `Host`.
            if name.contains(':') && !name.starts_with('[') {
                Cow::Owned(format!("[{name}]:{port}"))
            } else {
                Cow::Owned(format!("{name}:{port}"))
            }
        }
    };
    let host = without_implied_port(scheme, &host);
    if host_is_trusted(host, trusted_hosts) {
        Ok(host.to_owned())
    } else if trusted_hosts.is_empty() {
        Ok(String::new())
    } else {
        let message = format!("Host {} is not trusted.", str_repr(host));
        Err(HttpException::security_error(message).into())
    }
}

/// The host without the port that its scheme implies.
pub(crate) fn without_implied_port<'a>(scheme: &str, host: &'a str) -> &'a str {
    let implied_port = match scheme {
        "http" | "ws" => ":80",
        "https" | "wss" => ":443",
        _ => "",
    };
    host.strip_suffix(implied_port).unwrap_or(host)
}

/// The URL of a request, as an IRI: Werkzeug's `get_current_url`. Each part needs those before it.
pub fn get_current_url(
    scheme: &str,
    host: &str,
    root_path: Option<&str>,
    path: Option<&str>,
    query_string: Option<&str>,
) -> String {
    let mut url = format!("{scheme}://{host}");
    if let Some(root_path) = root_path {
        url.push_str(&quote(root_path.trim_end_matches('/'), PATH));
    }
    url.push('/');
    if let Some(path) = path {
        url.push_str(&quote(path.trim_start_matches('/'), PATH));
        if let Some(query) = query_string
            && !query.is_empty()
        {
            url.push('?');
            url.push_str(&quote(query, QUERY));
        }
    }
    // What can't be split has an odd host, like `[1:2]`; Python raises there. The URI is still right.
    uri_to_iri(&url).unwrap_or(url)
}
