//! URLs: quoting, splitting, and the URL of a request.
//!
//! Mirrors `werkzeug/urls.py`, `werkzeug/sansio/utils.py`, and what these use of Python's `urllib.parse`.
//! Two forms of a URL: a URI is what goes over the wire, an IRI is what a person reads, with its
//! characters unquoted where that changes nothing.
//!
//! Read next: `request.rs` (who asks for them).

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::datastructures::{MultiDict, py_repr};
use super::exceptions::HttpException;
use super::idna::{decode_domain, encode_domain};
use crate::error::Error;

/// The characters to quote: all but letters, digits, `_.-~` and these.
const fn all_but(safe: &[u8]) -> AsciiSet {
    let mut set = NON_ALPHANUMERIC
        .remove(b'_')
        .remove(b'.')
        .remove(b'-')
        .remove(b'~');
    let mut index = 0;
    while index < safe.len() {
        set = set.remove(safe[index]);
        index += 1;
    }
    set
}

const PATH: &AsciiSet = &all_but(b"%!$&'()*+,/:;=@");
const QUERY: &AsciiSet = &all_but(b"%!$&'()*+,/:;=?@");
const FRAGMENT: &AsciiSet = &all_but(b"%!#$&'()*+,/:;=?@");
const USER: &AsciiSet = &all_but(b"%!$&'()*+,;=");
const ARGUMENT: &AsciiSet = &all_but(b"!$'()*,/:;?@ ");
/// A cookie's path: no semicolon, which would end it.
pub(crate) const COOKIE_PATH: &AsciiSet = &all_but(b"%!$&'()*+,/:=@");

/// Python's `quote`: percent-encodes UTF-8.
pub(crate) fn quote<'a>(text: &'a str, set: &'static AsciiSet) -> Cow<'a, str> {
    utf8_percent_encode(text, set).into()
}

/// Python's `unquote`: percent-decodes; what is not UTF-8 becomes U+FFFD.
///
/// ```
/// assert_eq!(carafe::wrappers::urls::unquote("a%20b%"), "a b%");
/// ```
pub fn unquote(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    unquote_with(
        text,
        |_| false,
        |bad, out| {
            out.push_str(&String::from_utf8_lossy(bad));
        },
    )
}

/// Percent-decodes all but the characters that `keep` names; bytes that are not UTF-8 stay quoted.
/// (Werkzeug's `_make_unquote_part` and its error handler `werkzeug.url_quote`.)
fn unquote_part(text: &str, keep: fn(u8) -> bool) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    unquote_with(text, keep, |bad, out| {
        for byte in bad {
            out.push_str(&format!("%{byte:02X}"));
        }
    })
}

fn unquote_with(text: &str, keep: fn(u8) -> bool, on_bad: fn(&[u8], &mut String)) -> Cow<'_, str> {
    let mut out = String::with_capacity(text.len());
    // Decoded bytes that are not checked to be UTF-8 yet. A run of them ends at a character beyond
    // ASCII, or at an escape that is kept, as it does in Python.
    let mut run = Vec::new();
    let flush = |run: &mut Vec<u8>, out: &mut String| {
        for chunk in run.utf8_chunks() {
            out.push_str(chunk.valid());
            if !chunk.invalid().is_empty() {
                on_bad(chunk.invalid(), out);
            }
        }
        run.clear();
    };
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if !c.is_ascii() {
            flush(&mut run, &mut out);
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        match escape_at(rest) {
            Some(byte) if keep(byte) => {
                flush(&mut run, &mut out);
                out.push_str(&rest[..3]);
                rest = &rest[3..];
            }
            Some(byte) => {
                run.push(byte);
                rest = &rest[3..];
            }
            None => {
                run.extend(u8::try_from(c));
                rest = &rest[1..];
            }
        }
    }
    flush(&mut run, &mut out);
    Cow::Owned(out)
}

/// The byte of the `%XX` that `text` starts with.
fn escape_at(text: &str) -> Option<u8> {
    let hex = text.strip_prefix('%')?.get(..2)?;
    if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u8::from_str_radix(hex, 16).ok()
}

/// Controls, the space and the percent sign: unquoted they would change or break any URL.
fn always_unsafe(byte: u8) -> bool {
    byte <= b' ' || byte == b'%' || byte == 0x7f
}

fn unsafe_in_path(byte: u8) -> bool {
    always_unsafe(byte) || b"/?#".contains(&byte)
}

fn unsafe_in_query(byte: u8) -> bool {
    always_unsafe(byte) || b"&=+#".contains(&byte)
}

fn unsafe_in_user(byte: u8) -> bool {
    always_unsafe(byte) || b":@/?#".contains(&byte)
}

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
            py_repr(address)
        )))
    }
}

/// Puts a URL together again: Python 3.11's `urlunsplit`.
pub fn urlunsplit(parts: &SplitResult) -> String {
    let mut url = String::new();
    if !parts.scheme.is_empty() {
        url.push_str(&parts.scheme);
        url.push(':');
    }
    let has_host = uses_netloc(&parts.scheme) && !parts.path.starts_with("//");
    if !parts.netloc.is_empty() || has_host {
        url.push_str("//");
        url.push_str(&parts.netloc);
        if !parts.path.is_empty() && !parts.path.starts_with('/') {
            url.push('/');
        }
    }
    url.push_str(&parts.path);
    if !parts.query.is_empty() {
        url.push('?');
        url.push_str(&parts.query);
    }
    if !parts.fragment.is_empty() {
        url.push('#');
        url.push_str(&parts.fragment);
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
struct Netloc<'a> {
    username: Option<&'a str>,
    password: Option<&'a str>,
    hostname: String,
    port: &'a str,
}

fn split_netloc(netloc: &str) -> Netloc<'_> {
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

fn parse_port(port: &str) -> Result<Option<u16>, Error> {
    if port.is_empty() {
        return Ok(None);
    }
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::value_error(format!(
            "Port could not be cast to integer value as {}",
            py_repr(port)
        )));
    }
    match port.parse() {
        Ok(port) => Ok(Some(port)),
        Err(_) => Err(Error::value_error("Port out of range 0-65535")),
    }
}

