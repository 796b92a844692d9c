//! `Dict`: Python's `dict` with text keys.
//!
//! An [`IndexMap`], which keeps the order in which keys were first inserted, as Python's does since 3.7;
//! with a hash that depends on who chose the keys.
//!
//! Read next: `json/`, which reads and writes them.

use std::fmt;
use std::hash::{BuildHasher, DefaultHasher, Hasher};
use std::ops::{Deref, DerefMut};
use std::sync::LazyLock;

use foldhash::fast::{FoldHasher, RandomState};
use indexmap::{IndexMap, map};

use super::Value;

/// A Python `dict` with text keys: it keeps the order in which keys were first inserted. All that an
/// [`IndexMap`] can do, it can do.
///
/// ```
/// use carafe::{Dict, Value};
/// let mut user = Dict::new();
/// user.insert("name".to_owned(), Value::from("jack"));
/// user.insert("age".to_owned(), Value::from(42));
/// assert_eq!(user.get("age"), Some(&Value::Int(42)));
/// assert_eq!(user.keys().collect::<Vec<_>>(), ["name", "age"]);
/// ```
#[derive(Clone, Default)]
pub struct Dict(Option<Box<Items>>);

// Boxed, and not at all until there is an item: a value is moved often, and a dict has many fields.
type Items = IndexMap<String, Value, DictState>;

static EMPTY: LazyLock<Items> = LazyLock::new(Items::default);

/// The hash of a [`Dict`]'s keys.
///
/// A session has a handful of short keys, for which Rust's own hash takes longer than all else that is
/// done with them. Its keys are the app's own: the cookie is signed. Whoever can write any JSON, though,
/// could choose thousands of keys with the same hash, and keep a server busy with one dict; what plain
/// JSON is read into keeps the hash that is made to withstand that.
#[derive(Clone, Debug)]
pub struct DictState(Hash);

#[derive(Clone, Debug)]
enum Hash {
    Fast(RandomState),
    Safe,
}

impl Default for DictState {
    fn default() -> Self {
        DictState(Hash::Fast(RandomState::default()))
    }
}

impl BuildHasher for DictState {
    type Hasher = DictHasher;

    #[inline]
    fn build_hasher(&self) -> DictHasher {
        static SAFE: LazyLock<std::hash::RandomState> = LazyLock::new(Default::default);
        DictHasher(match &self.0 {
            Hash::Fast(state) => Hashing::Fast(state.build_hasher()),
            Hash::Safe => Hashing::Safe(Box::new(SAFE.build_hasher())),
        })
    }
}

/// Hashes a key, for [`DictState`].
#[derive(Clone, Debug)]
pub struct DictHasher(Hashing);

#[derive(Clone)]
enum Hashing {
    Fast(FoldHasher<'static>),
    // Boxed, as it is large, and the other is in a hurry.
    Safe(Box<DefaultHasher>),
}

impl fmt::Debug for Hashing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fast(_) => "Fast",
            Self::Safe(_) => "Safe",
        })
    }
}

impl Hasher for DictHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Hashing::Fast(hasher) => hasher.write(bytes),
            Hashing::Safe(hasher) => hasher.write(bytes),
        }
    }

    #[inline]
    fn write_u8(&mut self, byte: u8) {
        match &mut self.0 {
            Hashing::Fast(hasher) => hasher.write_u8(byte),
            Hashing::Safe(hasher) => hasher.write_u8(byte),
        }
    }

    #[inline]
    fn finish(&self) -> u64 {
        match &self.0 {
            Hashing::Fast(hasher) => hasher.finish(),
            Hashing::Safe(hasher) => hasher.finish(),
        }
    }
}

impl Dict {
    /// An empty dict.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty dict with room for this many items.
    #[must_use]
    pub fn with_capacity(items: usize) -> Self {
        Self::from(Items::with_capacity_and_hasher(items, DictState::default()))
    }

    /// An empty dict for keys that anyone may have chosen, as many as they like: see [`DictState`].
    #[must_use]
    pub fn of_strangers() -> Self {
        Self::from(Items::with_hasher(DictState(Hash::Safe)))
    }

    /// Its keys, in order.
    pub fn into_keys(self) -> map::IntoKeys<String, Value> {
        self.into_items().into_keys()
    }

    /// Its values, in order.
    pub fn into_values(self) -> map::IntoValues<String, Value> {
        self.into_items().into_values()
    }

    fn into_items(self) -> Items {
        self.0.map_or_else(Items::default, |items| *items)
    }
}

impl Deref for Dict {
    type Target = Items;
    fn deref(&self) -> &Self::Target {
        match &self.0 {
            Some(items) => items,
            None => &EMPTY,
        }
    }
}

impl DerefMut for Dict {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0.get_or_insert_default()
    }
}

impl From<Items> for Dict {
    fn from(items: Items) -> Self {
        Dict(Some(Box::new(items)))
    }
}

impl fmt::Debug for Dict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl PartialEq for Dict {
    /// In any order, as in Python.
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl FromIterator<(String, Value)> for Dict {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(items: I) -> Self {
        Self::from(Items::from_iter(items))
    }
}

impl<const N: usize> From<[(String, Value); N]> for Dict {
    fn from(items: [(String, Value); N]) -> Self {
        Self::from_iter(items)
    }
}

impl Extend<(String, Value)> for Dict {
    fn extend<I: IntoIterator<Item = (String, Value)>>(&mut self, items: I) {
        (**self).extend(items);
    }
}

impl IntoIterator for Dict {
    type Item = (String, Value);
    type IntoIter = map::IntoIter<String, Value>;
    fn into_iter(self) -> Self::IntoIter {
        self.into_items().into_iter()
    }
}

impl<'a> IntoIterator for &'a Dict {
    type Item = (&'a String, &'a Value);
    type IntoIter = map::Iter<'a, String, Value>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut Dict {
    type Item = (&'a String, &'a mut Value);
    type IntoIter = map::IterMut<'a, String, Value>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{self, TaggedJsonSerializer};

    fn is_safe(value: &Value) -> bool {
        value
            .as_dict()
            .is_some_and(|dict| matches!(dict.hasher().0, Hash::Safe))
    }

    #[test]
    fn a_dict_whose_keys_a_client_chose_has_the_hash_that_withstands_it() {
        let text = r#"{"a": {"b": 1, "c": 2}}"#;
        let body = json::loads(text).unwrap_or_default();
        assert!(is_safe(&body));
        assert!(body.get("a").is_some_and(is_safe));
        assert!(is_safe(&body.clone()));
        let any: Value = serde_json::from_str(text).unwrap_or_default();
        assert!(any.get("a").is_some_and(is_safe));
        assert!(json::to_value(&any).is_ok_and(|value| is_safe(&value)));

        let session = TaggedJsonSerializer.loads(text).unwrap_or_default();
        assert!(!is_safe(&session));
        assert_eq!(session, body);
    }
}
