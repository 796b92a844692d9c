//! The state machine that finds the rule of a path.
//!
//! Mirrors `werkzeug/routing/matcher.py`. The rules form a tree: from each [`State`], one step takes
//! one path segment to the next state. A static segment is one hash lookup, however many rules
//! there are; then the dynamic parts are tried in the order of their weights. Each state has only
//! one way down to it, so a match visits each state at most once, whatever the client sends.
//!
//! Read next: `map.rs`, which turns the outcome into a view's arguments or a redirect.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::exceptions::RuleError;
use super::parts::{RulePart, merge_slashes};
use super::rule::Rule;
use super::shape::Test;
use crate::Dict;

/// One place in the tree.
#[derive(Clone, Default)]
struct State {
    dynamic: Vec<(RulePart, Test, State)>,
    rules: Vec<Arc<Rule>>,
    statics: HashMap<Box<str>, State, RandomState>,
    /// The step over an empty segment, which a slash at the end leaves behind. It is a field of its
    /// own because it is looked for so often.
    empty: Option<Box<State>>,
}

/// Why a path has no rule: Werkzeug's internal exceptions.
pub(crate) enum NoRule<'m> {
    /// `RequestPath`: go to this path instead.
    RequestPath(String),
    /// `RequestAliasRedirect`: go to the URL of the rule's endpoint.
    RequestAliasRedirect(Arc<Rule>, Dict),
    /// `NoMatch`, with the methods of the rules that fit but for the method.
    NoMatch(BTreeSet<&'m str>),
}

/// The path would match with a slash at the end.
struct SlashRequired;

/// All rules of a map, for matching.
#[derive(Clone, Default)]
pub(crate) struct StateMachineMatcher {
    root: State,
}

/// What one search through the tree carries along.
struct Search<'m, 'p> {
    method: &'m str,
    values: Stack<&'p str>,
    have_match_for: Stack<&'m BTreeSet<String>>,
}

impl StateMachineMatcher {
    /// Adds a rule, keeping the dynamic parts sorted (Werkzeug sorts them before the next match).
    pub(crate) fn add(&mut self, parts: Vec<RulePart>, rule: &Arc<Rule>) -> Result<(), RuleError> {
        let mut state = &mut self.root;
        // The first part is what is before the first slash: nothing, in every rule and path.
        for part in parts.into_iter().skip(1) {
            match part.static_content() {
                Some("") => {
                    state = state.empty.get_or_insert_default();
                    continue;
                }
                Some(content) => {
                    state = state.statics.entry(content.into()).or_default();
                    continue;
                }
                None => {}
            }
            let known = state.dynamic.iter().position(|(other, ..)| *other == part);
            let at = if let Some(at) = known {
                at
            } else {
                let test = Test::new(&part)?;
                let at = state
                    .dynamic
                    .partition_point(|(other, ..)| other.weight <= part.weight);
                state.dynamic.insert(at, (part, test, State::default()));
                at
            };
            state = &mut state.dynamic[at].2;
        }
        state.rules.push(Arc::clone(rule));
        Ok(())
    }

    /// The rule of a path and its values. `path_info` is as WSGI has it, percent-decoded.
    pub(crate) fn match_<'m>(
        &'m self,
        path_info: &str,
        method: &'m str,
        merging: bool,
        redirect_defaults: bool,
    ) -> Result<(Arc<Rule>, Dict), NoRule<'m>> {
        let mut search = Search {
            method,
            values: Stack::default(),
            have_match_for: Stack::default(),
        };
        // Werkzeug's path is "" or starts with exactly one slash, which is not part of ours.
        let path = (!path_info.is_empty()).then(|| path_info.trim_start_matches('/'));
        let slashed = |path: Option<&str>| match path {
            Some(path) => NoRule::RequestPath(format!("/{path}/")),
            None => NoRule::RequestPath("/".to_owned()),
        };
        let found = self
            .root
            .match_(path, &mut search)
            .map_err(|_| slashed(path))?;
        if let Some(rule) = found {
            let Ok(args) = rule.view_args(search.values.iter()) else {
                return Err(search.no_match());
            };
            if rule.alias && redirect_defaults {
                return Err(NoRule::RequestAliasRedirect(Arc::clone(rule), args));
            }
            return Ok((Arc::clone(rule), args));
        }
        let Some(path) = path.filter(|path| merging && path.contains("//")) else {
            return Err(search.no_match());
        };
        let merged = merge_slashes(path);
        let mut again = Search {
            method,
            values: Stack::default(),
            have_match_for: search.have_match_for,
        };
        let found = self.root.match_(Some(&merged), &mut again);
        match found.map_err(|_| slashed(Some(&merged)))? {
            Some(rule) if rule.merge_slashes != Some(false) => {
                Err(NoRule::RequestPath(format!("/{merged}")))
            }
            _ => Err(again.no_match()),
        }
    }
}