fn join_netloc(
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

/// Makes a URI readable: Werkzeug's `uri_to_iri`.
///
/// # Errors
/// `ValueError` for a host or a port that can't be one.
///
/// ```
/// use carafe::wrappers::urls::uri_to_iri;
///
/// assert_eq!(uri_to_iri("http://h/p%C3%A5th%2Fx?q=%C3%A8ry%DF").unwrap(), "http://h/påth%2Fx?q=èry%DF");
/// ```
pub fn uri_to_iri(uri: &str) -> Result<String, Error> {
    let parts = urlsplit(uri)?;
    let netloc = split_netloc(&parts.netloc);
    let username = netloc
        .username
        .map(|text| unquote_part(text, unsafe_in_user));
    let password = netloc
        .password
        .map(|text| unquote_part(text, unsafe_in_user));
    Ok(urlunsplit(&SplitResult {
        netloc: join_netloc(
            &decode_domain(&netloc.hostname),
            parse_port(netloc.port)?,
            username.as_deref(),
            password.as_deref(),
        ),
        path: unquote_part(&parts.path, unsafe_in_path).into_owned(),
        query: unquote_part(&parts.query, unsafe_in_query).into_owned(),
        fragment: unquote_part(&parts.fragment, always_unsafe).into_owned(),
        scheme: parts.scheme,
    }))
}

/// Makes an IRI fit for the wire: Werkzeug's `iri_to_uri`.
///
/// # Errors
/// `ValueError` for a host or a port that can't be one; `UnicodeError` for one with a label that is
/// empty or too long.
///
/// ```
/// use carafe::wrappers::urls::iri_to_uri;
///
/// assert_eq!(iri_to_uri("/påth?q=a b").unwrap(), "/p%C3%A5th?q=a%20b");
/// ```
pub fn iri_to_uri(iri: &str) -> Result<String, Error> {
    let parts = urlsplit(iri)?;
    let netloc = split_netloc(&parts.netloc);
    let hostname = encode_domain(&netloc.hostname)?;
    let username = netloc.username.map(|text| quote(text, USER));
    let password = netloc.password.map(|text| quote(text, USER));
    Ok(urlunsplit(&SplitResult {
        netloc: join_netloc(
            &hostname,
            parse_port(netloc.port)?,
            username.as_deref(),
            password.as_deref(),
        ),
        path: quote(&parts.path, PATH).into_owned(),
        query: quote(&parts.query, QUERY).into_owned(),
        fragment: quote(&parts.fragment, FRAGMENT).into_owned(),
        scheme: parts.scheme,
    }))
}

/// [`iri_to_uri`] for where nothing can be done about an error: a URL that can't be split is quoted as
/// a whole.
pub(crate) fn iri_to_uri_lossy(iri: &str) -> String {
    iri_to_uri(iri).unwrap_or_else(|_| quote(iri, FRAGMENT).into_owned())
}

/// Reads a query string or a form: Python's `parse_qsl` as Werkzeug calls it. Blank values are kept,
/// and bytes that are not UTF-8 stay quoted.
///
/// ```
/// use carafe::wrappers::urls::parse_qsl;
///
/// let args = parse_qsl("a=1&b=x+y%21&a=%FF&c");
/// assert_eq!(args.getlist("a"), ["1", "%FF"]);
/// assert_eq!(args.get("b"), Some("x y!"));
/// assert_eq!(args.get("c"), Some(""));
/// ```
pub fn parse_qsl(query: &str) -> MultiDict {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode_argument(name), decode_argument(value))
        })
        .collect()
}

fn decode_argument(text: &str) -> String {
    let text = text.replace('+', " ");
    match unquote_part(&text, |_| false) {
        Cow::Owned(decoded) => decoded,
        Cow::Borrowed(_) => text,
    }
}

/// Writes a query string or a form: Werkzeug's `_urlencode`.
///
/// ```
/// use carafe::wrappers::urls::urlencode;
///
/// assert_eq!(urlencode([("q", "a b&c"), ("é", "/")]), "q=a+b%26c&%C3%A9=/");
/// ```
pub fn urlencode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(&quote(name, ARGUMENT).replace(' ', "+"));
        query.push('=');
        query.push_str(&quote(value, ARGUMENT).replace(' ', "+"));
    }
    query
}

/// Whether a `Host` could be one, and is one of `trusted_hosts` where there are any: Werkzeug's
/// `host_is_trusted`. A name that starts with a dot there also stands for its subdomains.
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
            match hostname.strip_suffix(trusted) {
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
    let implied_port = match scheme {
        "http" | "ws" => ":80",
        "https" | "wss" => ":443",
        _ => "",
    };
    let host = host.strip_suffix(implied_port).unwrap_or(&host);
    if host_is_trusted(host, trusted_hosts) {
        Ok(host.to_owned())
    } else if trusted_hosts.is_empty() {
        Ok(String::new())
    } else {
        let message = format!("Host {} is not trusted.", py_repr(host));
        Err(HttpException::security_error(message).into())
    }
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
