//! The adapter: a map bound to one request, or to a place.
//!
//! Mirrors `Map.bind` and `MapAdapter` in `werkzeug/routing/map.py`.
//!
//! Read next: nothing: this is the last file of the router. The app calls it from its
//! `create_url_adapter`, `match_request` and `url_for`.

use std::borrow::Cow;
use std::sync::Arc;

use super::exceptions::{BuildError, RoutingException};
use super::map::Map;
use super::matcher::NoRule;
use super::rule::Rule;
use super::urls::{quote_path, urljoin};
use crate::wrappers::urlsplit::urlunsplit;
use crate::{Dict, Value};

impl Map {
    /// Binds the map to a request or a place: Werkzeug's `Map.bind`. It borrows all it can.
    #[must_use]
    pub fn bind<'a>(&'a self, args: BindArgs<'a>) -> MapAdapter<'a> {
        let server_name = if args
            .server_name
            .bytes()
            .any(|byte| byte.is_ascii_uppercase())
        {
            Cow::Owned(args.server_name.to_lowercase())
        } else {
            Cow::Borrowed(args.server_name)
        };
        MapAdapter {
            map: self,
            server_name,
            script_name: args.script_name,
            url_scheme: args.url_scheme,
            path_info: args.path_info,
            default_method: args.default_method,
            query_args: args.query_args,
        }
    }
}

/// What a map is bound to. [`Default`] has Werkzeug's defaults; its server has no name.
#[derive(Clone, Copy, Debug)]
pub struct BindArgs<'a> {
    /// The host, with a port where it is not the scheme's own.
    pub server_name: &'a str,
    /// The path that leads to the app, with or without a slash at the end. Default: `/`.
    pub script_name: &'a str,
    /// Default: `http`.
    pub url_scheme: &'a str,
    /// The path below it, percent-decoded. Default: `/`.
    pub path_info: &'a str,
    /// The method where none is given. Default: `GET`.
    pub default_method: &'a str,
    /// The query as it was sent; redirects keep it. Default: empty.
    pub query_args: &'a str,
}

impl Default for BindArgs<'_> {
    fn default() -> Self {
        Self {
            server_name: "",
            script_name: "/",
            url_scheme: "http",
            path_info: "/",
            default_method: "GET",
            query_args: "",
        }
    }
}

/// A rule that fits a path, and the values that the path has for it.
#[derive(Clone, Debug)]
pub struct RuleMatch {
    /// The rule.
    pub rule: Arc<Rule>,
    /// Its variables, in the order of the rule string, then its defaults.
    pub view_args: Dict,
}

/// A map bound to one request: Werkzeug's `MapAdapter`. It is made of references and costs nothing to
/// make.
#[derive(Clone, Debug)]
pub struct MapAdapter<'a> {
    /// The map.
    pub map: &'a Map,
    /// See [`BindArgs::server_name`]; in lower case.
    pub server_name: Cow<'a, str>,
    /// See [`BindArgs::script_name`].
    pub script_name: &'a str,
    /// See [`BindArgs::url_scheme`].
    pub url_scheme: &'a str,
    /// See [`BindArgs::path_info`].
    pub path_info: &'a str,
    /// See [`BindArgs::default_method`].
    pub default_method: &'a str,
    /// See [`BindArgs::query_args`].
    pub query_args: &'a str,
}

