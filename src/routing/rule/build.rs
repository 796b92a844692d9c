//! From values to a URL: the half of a rule that `url_for` needs.
//!
//! Mirrors `_compile_builder`, `build` and `suitable_for` of `werkzeug/routing/rules.py`. Werkzeug compiles a Python
//! function that builds the URL; here that is a list of [`BuildPart`]s.
//!
//! Read next: `../adapter.rs`, which asks the rules of an endpoint in turn.

use super::super::converters::ValidationError;
use super::super::exceptions::RuleError;
use super::super::parts::{len, placeholders};
use super::super::urls::{quote_path, urlencode};
use super::{Rule, Trace};
use crate::{Dict, Value, python};

/// A piece of the URL that a rule builds.
pub(super) enum BuildPart {
    /// Text, percent-encoded.
    Static(String),
    /// The variable of this number.
    Variable(usize),
}

impl Rule {
    /// Works out the URL ahead of time: Werkzeug's `_compile_builder`. A variable that has a default
    /// is a constant.
    pub(super) fn compile_builder(&mut self) -> Result<(), RuleError> {
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
