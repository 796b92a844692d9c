//! Where a request went, and where a redirect leads from there.
//!
//! Mirrors the URLs of `Client.run_wsgi_app` and `Client.resolve_redirect` in `werkzeug/test.py`.
//!
//! Read next: `cookie_jar.rs`, which knows by the same URL which cookies go where.

use http::header::HOST;

use crate::error::Error;
use crate::routing::urljoin;
use crate::wrappers::datastructures::latin1_decode;
use crate::wrappers::host::{get_current_url, get_host};
use crate::wrappers::urls::{PATH, iri_to_uri, quote};
use crate::wrappers::urlsplit::{split_netloc, urlsplit};
use crate::wsgi::Environ;

/// Where a request went.
pub(super) struct Location {
    scheme: String,
    /// What the request said, with its port.
    host: String,
    /// The path to the app, percent-encoded, without a slash at its end.
    script_root: String,
    /// The host without its port, in lower case: what a cookie is for.
    pub(super) server_name: String,
    /// The path on the host, that of the app included: what a cookie's path is one of.
    pub(super) path: String,
}

/// Where a redirect leads, as an `EnvironBuilder` takes it.
pub(super) struct Target {
    /// Scheme, host, and the path to the app.
    pub(super) base_url: String,
    /// The path below that and the query, behind a host, so that a path with two slashes stays one.
    pub(super) path: String,
}

impl Location {
    pub(super) fn of(environ: &Environ) -> Result<Self, Error> {
        let scheme = environ.url_scheme.as_str();
        let header = environ.headers.get(HOST);
        let header = header.map_or_else(String::new, |host| {
            latin1_decode(host.as_bytes()).into_owned()
        });
        let server = (environ.server_name.as_str(), environ.server_port);
        let host = get_host(scheme, Some(&header), server, &[])?;
        let (root, path) = (environ.script_name.as_str(), environ.path_info.as_str());
        let url = urlsplit(&get_current_url(
            scheme,
            &host,
            Some(root),
            Some(path),
            None,
        ))?;
        let server_name = match split_netloc(&url.netloc).hostname {
            name if name.is_empty() => "localhost".to_owned(),
            name => name,
        };
        Ok(Location {
            scheme: scheme.to_owned(),
            host: header,
            script_root: quote(root.trim_end_matches('/'), PATH).into_owned(),
            server_name,
            path: url.path,
        })
    }

    /// Where a `Location` header of the response leads.
    ///
    /// # Errors
    /// `RuntimeError` where it leads to another host, `ValueError` where it is no URL.
    pub(super) fn resolve(&self, location: &str) -> Result<Target, Error> {
        let Location { scheme, host, .. } = self;
        let url = if location.is_empty() || location.starts_with(['?', '#']) {
            format!("{scheme}://{host}{}{location}", self.path)
        } else {
            let folder = self.path.rfind('/').map_or("/", |end| &self.path[..=end]);
            urljoin(scheme, host, folder, location)
        };
        let url = iri_to_uri(&url)?;
        let parts = urlsplit(&url)?;
        if !host_name(&parts.netloc).eq_ignore_ascii_case(host_name(host)) {
            return Err(Error::runtime(format!(
                "following external redirects to {url}"
            )));
        }
        let below_root = parts.path.strip_prefix(&self.script_root);
        let (root, path) = match below_root.filter(|rest| rest.is_empty() || rest.starts_with('/'))
        {
            Some(path) => (self.script_root.as_str(), path),
            // Beside the app: then the app is taken to be the host's root.
            None => ("", parts.path.as_str()),
        };
        let site = format!("{}://{}", parts.scheme, parts.netloc);
        let mark = if parts.query.is_empty() { "" } else { "?" };
        Ok(Target {
            base_url: format!("{site}{root}/"),
            path: format!("{site}{path}{mark}{}", parts.query),
        })
    }
}

/// A host without its port. The colons of an IPv6 address, which is in brackets, are no port's.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => name,
        _ => host,
    }
}