impl MapAdapter<'_> {
    /// The rule for a path and a method, both by default those that the map was bound to.
    ///
    /// # Errors
    /// A [`RoutingException`]: 404, 405, or a redirect to the canonical URL.
    pub fn match_(
        &self,
        path_info: Option<&str>,
        method: Option<&str>,
    ) -> Result<RuleMatch, RoutingException> {
        let path_info = path_info.unwrap_or(self.path_info);
        let method = method.unwrap_or(self.default_method);
        let method = if method.bytes().any(|byte| byte.is_ascii_lowercase()) {
            Cow::Owned(method.to_uppercase())
        } else {
            Cow::Borrowed(method)
        };
        let (merge, defaults) = (self.map.merge_slashes, self.map.redirect_defaults);
        let found = self.map.matcher.match_(path_info, &method, merge, defaults);
        let (rule, view_args) = found.map_err(|no_rule| self.no_rule(no_rule, &method))?;
        if self.map.redirect_defaults
            && let Some(new_url) = self.get_default_redirect(&rule, &method, &view_args)
        {
            return Err(RoutingException::RequestRedirect { new_url });
        }
        if let Some(template) = &rule.redirect_to {
            let target = rule.redirect_target(template, &view_args);
            let target = target.ok_or(RoutingException::NotFound)?;
            let script_name = format!("{}/", self.script_root());
            let scheme = self.scheme();
            let new_url = urljoin(scheme, &self.server_name, &script_name, &target);
            return Err(RoutingException::RequestRedirect { new_url });
        }
        Ok(RuleMatch { rule, view_args })
    }

    /// What the client is told where the matcher found no rule to use.
    fn no_rule(&self, no_rule: NoRule<'_>, method: &str) -> RoutingException {
        match no_rule {
            NoRule::RequestPath(path) => RoutingException::RequestRedirect {
                new_url: self.make_redirect_url(&quote_path(&path)),
            },
            NoRule::RequestAliasRedirect(rule, values) => {
                match self.make_alias_redirect_url(&rule.endpoint, &values, method) {
                    Ok(new_url) => RoutingException::RequestRedirect { new_url },
                    Err(_) => RoutingException::NotFound,
                }
            }
            NoRule::NoMatch(methods) if methods.is_empty() => RoutingException::NotFound,
            NoRule::NoMatch(methods) => RoutingException::MethodNotAllowed {
                valid_methods: methods.into_iter().map(str::to_owned).collect(),
            },
        }
    }

    /// Whether a path and method lead to a rule or a redirect.
    #[must_use]
    pub fn test(&self, path_info: Option<&str>, method: Option<&str>) -> bool {
        matches!(
            self.match_(path_info, method),
            Ok(_) | Err(RoutingException::RequestRedirect { .. })
        )
    }

    /// The methods that a path takes, sorted. Empty for a path that takes every method or none.
    #[must_use]
    pub fn allowed_methods(&self, path_info: Option<&str>) -> Vec<String> {
        match self.match_(path_info, Some("--")) {
            Err(RoutingException::MethodNotAllowed { valid_methods }) => valid_methods,
            _ => Vec::new(),
        }
    }

    /// The host for redirects and external URLs: the server's name, as there are no subdomains.
    #[must_use]
    pub fn get_host(&self) -> &str {
        &self.server_name
    }

    /// The URL of the rule that has this match's values as its defaults, if there is one.
    #[must_use]
    pub fn get_default_redirect(
        &self,
        rule: &Arc<Rule>,
        method: &str,
        values: &Dict,
    ) -> Option<String> {
        if !self.map.any_defaults {
            return None;
        }
        // The rules behind this one in the order of building are no better than it.
        let rules = self.map.endpoint_rules(&rule.endpoint).iter();
        for other in rules.take_while(|other| !Arc::ptr_eq(other, rule)) {
            if other.provides_defaults_for(rule) && other.suitable_for(values, Some(method)) {
                let mut values = values.clone();
                values.extend(other.defaults.clone());
                let sort = self.map.sort_parameters;
                let path = other.build(&values, true, sort).ok()??;
                return Some(self.make_redirect_url(&path));
            }
        }
        None
    }

    /// The whole URL of a path that is percent-encoded already, with the query of the request.
    #[must_use]
    pub fn make_redirect_url(&self, path_info: &str) -> String {
        let script_name = self.script_name.trim_matches('/');
        let path = format!("{script_name}/{}", path_info.trim_start_matches('/'));
        urlunsplit(self.scheme(), self.get_host(), &path, self.query_args, "")
    }

    /// The whole URL of the rule that an alias stands for.
    fn make_alias_redirect_url(
        &self,
        endpoint: &str,
        values: &Dict,
        method: &str,
    ) -> Result<String, Box<BuildError>> {
        let mut url = self.build(endpoint, values, Some(method), true, false, None)?;
        if !self.query_args.is_empty() {
            url.push('?');
            url.push_str(self.query_args);
        }
        Ok(url)
    }

    /// The path of the first rule of the endpoint that suits: Werkzeug's `_partial_build`. Without a
    /// method, rules for the default method come first. An error is a converter's message.
    fn partial_build(
        &self,
        endpoint: &str,
        values: &Dict,
        method: Option<&str>,
        append_unknown: bool,
    ) -> Result<Option<String>, String> {
        if method.is_none() {
            let method = Some(self.default_method);
            let path = self.partial_build(endpoint, values, method, append_unknown)?;
            if path.is_some() {
                return Ok(path);
            }
        }
        let sort = self.map.sort_parameters;
        for rule in self.map.endpoint_rules(endpoint) {
            if rule.suitable_for(values, method)
                && let Some(path) = rule.build(values, append_unknown, sort)?
            {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Builds the URL of an endpoint; `url_for` is made of this. Values that are no arguments of the
    /// rule become the query (`append_unknown`), `Null` is left out, a list repeats its key.
    ///
    /// The URL is a path, or with `force_external` a whole one, with the scheme given or the
    /// request's own. An empty scheme gives `//host/path`.
    ///
    /// # Errors
    /// A [`BuildError`] where the endpoint has no rule for these values and this method.
    ///
    /// ```
    /// use carafe::routing::{BindArgs, Map, Rule};
    /// use carafe::{Dict, Value};
    ///
    /// let mut map = Map::new();
    /// map.add(Rule::try_new("/wiki/<path:page>", "page")?)?;
    /// let adapter = map.bind(BindArgs { server_name: "localhost", ..BindArgs::default() });
    ///
    /// let values = Dict::from_iter([
    ///     ("page".to_owned(), Value::Str("a b/c".to_owned())),
    ///     ("edit".to_owned(), Value::Bool(true)),
    /// ]);
    /// let url = adapter.build("page", &values, None, false, true, None)?;
    /// assert_eq!(url, "/wiki/a%20b/c?edit=True");
    /// let url = adapter.build("page", &values, None, true, true, Some("https"))?;
    /// assert_eq!(url, "https://localhost/wiki/a%20b/c?edit=True");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn build(
        &self,
        endpoint: &str,
        values: &Dict,
        method: Option<&str>,
        force_external: bool,
        append_unknown: bool,
        url_scheme: Option<&str>,
    ) -> Result<String, Box<BuildError>> {
        let values = without_nulls(values);
        let error = |cause| {
            Box::new(BuildError {
                endpoint: endpoint.to_owned(),
                values: values.clone().into_owned(),
                method: method.map(str::to_owned),
                cause,
                rules: Arc::clone(&self.map.rules_by_endpoint),
            })
        };
        let path = match self.partial_build(endpoint, &values, method, append_unknown) {
            Ok(Some(path)) => path,
            Ok(None) => return Err(error(None)),
            Err(message) => return Err(error(Some(message))),
        };
        let path = path.trim_start_matches('/');
        if !force_external {
            return Ok(format!("{}/{path}", self.script_name.trim_end_matches('/')));
        }
        let scheme = match url_scheme.unwrap_or(self.url_scheme) {
            "" => "",
            "https" | "wss" => "https:",
            _ => "http:",
        };
        let host = self.get_host();
        Ok(format!("{scheme}//{host}{}/{path}", self.script_root()))
    }

    /// The script's path without the one slash at the end that Werkzeug's `script_name` has.
    fn script_root(&self) -> &str {
        self.script_name
            .strip_suffix('/')
            .unwrap_or(self.script_name)
    }

    fn scheme(&self) -> &str {
        if self.url_scheme.is_empty() {
            "http"
        } else {
            self.url_scheme
        }
    }
}

/// The values that are not `None`.
fn without_nulls(values: &Dict) -> Cow<'_, Dict> {
    if values.values().any(|value| *value == Value::Null) {
        let kept = values.iter().filter(|(_, value)| **value != Value::Null);
        return Cow::Owned(
            kept.map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        );
    }
    Cow::Borrowed(values)
}
