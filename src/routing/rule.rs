//! A rule: one URL pattern, what it matches and the URLs it builds.
//!
//! Mirrors `werkzeug/routing/rules.py`. A [`Rule`] is made with [`Rule::try_new`] and becomes part of
//! a map by `Map::add`, which calls [`Rule::bind`] here: the rule string is cut at its slashes into
//! [`RulePart`]s for the matcher (`parts.rs`).
//! Werkzeug also compiles a Python function that builds the URL; here that is a list of
//! [`BuildPart`]s.
//!
//! Read next: `matcher.rs`, which walks the parts.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::converters::{Converter, ValidationError};
use super::exceptions::RuleError;
use super::map::Map;
use super::parts::{
    PartInProgress, RulePart, Token, len, merge_slashes, parse_converter_args, placeholders, tokens,
};
use super::python;
use super::urls::{quote_path, urlencode};
use crate::{Dict, Value};

/// A step of the rule, as Werkzeug's `_trace` has it: two rules are equal where these are.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Trace {
    Static(String),
    Variable(String),
}

/// A piece of the URL that a rule builds.
enum BuildPart {
    /// Text, percent-encoded.
    Static(String),
    /// The variable of this number.
    Variable(usize),
}

/// A variable of a rule.
struct Variable {
    name: String,
    converter: Arc<dyn Converter>,
}

/// One URL pattern and its endpoint: Werkzeug's `Rule`, with Flask's `provide_automatic_options`.
///
/// Set it up with the `with_` functions (they keep `methods` and `arguments` as Werkzeug does), then
/// give it to [`Map::add`], which hands it out again behind an `Arc`.
///
/// ```
/// use carafe::routing::{Map, Rule};
///
/// let mut map = Map::new();
/// let rule = Rule::try_new("/user/<int:id>", "user")?.with_methods(["get"]);
/// let rule = map.add(rule)?;
///
/// assert_eq!(rule.to_string(), "/user/<int:id>");
/// assert!(rule.arguments.contains("id"));
/// assert!(rule.methods.as_ref().is_some_and(|methods| methods.contains("HEAD")));
/// # Ok::<(), carafe::routing::RuleError>(())
/// ```
pub struct Rule {
    /// The rule string.
    pub rule: String,
    /// The name of what it leads to.
    pub endpoint: String,
    /// The methods it takes, in upper case; `None` is all.
    pub methods: Option<BTreeSet<String>>,
    /// Values for variables that are not in the rule string.
    pub defaults: Dict,
    /// Whether a missing slash at the end is a redirect. `None` is as the map says, until it is added.
    pub strict_slashes: Option<bool>,
    /// Whether `//` is taken for `/`. `None` is as the map says, until it is added.
    pub merge_slashes: Option<bool>,
    /// It never matches; it is there for `url_for`.
    pub build_only: bool,
    /// It is another name for a rule with the same endpoint and arguments, and redirects there.
    pub alias: bool,
    /// Where it redirects to, seen from the root of the script: text with `<variable>` in it.
    pub redirect_to: Option<String>,
    /// Whether Flask answers OPTIONS by itself. The router does not look at it.
    pub provide_automatic_options: bool,
    /// The names of its variables and defaults.
    pub arguments: BTreeSet<String>,
    variables: Vec<Variable>,
    trace: Vec<Trace>,
    build: Vec<BuildPart>,
}

impl Rule {
    /// A rule for an endpoint, with nothing else set.
    ///
    /// # Errors
    /// Where the rule string does not start with a slash, cannot be read, or has a variable twice.
    pub fn try_new(
        rule: impl Into<String>,
        endpoint: impl Into<String>,
    ) -> Result<Self, RuleError> {
        let rule = rule.into();
        if !rule.starts_with('/') {
            return Err(RuleError::NoLeadingSlash { rule });
        }
        let mut arguments = BTreeSet::new();
        for token in tokens(&rule)? {
            if let Token::Variable { name, .. } = token
                && !arguments.insert(name.to_owned())
            {
                let variable = name.to_owned();
                return Err(RuleError::DuplicateVariable { rule, variable });
            }
        }
        Ok(Self {
            rule,
            endpoint: endpoint.into(),
            methods: None,
            defaults: Dict::new(),
            strict_slashes: None,
            merge_slashes: None,
            build_only: false,
            alias: false,
            redirect_to: None,
            provide_automatic_options: false,
            arguments,
            variables: Vec::new(),
            trace: Vec::new(),
            build: Vec::new(),
        })
    }

