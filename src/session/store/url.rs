//! `StoreUrl`: one URL that says which store, where, and how.
//!
//! `scheme:where?name=value&...`. Each store takes the parameters that it knows out of it, and whatever
//! is left then is an error that names the nearest right one: a typo in `threshold` is found at
//! start-up, not by a disk that is full. What goes on to a client library keeps the parameters that are
//! the library's.
//!
//! Read next: `open.rs`, which picks the store.

use std::time::Duration;

use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode,
};

use super::StoreError;

/// How long a store may take for one command, unless its URL says `timeout=SECONDS`.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);
/// How many connections a pool holds at most, unless the URL says `pool=NUMBER`.
#[allow(dead_code)] // Only the stores with a pool use it.
pub(crate) const POOL: u32 = 8;

/// A URL on its way into a store.
#[derive(Clone, Debug)]
pub(crate) struct StoreUrl {
    store: &'static str,
    scheme: String,
    /// All between the scheme and the `?`, slashes included.
    rest: String,
    /// The parameters that nobody has taken yet, decoded.
    query: Vec<(String, String)>,
    /// Those that were asked for.
    known: Vec<&'static str>,
}

impl StoreUrl {
    /// Takes the text apart. `scheme:` is all that it has to have.
    pub(crate) fn parse(text: &str) -> Result<Self, StoreError> {
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let query = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        });
        Ok(StoreUrl {
            store: "url",
            scheme: scheme.to_ascii_lowercase(),
            rest: rest.to_owned(),
            query: query.collect::<Result<_, StoreError>>()?,
            known: Vec::new(),
        })
    }

    /// The URL of a path in the file system.
    pub(super) fn of_path(scheme: &str, path: &str) -> Self {
        const PATH: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#').add(b' ');
        StoreUrl {
            store: "url",
            scheme: scheme.to_owned(),
            rest: format!("//{}", utf8_percent_encode(path, PATH)),
            query: Vec::new(),
            known: Vec::new(),
        }
    }

    /// Makes the path this database's name, or `default` where there is neither a path nor a name. In
    /// MongoDB's URLs the path also says where a user is known: that stays as it was.
    pub(super) fn set_database(&mut self, name: Option<&str>, default: &str) {
        let hosts = self.rest.trim_start_matches('/');
        let (hosts, path) = hosts.split_once('/').unwrap_or((hosts, ""));
        let users = if path.is_empty() { "admin" } else { path }.to_owned();
        let has_user = hosts.contains('@');
        let name = match name {
            None if path.is_empty() => default,
            None => return,
            Some(name) => name,
        };
        self.rest = format!("//{hosts}/{}", encode(name));
        if has_user {
            self.set_default("authSource", users);
        }
    }

    /// The path of a file, from the root on, as it was written: `scheme:///path`. SQLAlchemy has a slash more in front of
    /// one, which says no more here.
    pub(super) fn absolute_path(&self) -> Option<&str> {
        let rest = self.rest.strip_prefix("//")?;
        let slashes = rest.len() - rest.trim_start_matches('/').len();
        rest.get(slashes.checked_sub(1)?..)
    }

    /// The same URL, whose errors name this store from now on.
    pub(super) fn of_store(mut self, store: &'static str) -> Self {
        self.store = store;
        self
    }

    /// What stands before the first colon, in lower case.
    pub(crate) fn scheme(&self) -> &str {
        &self.scheme
    }

    /// What is between the scheme's colon and the `?`, slashes included, as it was written.
    pub(crate) fn rest(&self) -> &str {
        &self.rest
    }

    /// Sets a parameter that the URL lacks. Config keys come in this way.
    pub(crate) fn set_default(&mut self, name: &str, value: impl Into<String>) {
        if !self.query.iter().any(|(other, _)| other == name) {
            self.query.push((name.to_owned(), value.into()));
        }
    }

    /// Takes a parameter out. Of several with one name the last one counts.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        let mut taken = None;
        self.query.retain_mut(|(other, value)| {
            if other == name {
                taken = Some(std::mem::take(value));
            }
            other != name
        });
        taken
    }

    /// Takes a number out.
    pub(crate) fn take_number(&mut self, name: &'static str) -> Result<Option<u64>, StoreError> {
        let Some(text) = self.take(name) else {
            return Ok(None);
        };
        match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(self.refused(name, "a number", &text)),
        }
    }

    /// Takes a number of seconds out, which may have a fraction.
    pub(crate) fn take_seconds(
        &mut self,
        name: &'static str,
    ) -> Result<Option<Duration>, StoreError> {
        let Some(text) = self.take(name) else {
            return Ok(None);
        };
        match text.parse().ok().and_then(seconds) {
            Some(duration) => Ok(Some(duration)),
            None => Err(self.refused(name, "a number of seconds", &text)),
        }
    }

    /// Takes a yes or no out.
    pub(crate) fn take_flag(&mut self, name: &'static str) -> Result<Option<bool>, StoreError> {
        let Some(text) = self.take(name) else {
            return Ok(None);
        };
        match &*text.to_ascii_lowercase() {
            "1" | "true" | "yes" | "on" | "" => Ok(Some(true)),
            "0" | "false" | "no" | "off" => Ok(Some(false)),
            _ => Err(self.refused(name, "true or false", &text)),
        }
    }

    /// Takes `timeout` out: how long one command may take.
    pub(crate) fn take_timeout(&mut self) -> Result<Duration, StoreError> {
        Ok(self.take_seconds("timeout")?.unwrap_or(TIMEOUT))
    }

    /// Takes `pool` out: how many connections there are at most.
    #[allow(dead_code)]
    pub(crate) fn take_pool(&mut self) -> Result<u32, StoreError> {
        let Some(number) = self.take_number("pool")? else {
            return Ok(POOL);
        };
        match u32::try_from(number) {
            Ok(pool @ 1..) => Ok(pool),
            _ => Err(self.refused("pool", "a number of connections", &number.to_string())),
        }
    }

    /// The error for a parameter that is not what it should be.
    pub(crate) fn refused(&self, name: &str, expected: &str, got: &str) -> StoreError {
        let message = format!("the parameter {name} takes {expected}, not {got:?}");
        StoreError::config(self.store, message)
    }

    /// The URL without parameters, if each one that it had is taken.
    pub(crate) fn finish(self) -> Result<String, StoreError> {
        let Some((name, _)) = self.query.first() else {
            return Ok(format!("{}:{}", self.scheme, self.rest));
        };
        let message = match nearest(name, self.known.iter().copied()) {
            Some(nearest) => format!("unknown parameter {name:?}: the nearest is {nearest:?}"),
            None => format!(
                "unknown parameter {name:?}: a {}: URL has none",
                self.scheme
            ),
        };
        Err(StoreError::config(self.store, message))
    }

    /// The same, for a client library that takes no parameters but these. Another one is an error that
    /// names the nearest of them and the store's own.
    #[allow(dead_code)]
    pub(crate) fn into_client_url_with(
        mut self,
        names: &'static [&'static str],
    ) -> Result<String, StoreError> {
        let is_known = |name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        if self.query.iter().any(|(name, _)| !is_known(name)) {
            self.query.retain(|(name, _)| !is_known(name));
            self.known.extend(names);
            return self.finish();
        }
        Ok(self.into_client_url())
    }

    /// The URL with the parameters that nobody took, which are the client library's.
    #[allow(dead_code)] // Only stores with a library that reads URLs use it.
    pub(crate) fn into_client_url(self) -> String {
        let mut url = format!("{}:{}", self.scheme, self.rest);
        let mut separator = '?';
        for (name, value) in &self.query {
            url.push(separator);
            url.push_str(&encode(name));
            url.push('=');
            url.push_str(&encode(value));
            separator = '&';
        }
        url
    }

    /// The URL as an error may show it: without a password.
    pub(crate) fn shown(&self) -> String {
        let StoreUrl { scheme, rest, .. } = self;
        match rest.rsplit_once('@') {
            Some((_secret, place)) => format!("{scheme}://...@{place}"),
            None => format!("{scheme}:{rest}"),
        }
    }
}