impl<'m> Search<'m, '_> {
    /// Whether the rule takes the method; if not, its methods are noted for the 405.
    fn takes_method(&mut self, rule: &'m Rule) -> bool {
        match &rule.methods {
            Some(methods) if !methods.contains(self.method) => {
                self.have_match_for.push(methods);
                false
            }
            _ => true,
        }
    }

    fn no_match(&self) -> NoRule<'m> {
        let methods = self.have_match_for.iter().flatten();
        NoRule::NoMatch(methods.map(String::as_str).collect())
    }
}

impl State {
    /// Follows the rest of the path from here: Werkzeug's `_match`. `None` as the rest is the end;
    /// `Some("")` is one last, empty segment.
    fn match_<'m, 'p>(
        &'m self,
        rest: Option<&'p str>,
        search: &mut Search<'m, 'p>,
    ) -> Result<Option<&'m Arc<Rule>>, SlashRequired> {
        let Some(rest) = rest else {
            return self.match_end(search);
        };
        let (segment, after) = match rest.split_once('/') {
            Some((segment, after)) => (segment, Some(after)),
            None => (rest, None),
        };
        let next = if segment.is_empty() {
            self.empty.as_deref()
        } else {
            self.statics.get(segment)
        };
        if let Some(next) = next
            && let Some(rule) = next.match_(after, search)?
        {
            return Ok(Some(rule));
        }
        let depth = search.values.len();
        for (part, test, next) in &self.dynamic {
            let (mut target, mut after) = if part.is_final {
                (rest, None)
            } else {
                (segment, after)
            };
            if part.suffixed {
                // One slash at the end is the suffix; a second one is not the variable's.
                if let Some(without) = target.strip_suffix('/') {
                    (target, after) = (without, Some(""));
                }
                if target.ends_with('/') {
                    continue;
                }
            }
            if test.run(target, &mut search.values) {
                if let Some(rule) = next.match_(after, search)? {
                    return Ok(Some(rule));
                }
                search.values.truncate(depth);
            }
        }
        if rest.is_empty() {
            let lax = |rule: &&'m Arc<Rule>| rule.strict_slashes == Some(false);
            for rule in self.rules.iter().filter(lax) {
                if search.takes_method(rule) {
                    return Ok(Some(rule));
                }
            }
        }
        Ok(None)
    }

    /// All of the path is used up.
    fn match_end<'m>(
        &'m self,
        search: &mut Search<'m, '_>,
    ) -> Result<Option<&'m Arc<Rule>>, SlashRequired> {
        for rule in &self.rules {
            if search.takes_method(rule) {
                return Ok(Some(rule));
            }
        }
        let slashed = self.empty.as_ref().map_or(&[][..], |next| &next.rules);
        for rule in slashed {
            let methods = rule.methods.as_ref();
            if methods.is_none_or(|methods| methods.contains(search.method)) {
                if rule.strict_slashes == Some(false) {
                    return Ok(Some(rule));
                }
                return Err(SlashRequired);
            }
        }
        Ok(None)
    }
}

/// A stack that needs no memory of its own until it is more than eight high: a match of a usual
/// rule allocates nothing but the view's arguments.
pub(crate) struct Stack<T> {
    low: [Option<T>; 8],
    used: usize,
    high: Vec<T>,
}

impl<T: Copy> Default for Stack<T> {
    fn default() -> Self {
        Self {
            low: [None; 8],
            used: 0,
            high: Vec::new(),
        }
    }
}

impl<T: Copy> Stack<T> {
    fn len(&self) -> usize {
        self.used + self.high.len()
    }

    pub(crate) fn push(&mut self, item: T) {
        match self.low.get_mut(self.used) {
            Some(slot) => {
                *slot = Some(item);
                self.used += 1;
            }
            None => self.high.push(item),
        }
    }

    fn truncate(&mut self, length: usize) {
        self.high.truncate(length.saturating_sub(self.low.len()));
        self.used = self.used.min(length);
    }

    fn iter(&self) -> impl Iterator<Item = T> {
        let low = self.low.iter().take(self.used).copied().flatten();
        low.chain(self.high.iter().copied())
    }
}
