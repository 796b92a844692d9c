//! Where a request was made to: its URL and its host.
//!
//! Mirrors `url`, `host`, `trusted_hosts` and their kin in `werkzeug/sansio/request.py`.
//!
//! Read next: `../host.rs`, which checks the host and puts the URL together.

use http::header::HOST;

use super::Request;
use crate::error::Error;
use crate::wrappers::datastructures::latin1_decode;
use crate::wrappers::host::{get_current_url, get_host, is_plain_host, without_implied_port};

impl Request {
    /// The whole URL, as an IRI.
    pub fn url(&self) -> &str {
        self.parsed()
            .url
            .get_or_init(|| self.make_url(true, Some(&self.path), Some(&self.query_string)))
    }

    /// The URL without its query string.
    pub fn base_url(&self) -> String {
        self.make_url(true, Some(&self.path), None)
    }

    /// The URL of the app's root, with a slash at its end.
    pub fn root_url(&self) -> String {
        self.make_url(true, None, None)
    }

    /// [`Request::root_url`], by its other name.
    pub fn url_root(&self) -> String {
        self.root_url()
    }

    /// Just scheme and host, with a slash at its end.
    pub fn host_url(&self) -> String {
        self.make_url(false, None, None)
    }

    fn make_url(&self, with_root: bool, path: Option<&str>, query: Option<&str>) -> String {
        let root_path = with_root.then_some(self.root_path.as_str());
        get_current_url(self.scheme(), self.host(), root_path, path, query)
    }

    /// The host, with its port unless the scheme implies it; `""` where the client sent something that
    /// can't be a host, or one that is not [trusted](Request::trusted_hosts).
    pub fn host(&self) -> &str {
        // Only a list of trusted hosts makes an error.
        self.parsed()
            .host
            .get_or_init(|| self.trusted_host(self.trusted_hosts()).unwrap_or_default())
    }

    /// The hosts that a request may be made to, any where there are none: `request.trusted_hosts`.
    pub fn trusted_hosts(&self) -> &[String] {
        let there = self.parsed.get();
        there
            .and_then(|parsed| parsed.trusted_hosts.get())
            .map_or(&[], Vec::as_slice)
    }

    /// Sets [`Request::trusted_hosts`], once: a host that was let in stays in.
    pub fn set_trusted_hosts(&self, trusted_hosts: &[String]) {
        self.parsed()
            .trusted_hosts
            .get_or_init(|| trusted_hosts.to_vec());
    }

    /// Whether the `Host` header is a [plain one](is_plain_host).
    #[inline]
    pub(crate) fn has_plain_host(&self) -> bool {
        let host = self.headers.get(HOST);
        host.is_some_and(|host| is_plain_host(host.as_bytes()))
    }

    /// The `Host` header, without the port that the scheme implies: [`Request::host`], where that is
    /// plain. Nothing is copied.
    pub(crate) fn host_header(&self) -> Option<&str> {
        let host = self.headers.get(HOST)?.to_str().ok()?;
        Some(without_implied_port(self.scheme(), host))
    }

    /// [`Request::host`], checked against a list such as Flask's `TRUSTED_HOSTS`.
    ///
    /// # Errors
    /// `SecurityError`, a 400, where the host is none of them.
    pub fn trusted_host(&self, trusted_hosts: &[String]) -> Result<String, Error> {
        let header = self
            .headers
            .get(HOST)
            .map(|host| latin1_decode(host.as_bytes()));
        let server = (self.server_name.as_str(), self.server_port);
        get_host(self.scheme(), header.as_deref(), server, trusted_hosts)
    }

    /// The name and port of the server: `SERVER_NAME` and `SERVER_PORT`.
    pub fn server(&self) -> (&str, u16) {
        (&self.server_name, self.server_port)
    }
}
