//! The state machine that finds the rule of a path.
//!
//! Mirrors `werkzeug/routing/matcher.py`. The rules form a tree: from each [`State`], one step takes
//! one path segment to the next state. A static segment is one hash lookup, however many rules
//! there are; then the dynamic parts are tried in the order of their weights. The tree has a state
//! at most once on a way down, so a match visits each state at most once, whatever the client sends.
//!
//! Werkzeug matches every dynamic part by a regular expression. Here a part with a single variable
//! of a common shape is checked by hand, to the same result: see [`Shape`].
//!
//! Read next: `map.rs`, which turns the outcome into a view's arguments or a redirect.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use regex::Regex;

use super::exceptions::RuleError;
use super::python::digit_value;
use super::rule::{Piece, Rule, RulePart, merge_slashes};
use crate::Dict;

/// One place in the tree.
#[derive(Clone, Default)]
struct State {
    dynamic: Vec<(RulePart, Test, State)>,
    rules: Vec<Arc<Rule>>,
    statics: HashMap<Box<str>, State>,
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
        for part in parts {
            if let Some(content) = part.static_content() {
                state = state.statics.entry(content.into()).or_default();
                continue;
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
        // Werkzeug's path is "" or starts with exactly one slash. The first step, over what is
        // before that slash, is the same for every rule.
        let path = (!path_info.is_empty()).then(|| path_info.trim_start_matches('/'));
        let slashed = |path: Option<&str>| match path {
            Some(path) => NoRule::RequestPath(format!("/{path}/")),
            None => NoRule::RequestPath("/".to_owned()),
        };
        let Some(root) = self.root.statics.get("") else {
            return Err(search.no_match());
        };
        let found = root.match_(path, &mut search).map_err(|_| slashed(path))?;
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
        let found = root.match_(Some(&merged), &mut again);
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
        if let Some(next) = self.statics.get(segment)
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
        let slashed = self.statics.get("").map_or(&[][..], |next| &next.rules);
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

/// How a dynamic part is checked.
#[derive(Clone)]
enum Test {
    /// One variable of a known shape, between two texts that may be empty.
    Simple {
        prefix: String,
        shape: Shape,
        suffix: String,
    },
    /// Anything else: the whole part as one expression, and the numbers of the variables' groups.
    Regex { regex: Regex, groups: Vec<usize> },
}

impl Test {
    fn new(part: &RulePart) -> Result<Self, RuleError> {
        let (prefix, regex, suffix) = match part.pieces.as_slice() {
            [Piece::Variable(regex)] => ("", regex, ""),
            [Piece::Literal(prefix), Piece::Variable(regex)] => (prefix.as_str(), regex, ""),
            [Piece::Variable(regex), Piece::Literal(suffix)] => ("", regex, suffix.as_str()),
            [
                Piece::Literal(prefix),
                Piece::Variable(regex),
                Piece::Literal(suffix),
            ] => (prefix.as_str(), regex, suffix.as_str()),
            _ => return Self::regex(part),
        };
        match Shape::of(regex) {
            Some(shape) => Ok(Self::Simple {
                prefix: prefix.to_owned(),
                shape,
                suffix: suffix.to_owned(),
            }),
            None => Self::regex(part),
        }
    }

    fn regex(part: &RulePart) -> Result<Self, RuleError> {
        let mut pattern = String::from(r"\A");
        let mut names = Vec::new();
        for piece in &part.pieces {
            match piece {
                Piece::Literal(text) => pattern.push_str(&regex::escape(text)),
                Piece::Variable(regex) => {
                    let name = format!("__werkzeug_{}", names.len());
                    pattern.push_str(&format!("(?P<{name}>{regex})"));
                    names.push(name);
                }
            }
        }
        pattern.push_str(r"\z");
        let regex = Regex::new(&pattern).map_err(|error| RuleError::Regex {
            message: error.to_string(),
        })?;
        let group = |name: &String| regex.capture_names().position(|other| other == Some(name));
        let groups = names.iter().filter_map(group).collect();
        Ok(Self::Regex { regex, groups })
    }

    /// Whether the text fits; if so the variables' texts are added to the values.
    fn run<'p>(&self, target: &'p str, values: &mut Stack<&'p str>) -> bool {
        match self {
            Self::Simple {
                prefix,
                shape,
                suffix,
            } => {
                let inner = target.strip_prefix(prefix.as_str());
                match inner.and_then(|inner| inner.strip_suffix(suffix.as_str())) {
                    Some(inner) if shape.fits(inner) => {
                        values.push(inner);
                        true
                    }
                    _ => false,
                }
            }
            Self::Regex { regex, groups } => {
                let Some(found) = regex.captures(target) else {
                    return false;
                };
                for &group in groups {
                    values.push(found.get(group).map_or("", |group| group.as_str()));
                }
                true
            }
        }
    }
}

/// What the regular expressions of Werkzeug's own converters stand for, where the text before and
/// after is known.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    /// `[^/]{least,most}`.
    Segment { least: usize, most: usize },
    /// `\d+`, or `-?\d+` with a sign.
    Digits { signed: bool },
    /// `[^/].*?`: no slash at the start, and no line feed after the first character.
    Path,
}

impl Shape {
    fn of(regex: &str) -> Option<Self> {
        match regex {
            "[^/]+" => {
                return Some(Self::Segment {
                    least: 1,
                    most: usize::MAX,
                });
            }
            r"\d+" => return Some(Self::Digits { signed: false }),
            r"-?\d+" => return Some(Self::Digits { signed: true }),
            "[^/].*?" => return Some(Self::Path),
            _ => {}
        }
        let limits = regex.strip_prefix("[^/]{")?.strip_suffix('}')?;
        let (least, most) = limits.split_once(',').unwrap_or((limits, limits));
        let least = least.parse().ok()?;
        let most = if most.is_empty() {
            usize::MAX
        } else {
            most.parse().ok()?
        };
        Some(Self::Segment { least, most })
    }

    fn fits(&self, text: &str) -> bool {
        match *self {
            Self::Segment { least: 1, most } if most == usize::MAX => {
                !text.is_empty() && !text.contains('/')
            }
            Self::Segment { least, most } => {
                (least..=most).contains(&text.chars().count()) && !text.contains('/')
            }
            Self::Digits { signed } => {
                let digits = text.strip_prefix('-').filter(|_| signed).unwrap_or(text);
                !digits.is_empty() && digits.chars().all(|c| digit_value(c).is_some())
            }
            Self::Path => {
                let mut chars = text.chars();
                chars.next().is_some_and(|first| first != '/') && !chars.as_str().contains('\n')
            }
        }
    }
}

/// A stack that needs no memory of its own until it is more than eight high: a match of a usual
/// rule allocates nothing but the view's arguments.
struct Stack<T> {
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

    fn push(&mut self, item: T) {
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