/// A time to wait for something: more than none, and no more than a clock counts.
pub(super) fn seconds(seconds: f64) -> Option<Duration> {
    let duration = Duration::try_from_secs_f64(seconds).ok();
    duration.filter(|duration| !duration.is_zero())
}

fn decode(text: &str) -> Result<String, StoreError> {
    match percent_decode_str(text).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(StoreError::config("url", format!("{text:?} is no UTF-8"))),
    }
}

fn encode(text: &str) -> String {
    /// All that means nothing in a URL.
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~');
    utf8_percent_encode(text, RESERVED).to_string()
}

// ANCHOR: nearest
/// The name that a typo most likely stands for.
pub(crate) fn nearest<'a>(typo: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names.into_iter().min_by_key(|name| distance(typo, name))
}

/// How many characters have to be put in, taken out or changed to make one text of the other. A text of
/// more than 64 characters counts by its beginning.
pub(crate) fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().take(64).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (j, b) in other.iter().enumerate() {
            let above = row[j + 1];
            let changed = diagonal + usize::from(!a.eq_ignore_ascii_case(b));
            row[j] = left;
            left = changed.min(left + 1).min(above + 1);
            diagonal = above;
        }
        row[other.len()] = left;
    }
    row[other.len()]
}
// ANCHOR_END: nearest

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_a_store_does_not_take_is_the_client_librarys() {
        let mut url = StoreUrl::parse("MongoDB://a:p%40ss@h1,h2/db?w=majority&timeout=2&x=a%26b");
        let url = url.as_mut().unwrap();
        assert_eq!(
            (url.scheme(), url.rest()),
            ("mongodb", "//a:p%40ss@h1,h2/db")
        );
        assert_eq!(url.take_timeout().unwrap(), Duration::from_secs(2));
        assert_eq!(url.shown(), "mongodb://...@h1,h2/db");
        assert_eq!(
            url.clone().into_client_url(),
            "mongodb://a:p%40ss@h1,h2/db?w=majority&x=a%26b"
        );
        let error = url.clone().finish().unwrap_err().to_string();
        assert!(!error.contains("p%40ss"), "{error}");
    }

    #[test]
    fn a_database_from_the_config_goes_into_the_path() {
        for (text, name, wanted) in [
            ("mongodb://h", None, "mongodb://h/flask_session"),
            ("mongodb://h/", Some("mine"), "mongodb://h/mine"),
            ("mongodb://h/there", None, "mongodb://h/there"),
            ("mongodb://h/there", Some("mine"), "mongodb://h/mine"),
            (
                "mongodb://a:b@h",
                Some("mine"),
                "mongodb://a:b@h/mine?authSource=admin",
            ),
            (
                "mongodb://a:b@h/there",
                Some("mine"),
                "mongodb://a:b@h/mine?authSource=there",
            ),
        ] {
            let mut url = StoreUrl::parse(text).unwrap();
            url.set_database(name, "flask_session");
            assert_eq!(url.into_client_url(), wanted);
        }
    }

    #[test]
    fn numbers_flags_and_seconds_are_what_they_should_be() {
        let mut url = StoreUrl::parse("x:?n=-1&f=maybe&s=0&pool=0&t=1&t=2").unwrap();
        assert!(url.take_number("n").is_err());
        assert!(url.take_flag("f").is_err());
        assert!(url.take_seconds("s").is_err());
        assert!(url.take_pool().is_err());
        assert_eq!(
            url.take_number("t").unwrap(),
            Some(2),
            "the last one counts"
        );
        assert_eq!(url.take_number("t").unwrap(), None);
        assert_eq!(url.finish().unwrap(), "x:");
    }

    #[test]
    fn a_distance_counts_what_was_put_in_taken_out_or_changed() {
        for (one, other, wanted) in [
            ("", "", 0),
            ("same", "SAME", 0),
            ("treshold", "threshold", 1),
            ("thrashold", "threshold", 1),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(one, other), wanted, "{one} {other}");
        }
    }
}
