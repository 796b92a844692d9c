//! The map of all rules.
//!
//! Mirrors `Map` in `werkzeug/routing/map.py`. A [`Map`] is filled while an app is set up and only read
//! afterwards, so matching takes no lock. Werkzeug sorts its rules before the next match after a
//! change (`update`); here [`Map::add`] puts each rule where it belongs, and a map is always ready.
//!
//! Read next: `adapter.rs`, a map bound to one request.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;

use super::converters::{Converter, ConverterArgs, ConverterFactory, default_converters, factory};
use super::exceptions::RuleError;
use super::matcher::StateMachineMatcher;
use super::parts::RulePart;
use super::rule::Rule;

/// The rules of each endpoint, in the order in which `build` tries them.
pub(crate) type RulesByEndpoint = IndexMap<String, Vec<Arc<Rule>>>;

/// All URL rules of an app: Werkzeug's `Map`.
///
/// A clone shares the rules with the original until one of them is changed. Set the fields before
/// you add rules: a rule takes what it has not set itself when it is added.
#[derive(Clone)]
pub struct Map {
    /// Whether a path that lacks the slash at the end is redirected. Default: true.
    pub strict_slashes: bool,
    /// Whether a path with `//` is redirected to the one with `/`. Default: true.
    pub merge_slashes: bool,
    /// Whether a path that spells out a default is redirected to the rule that has it as its default.
    /// Default: true.
    pub redirect_defaults: bool,
    /// Whether `build` sorts the query. Default: false.
    pub sort_parameters: bool,
    converters: HashMap<String, ConverterFactory>,
    pub(super) matcher: Arc<StateMachineMatcher>,
    pub(super) rules_by_endpoint: Arc<RulesByEndpoint>,
    /// Some rule has defaults; if not, no match has to look for a redirect to one.
    pub(super) any_defaults: bool,
}

impl Default for Map {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Map(")?;
        f.debug_list().entries(self.iter_rules()).finish()?;
        f.write_str(")")
    }
}

impl Map {
    /// A map without rules, and with Werkzeug's converters and settings.
    #[must_use]
    pub fn new() -> Self {
        Self {
            strict_slashes: true,
            merge_slashes: true,
            redirect_defaults: true,
            sort_parameters: false,
            converters: default_converters(),
            matcher: Arc::default(),
            rules_by_endpoint: Arc::default(),
            any_defaults: false,
        }
    }

    /// Adds a kind of converter, or replaces one: Flask's `app.url_map.converters[name] = ...`. The
    /// function is called for each variable that names it, with the arguments in its parentheses.
    pub fn converters_insert<F, C>(&mut self, name: impl Into<String>, make: F)
    where
        F: Fn(&ConverterArgs) -> Result<C, String> + Send + Sync + 'static,
        C: Converter + 'static,
    {
        self.replace_converter(name.into(), factory(make));
    }

    /// The same; gives back the one that was there.
    pub(crate) fn replace_converter(
        &mut self,
        name: String,
        make: ConverterFactory,
    ) -> Option<ConverterFactory> {
        self.converters.insert(name, make)
    }

    /// Looks up a converter: Werkzeug's `Rule.get_converter`.
    pub(super) fn get_converter(
        &self,
        name: &str,
        arguments: &ConverterArgs,
    ) -> Result<Arc<dyn Converter>, RuleError> {
        let Some(make) = self.converters.get(name) else {
            let converter = name.to_owned();
            return Err(RuleError::UnknownConverter { converter });
        };
        make(arguments).map_err(|message| RuleError::ConverterArguments { message })
    }

    /// Whether a rule of the endpoint has all these arguments. No, where there is no such endpoint.
    #[must_use]
    pub fn is_endpoint_expecting(&self, endpoint: &str, arguments: &[&str]) -> bool {
        let expects =
            |rule: &Arc<Rule>| arguments.iter().all(|name| rule.arguments.contains(*name));
        self.endpoint_rules(endpoint).iter().any(expects)
    }

    /// All rules: the endpoints in the order in which they were first added, and the rules of each in
    /// the order in which `build` tries them.
    pub fn iter_rules(&self) -> impl Iterator<Item = &Arc<Rule>> {
        self.rules_by_endpoint.values().flatten()
    }

    /// The rules of one endpoint: `iter_rules(endpoint)`, but empty where there is none.
    #[must_use]
    pub fn endpoint_rules(&self, endpoint: &str) -> &[Arc<Rule>] {
        self.rules_by_endpoint
            .get(endpoint)
            .map_or(&[], Vec::as_slice)
    }

    /// Adds a rule. The same rule may be added twice; the first one matches.
    ///
    /// # Errors
    /// Where the rule needs a converter that is missing or refuses its arguments, or its regular
    /// expression does not compile. The map is then as it was.
    pub fn add(&mut self, mut rule: Rule) -> Result<Arc<Rule>, RuleError> {
        let parts = rule.bind(self)?;
        let rule = Arc::new(rule);
        self.insert(&rule, parts)?;
        Ok(rule)
    }

    /// Puts in a rule that [`Rule::bind`] has cut into `parts`. Neither calls a converter nor drops one: the app's map is
    /// locked meanwhile.
    pub(crate) fn insert(
        &mut self,
        rule: &Arc<Rule>,
        parts: Vec<RulePart>,
    ) -> Result<(), RuleError> {
        if !rule.build_only {
            Arc::make_mut(&mut self.matcher).add(parts, rule)?;
        }
        self.any_defaults |= !rule.defaults.is_empty();
        let by_endpoint = Arc::make_mut(&mut self.rules_by_endpoint);
        let rules = by_endpoint.entry(rule.endpoint.clone()).or_default();
        let key = rule.build_compare_key();
        let at = rules.partition_point(|other| other.build_compare_key() <= key);
        rules.insert(at, Arc::clone(rule));
        Ok(())
    }
}
