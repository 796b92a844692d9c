//! `CookieJar`: the cookies that a browser would have.
//!
//! Mirrors the `Cookie` of `werkzeug/test.py`: enough of RFC 6265 to know which cookie goes where.
//!
//! Read next: `client.rs`, which fills it and sends from it.

use crate::wrappers::dates::parse_date;

/// One cookie that a response has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// Its name.
    pub key: String,
    /// Its value, as it stood in the header.
    pub value: String,
    /// The host that it goes back to.
    pub domain: String,
    /// Whether only that host gets it, and not the hosts below it.
    pub origin_only: bool,
    /// The path below which it goes back.
    pub path: String,
}

impl Cookie {
    /// A cookie as this client would have it from `server_name`, for every path there.
    pub fn new(
        key: impl Into<String>,
        value: impl Into<String>,
        server_name: impl Into<String>,
    ) -> Self {
        Cookie {
            key: key.into(),
            value: value.into(),
            domain: server_name.into(),
            origin_only: true,
            path: "/".to_owned(),
        }
    }

    fn is_same(&self, other: &Cookie) -> bool {
        (&self.key, &self.domain, &self.path) == (&other.key, &other.domain, &other.path)
    }

    // ANCHOR: goes_to
    fn goes_to(&self, server_name: &str, path: &str) -> bool {
        let domain_matches = server_name == self.domain
            || (!self.origin_only
                && server_name
                    .strip_suffix(&self.domain)
                    .is_some_and(|rest| rest.ends_with('.')));
        let path_matches = path == self.path
            || path
                .strip_prefix(&self.path)
                .is_some_and(|rest| self.path.ends_with('/') || rest.starts_with('/'));
        domain_matches && path_matches
    }
    // ANCHOR_END: goes_to
}

/// The cookies of one browser. Werkzeug: `Client._cookies`.
#[derive(Clone, Debug, Default)]
pub struct CookieJar {
    cookies: Vec<Cookie>,
}

impl CookieJar {
    /// The cookie of this name that a request to `path` on `server_name` would carry.
    #[must_use]
    pub fn get(&self, key: &str, server_name: &str, path: &str) -> Option<&Cookie> {
        self.cookies
            .iter()
            .find(|cookie| cookie.key == key && cookie.goes_to(server_name, path))
    }

    /// All of them, in the order in which they were first set.
    pub fn iter(&self) -> impl Iterator<Item = &Cookie> {
        self.cookies.iter()
    }

    /// Puts a cookie in; it replaces the one of the same name, host and path.
    pub fn set(&mut self, cookie: Cookie) {
        match self.cookies.iter_mut().find(|each| each.is_same(&cookie)) {
            Some(old) => *old = cookie,
            None => self.cookies.push(cookie),
        }
    }

    /// Takes every cookie of this name out.
    pub fn delete(&mut self, key: &str) {
        self.cookies.retain(|cookie| cookie.key != key);
    }

    /// Takes all cookies out.
    pub fn clear(&mut self) {
        self.cookies.clear();
    }

    /// The `Cookie` header for a request; `None` where none goes there.
    #[must_use]
    pub fn header(&self, server_name: &str, path: &str) -> Option<String> {
        let going = self
            .cookies
            .iter()
            .filter(|cookie| cookie.goes_to(server_name, path));
        let pairs: Vec<String> = going
            .map(|cookie| format!("{}={}", cookie.key, cookie.value))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Does what a `Set-Cookie` header of a response from `path` on `server_name` says.
    pub fn update(&mut self, set_cookie: &str, server_name: &str, path: &str) {
        let mut pieces = set_cookie.split(';');
        let (key, value) = pieces
            .next()
            .unwrap_or_default()
            .split_once('=')
            .unwrap_or_default();
        let mut cookie = Cookie {
            key: key.trim().to_owned(),
            value: value.trim().to_owned(),
            domain: server_name.to_owned(),
            origin_only: true,
            path: default_path(path).to_owned(),
        };
        let (mut max_age, mut expires) = (None, None);
        for piece in pieces {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let value = value.trim_matches([' ', '\t']);
            match name.trim_matches([' ', '\t']).to_ascii_lowercase().as_str() {
                "domain" => {
                    let domain = value.trim_start_matches('.');
                    let domain = Some(domain).filter(|domain| !domain.is_empty());
                    domain.unwrap_or(server_name).clone_into(&mut cookie.domain);
                    cookie.origin_only = false;
                }
                "path" if value.is_empty() => default_path(path).clone_into(&mut cookie.path),
                "path" => value.clone_into(&mut cookie.path),
                // Of nothing at all Werkzeug makes a zero.
                "max-age" if value.is_empty() => max_age = Some(0),
                "max-age" => max_age = value.parse::<i64>().ok(),
                "expires" => expires = parse_date(value),
                _ => {}
            }
        }
        let deleted = max_age == Some(0) || expires == Some(0);
        if deleted {
            self.cookies.retain(|each| !each.is_same(&cookie));
        } else {
            self.set(cookie);
        }
    }
}

/// Where a cookie without a path goes back to: the folder of the path that set it.
fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(end) => &path[..end],
    }
}