    /// Sets the methods, in any case. HEAD comes with GET.
    #[must_use]
    pub fn with_methods<M: AsRef<str>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        let upper = |method: M| method.as_ref().to_uppercase();
        let mut methods: BTreeSet<String> = methods.into_iter().map(upper).collect();
        if methods.contains("GET") {
            methods.insert("HEAD".to_owned());
        }
        self.methods = Some(methods);
        self
    }

    /// Sets the defaults; their names count as arguments.
    #[must_use]
    pub fn with_defaults(mut self, defaults: Dict) -> Self {
        self.arguments.extend(defaults.keys().cloned());
        self.defaults = defaults;
        self
    }

    /// Sets `strict_slashes` for this rule alone.
    #[must_use]
    pub fn with_strict_slashes(mut self, strict: bool) -> Self {
        self.strict_slashes = Some(strict);
        self
    }

    /// Sets `merge_slashes` for this rule alone.
    #[must_use]
    pub fn with_merge_slashes(mut self, merge: bool) -> Self {
        self.merge_slashes = Some(merge);
        self
    }

    /// Makes it a rule that only builds URLs.
    #[must_use]
    pub fn with_build_only(mut self, build_only: bool) -> Self {
        self.build_only = build_only;
        self
    }

    /// Makes it an alias.
    #[must_use]
    pub fn with_alias(mut self, alias: bool) -> Self {
        self.alias = alias;
        self
    }

    /// Makes it a redirect.
    #[must_use]
    pub fn with_redirect_to(mut self, target: impl Into<String>) -> Self {
        self.redirect_to = Some(target.into());
        self
    }

    /// Sets Flask's `provide_automatic_options`.
    #[must_use]
    pub fn with_automatic_options(mut self, provide: bool) -> Self {
        self.provide_automatic_options = provide;
        self
    }

    /// Takes what is not set from the map, looks up the converters, and compiles: Werkzeug's `bind`
    /// and `compile`. Gives the parts for the matcher.
    pub(crate) fn bind(&mut self, map: &Map) -> Result<Vec<RulePart>, RuleError> {
        if !self.rule.starts_with('/') {
            let rule = self.rule.clone(); // the field is public, so it may have changed
            return Err(RuleError::NoLeadingSlash { rule });
        }
        self.strict_slashes.get_or_insert(map.strict_slashes);
        let merge = *self.merge_slashes.get_or_insert(map.merge_slashes);
        let rule = if merge {
            merge_slashes(&self.rule)
        } else {
            self.rule.clone()
        };
        let parts = self.parse_rule(&rule, map)?;
        self.compile_builder()?;
        for name in self
            .redirect_to
            .as_deref()
            .into_iter()
            .flat_map(placeholders)
        {
            if self.variable(name).is_none() {
                let variable = name.to_owned();
                return Err(RuleError::RedirectVariable { variable });
            }
        }
        Ok(parts)
    }

    fn variable(&self, name: &str) -> Option<(usize, &Variable)> {
        let mut variables = self.variables.iter().enumerate();
        variables.find(|(_, variable)| variable.name == name)
    }

    /// Cuts the rule into parts: Werkzeug's `_parse_rule`.
    fn parse_rule(&mut self, rule: &str, map: &Map) -> Result<Vec<RulePart>, RuleError> {
        let mut parts = Vec::new();
        let mut part = PartInProgress::default();
        for token in tokens(rule)? {
            match token {
                Token::Static(text) => {
                    part.push_static(text);
                    self.trace.push(Trace::Static(text.to_owned()));
                }
                Token::Variable {
                    converter,
                    arguments,
                    name,
                } => {
                    let arguments = parse_converter_args(arguments)?;
                    let converter =
                        map.get_converter(converter.unwrap_or("default"), &arguments)?;
                    part.push_variable(&*converter);
                    let name = name.to_owned();
                    self.trace.push(Trace::Variable(name.clone()));
                    self.variables.push(Variable { name, converter });
                }
                Token::Slash => {
                    self.trace.push(Trace::Static("/".to_owned()));
                    if part.is_final {
                        part.push_literal("/");
                    } else {
                        parts.push(std::mem::take(&mut part).finish());
                    }
                }
            }
        }
        part.suffixed = part.is_final && part.pop_slash();
        let last = part.finish();
        let suffix = last.suffixed.then(|| RulePart {
            pieces: Vec::new(),
            is_final: false,
            suffixed: false,
            weight: last.weight.clone(),
        });
        parts.push(last);
        parts.extend(suffix);
        Ok(parts)
    }

    /// Works out the URL ahead of time: Werkzeug's `_compile_builder`. A variable that has a default
    /// is a constant.
    fn compile_builder(&mut self) -> Result<(), RuleError> {
        let mut build = Vec::new();
        let mut text = String::new();
        let mut number = 0;
        for step in &self.trace {
            let name = match step {
                Trace::Static(data) => {
                    text.push_str(&quote_path(data));
                    continue;
                }
                Trace::Variable(name) => name,
            };
            if let (Some(default), Some(variable)) =
                (self.defaults.get(name), self.variables.get(number))
            {
                let url = variable.converter.to_url(default);
                text.push_str(&url.map_err(|error| RuleError::BadDefault {
                    variable: name.clone(),
                    message: error.to_string(),
                })?);
            } else {
                build.push(BuildPart::Static(std::mem::take(&mut text)));
                build.push(BuildPart::Variable(number));
            }
            number += 1;
        }
        build.push(BuildPart::Static(text));
        self.build = build;
        Ok(())
    }

    /// The values of a match, in the order of the rule, then the defaults.
    pub(crate) fn view_args<'p>(
        &self,
        values: impl Iterator<Item = &'p str>,
    ) -> Result<Dict, ValidationError> {
        let mut args = Dict::with_capacity(self.variables.len() + self.defaults.len());
        for (variable, value) in self.variables.iter().zip(values) {
            let value = variable.converter.to_python(value)?;
            args.insert(variable.name.clone(), value);
        }
        for (name, value) in &self.defaults {
            args.insert(name.clone(), value.clone());
        }
        Ok(args)
    }

    /// The path for these values, with the rest of them as a query: Werkzeug's `Rule.build`. `None`
    /// where a converter says that its value does not fit, an error where it says that it is wrong.
    pub(crate) fn build(
        &self,
        values: &Dict,
        append_unknown: bool,
        sort_parameters: bool,
    ) -> Result<Option<String>, String> {
        let mut url = String::new();
        for part in &self.build {
            let number = match part {
                BuildPart::Static(text) => {
                    url.push_str(text);
                    continue;
                }
                BuildPart::Variable(number) => *number,
            };
            let Some(variable) = self.variables.get(number) else {
                continue;
            };
            let Some(value) = values.get(&variable.name) else {
                return Ok(None); // `suitable_for` has looked already
            };
            match variable.converter.to_url(value) {
                Ok(text) => url.push_str(&text),
                Err(ValidationError::Mismatch) => return Ok(None),
                Err(ValidationError::Invalid(message)) => return Err(message),
            }
        }
        if append_unknown {
            let query = self.encode_query_vars(values, sort_parameters);
            if !query.is_empty() {
                url.push('?');
                url.push_str(&query);
            }
        }
        Ok(Some(url))
    }

    /// The values that are not arguments, as a query. A list gives its key once for each item.
    fn encode_query_vars(&self, values: &Dict, sort_parameters: bool) -> String {
        let unknown = values
            .iter()
            .filter(|(key, _)| !self.arguments.contains(*key));
        let items = unknown.flat_map(|(key, value)| {
            let items = match value {
                Value::List(items) | Value::Tuple(items) => items.as_slice(),
                single => std::slice::from_ref(single),
            };
            items.iter().map(move |item| (key.as_str(), item))
        });
        if !sort_parameters {
            return urlencode(items);
        }
        let mut items: Vec<(&str, &Value)> = items.collect();
        items.sort_by(|(a, x), (b, y)| a.cmp(b).then_with(|| python::order(x, y)));
        urlencode(items)
    }

    /// The target of `redirect_to` with the variables filled in. `None` where a converter refuses
    /// its own value.
    pub(crate) fn redirect_target(&self, template: &str, values: &Dict) -> Option<String> {
        let mut rest = template;
        let mut target = String::new();
        while let Some(name) = placeholders(rest).next() {
            let before = rest.find(&format!("<{name}>"))?;
            target.push_str(rest.get(..before)?);
            let (_, variable) = self.variable(name)?;
            target.push_str(&variable.converter.to_url(values.get(name)?).ok()?);
            rest = rest.get(before + name.len() + 2..)?;
        }
        target.push_str(rest);
        Some(target)
    }

    /// Whether a match of the other rule with this one's defaults should go here instead.
    pub(crate) fn provides_defaults_for(&self, rule: &Self) -> bool {
        !self.build_only
            && !self.defaults.is_empty()
            && self.endpoint == rule.endpoint
            && self.trace != rule.trace
            && self.arguments == rule.arguments
    }

    /// Whether a URL can be built from these values: Werkzeug's `suitable_for`. No value for an
    /// argument may be missing, and a value for a default must be equal to it.
    pub(crate) fn suitable_for(&self, values: &Dict, method: Option<&str>) -> bool {
        if let (Some(method), Some(methods)) = (method, &self.methods)
            && !methods.contains(method)
        {
            return false;
        }
        let known = |key: &String| self.defaults.contains_key(key) || values.contains_key(key);
        let fits = |(key, default): (&String, &Value)| {
            values
                .get(key)
                .is_none_or(|value| python::eq(default, value))
        };
        self.arguments.iter().all(known) && self.defaults.iter().all(fits)
    }

    /// What the rules of an endpoint are sorted by: aliases last, then more arguments first, then
    /// more defaults first.
    pub(crate) fn build_compare_key(&self) -> (bool, isize, isize) {
        (
            self.alias,
            -len(self.arguments.len()),
            -len(self.defaults.len()),
        )
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rule)
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Rule '{}'", self.rule)?;
        if let Some(methods) = &self.methods {
            let methods: Vec<&str> = methods.iter().map(String::as_str).collect();
            write!(f, " ({})", methods.join(", "))?;
        }
        write!(f, " -> {}>", self.endpoint)
    }
}
