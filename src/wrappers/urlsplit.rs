//! Taking URLs apart, and putting them together again.
//!
//! Mirrors `urlsplit` and `urlunsplit` of Python 3.11's `urllib.parse`, which Werkzeug's URL functions
//! stand on. They are patient where the `url` crate is strict, and a redirect has to come out the same.
//!
//! Read next: `urls.rs`.

use crate::error::Error;
use crate::python::repr::str_repr;

/// The five parts of a URL: Python's `SplitResult`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SplitResult {
    /// `https`, in lower case.
    pub scheme: String,
    /// `user:password@host:port`.
    pub netloc: String,
    /// `/path`.
    pub path: String,
    /// What is behind the `?`.
    pub query: String,
    /// What is behind the `#`.
    pub fragment: String,
}

/// Splits a URL: Python 3.11's `urlsplit`.
///
/// # Errors
/// `ValueError` for brackets in the host that do not hold an IPv6 address.
pub fn urlsplit(url: &str) -> Result<SplitResult, Error> {
    let url: String = url
        .trim_start_matches(|c: char| c <= ' ')
        .chars()
        .filter(|c| !matches!(c, '\t' | '\r' | '\n'))
        .collect();
    let mut parts = SplitResult::default();
    let mut rest = url.as_str();
    if let Some((scheme, after)) = rest.split_once(':')
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    {
        parts.scheme = scheme.to_ascii_lowercase();
        rest = after;
    }
    if let Some(after) = rest.strip_prefix("//") {
        let (netloc, path) = after.split_at(after.find(['/', '?', '#']).unwrap_or(after.len()));
        check_brackets(netloc)?;
        parts.netloc = netloc.to_owned();
        rest = path;
    }
    if let Some((before, fragment)) = rest.split_once('#') {
        parts.fragment = fragment.to_owned();
        rest = before;
    }
    if let Some((before, query)) = rest.split_once('?') {
        parts.query = query.to_owned();
        rest = before;
    }
    parts.path = rest.to_owned();
    Ok(parts)
}

fn check_brackets(netloc: &str) -> Result<(), Error> {
    let open = netloc.split_once('[');
    if open.is_some() != netloc.contains(']') {
        return Err(Error::value_error("Invalid IPv6 URL"));
    }
    let Some((_, after)) = open else {
        return Ok(());
    };
    let address = after.split_once(']').map_or(after, |(address, _)| address);
    if let Some(future) = address.strip_prefix('v') {
        let (version, rest) = future.split_once('.').unwrap_or_default();
        let is_hex = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_hexdigit());
        return if is_hex && !rest.is_empty() {
            Ok(())
        } else {
            Err(Error::value_error("IPvFuture address is invalid"))
        };
    }
    let without_zone = match address.split_once('%') {
        Some((ip, zone)) if !zone.is_empty() && !zone.contains('%') => ip,
        _ => address,
    };
    if without_zone.parse::<std::net::Ipv6Addr>().is_ok() {
        Ok(())
    } else if address.parse::<std::net::Ipv4Addr>().is_ok() {
        Err(Error::value_error("An IPv4 address cannot be in brackets"))
    } else {
        Err(Error::value_error(format!(
            "{} does not appear to be an IPv4 or IPv6 address",
            str_repr(address)
        )))
    }
}

/// Puts a URL together again from the five parts of a [`SplitResult`]: Python 3.11's `urlunsplit`.
pub fn urlunsplit(scheme: &str, netloc: &str, path: &str, query: &str, fragment: &str) -> String {
    let mut url = String::new();
    if !scheme.is_empty() {
        url.push_str(scheme);
        url.push(':');
    }
    let has_host = uses_netloc(scheme) && !path.starts_with("//");
    if !netloc.is_empty() || has_host {
        url.push_str("//");
        url.push_str(netloc);
        if !path.is_empty() && !path.starts_with('/') {
            url.push('/');
        }
    }
    url.push_str(path);
    if !query.is_empty() {
        url.push('?');
        url.push_str(query);
    }
    if !fragment.is_empty() {
        url.push('#');
        url.push_str(fragment);
    }
    url
}

/// Schemes whose URLs have a host, so that `file:///x` keeps its three slashes.
#[rustfmt::skip]
fn uses_netloc(scheme: &str) -> bool {
    matches!(
        scheme,
        "ftp" | "http" | "gopher" | "nntp" | "telnet" | "imap" | "wais" | "file" | "mms" | "https" | "shttp"
            | "snews" | "prospero" | "rtsp" | "rtsps" | "rtspu" | "rsync" | "svn" | "svn+ssh" | "sftp" | "nfs"
            | "git" | "git+ssh" | "ws" | "wss" | "itms-services"
    )
}

/// A netloc's parts, as Python's `SplitResult` has them.
pub(crate) struct Netloc<'a> {
    pub(crate) username: Option<&'a str>,
    pub(crate) password: Option<&'a str>,
    pub(crate) hostname: String,
    pub(crate) port: &'a str,
}

pub(crate) fn split_netloc(netloc: &str) -> Netloc<'_> {
    let (userinfo, hostinfo) = match netloc.rsplit_once('@') {
        Some((userinfo, hostinfo)) => (Some(userinfo), hostinfo),
        None => (None, netloc),
    };
    let (username, password) = match userinfo.map(|userinfo| userinfo.split_once(':')) {
        Some(Some((username, password))) => (Some(username), Some(password)),
        Some(None) => (userinfo, None),
        None => (None, None),
    };
    let (hostname, port) = match hostinfo.split_once('[') {
        Some((_, bracketed)) => {
            let (hostname, after) = bracketed.split_once(']').unwrap_or((bracketed, ""));
            (hostname, after.split_once(':').map_or("", |(_, port)| port))
        }
        None => hostinfo.split_once(':').unwrap_or((hostinfo, "")),
    };
    // A zone, as in `fe80::1%Eth0`, keeps its case.
    let hostname = match hostname.split_once('%') {
        Some((ip, zone)) => format!("{}%{zone}", ip.to_lowercase()),
        None => hostname.to_lowercase(),
    };
    Netloc {
        username,
        password,
        hostname,
        port,
    }
}

pub(crate) fn parse_port(port: &str) -> Result<Option<u16>, Error> {
    if port.is_empty() {
        return Ok(None);
    }
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::value_error(format!(
            "Port could not be cast to integer value as {}",
            str_repr(port)
        )));
    }
    match port.parse() {
        Ok(port) => Ok(Some(port)),
        Err(_) => Err(Error::value_error("Port out of range 0-65535")),
    }
}

pub(crate) fn join_netloc(
    host: &str,
    port: Option<u16>,
    username: Option<&str>,
    password: Option<&str>,
) -> String {
    let mut netloc = String::new();
    if let Some(username) = username {
        netloc.push_str(username);
        if let Some(password) = password {
            netloc.push(':');
            netloc.push_str(password);
        }
        netloc.push('@');
    }
    if host.contains(':') {
        netloc.push('[');
        netloc.push_str(host);
        netloc.push(']');
    } else {
        netloc.push_str(host);
    }
    if let Some(port) = port {
        netloc.push_str(&format!(":{port}"));
    }
    netloc
}
