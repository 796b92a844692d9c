//! A rule: one URL pattern, what it matches and the URLs it builds.
//!
//! Mirrors `werkzeug/routing/rules.py`. A [`Rule`] is made with [`Rule::try_new`] and becomes part of
//! a map by `Map::add`, which calls [`Rule::bind`] here: the rule string is cut at its slashes into
//! [`RulePart`]s for the matcher (`parts.rs`).
//! What builds URLs is in `rule/build.rs`.
//!
//! Read next: `matcher.rs`, which walks the parts.

mod build;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::converters::{Converter, ValidationError};
use super::exceptions::RuleError;
use super::map::Map;
use super::parts::{
    PartInProgress, RulePart, Token, merge_slashes, parse_converter_args, placeholders, tokens,
};
use crate::Dict;
use build::BuildPart;

/// A step of the rule, as Werkzeug's `_trace` has it: two rules are equal where these are.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Trace {
    Static(String),
    Variable(String),
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
