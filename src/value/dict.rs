//! `Dict`: Python's `dict` with text keys.
//!
//! It keeps the order in which keys were first inserted, as Python's does since 3.7. A session has a handful of short
//! keys: to look at each of them takes less time than to hash one, and no table has to be made. Where there are more,
//! they are in an [`IndexMap`], whose hash withstands a client that chooses thousands of keys.
//!
//! Read next: `json/`, which reads and writes them.

use std::fmt;
use std::iter::FusedIterator;
use std::mem;
use std::ops::{Index, Range};
use std::vec;

use indexmap::IndexMap;

use super::Value;

/// A Python `dict` with text keys: it keeps the order in which keys were first inserted. Its methods have the names
/// that they have in [`IndexMap`].
///
/// ```
/// use carafe::{Dict, Value};
/// let mut user = Dict::new();
/// user.insert("name".to_owned(), Value::from("jack"));
/// user.insert("age".to_owned(), Value::from(42));
/// assert_eq!(user.get("age"), Some(&Value::Int(42)));
/// assert_eq!(user.keys().collect::<Vec<_>>(), ["name", "age"]);
/// ```
#[derive(Clone)]
pub struct Dict(Items);

#[derive(Clone)]
enum Items {
    /// Up to [`Dict::FEW`], looked through one by one.
    Few(Vec<(String, Value)>),
    /// Found by their hash. In a box, as a value is moved often.
    Many(Box<IndexMap<String, Value>>),
}

impl Dict {
    /// So many items are looked through.
    pub(crate) const FEW: usize = 16;

    /// An empty dict. It allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Dict(Items::Few(Vec::new()))
    }

    /// An empty dict with room for this many items.
    #[must_use]
    pub fn with_capacity(items: usize) -> Self {
        Dict(match items {
            ..=Self::FEW => Items::Few(Vec::with_capacity(items)),
            _ => Items::Many(Box::new(IndexMap::with_capacity(items))),
        })
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Items::Few(items) => items.len(),
            Items::Many(items) => items.len(),
        }
    }

    /// Whether there is no item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        match &self.0 {
            Items::Few(items) => items
                .iter()
                .find_map(|(there, value)| (there == key).then_some(value)),
            Items::Many(items) => items.get(key),
        }
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        match &mut self.0 {
            Items::Few(items) => items
                .iter_mut()
                .find_map(|(there, value)| (there == key).then_some(value)),
            Items::Many(items) => items.get_mut(key),
        }
    }

    /// The item at a place in the order.
    #[must_use]
    pub fn get_index(&self, index: usize) -> Option<(&String, &Value)> {
        match &self.0 {
            Items::Few(items) => items.get(index).map(|(key, value)| (key, value)),
            Items::Many(items) => items.get_index(index),
        }
    }

    /// The place of a key in the order.
    #[must_use]
    pub fn get_index_of(&self, key: &str) -> Option<usize> {
        match &self.0 {
            Items::Few(items) => items.iter().position(|(there, _)| there == key),
            Items::Many(items) => items.get_index_of(key),
        }
    }

    /// The first item.
    #[must_use]
    pub fn first(&self) -> Option<(&String, &Value)> {
        self.get_index(0)
    }

    /// Whether the key is there.
    #[must_use]
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Sets the value of a key, and returns the one that it had. A new key is the last one.
    pub fn insert(&mut self, key: String, value: Value) -> Option<Value> {
        if let Some(there) = self.get_mut(&key) {
            return Some(mem::replace(there, value));
        }
        match &mut self.0 {
            Items::Few(items) if items.len() < Self::FEW => items.push((key, value)),
            Items::Few(items) => {
                let mut many: IndexMap<_, _> = mem::take(items).into_iter().collect();
                many.insert(key, value);
                self.0 = Items::Many(Box::new(many));
            }
            Items::Many(items) => _ = items.insert(key, value),
        }
        None
    }

    /// As `extend`, without moving the items where that can be.
    pub(crate) fn append(&mut self, items: Vec<(String, Value)>) {
        let is_new = |at: usize| items[..at].iter().all(|(key, _)| *key != items[at].0);
        if self.is_empty() && items.len() <= Self::FEW && (1..items.len()).all(is_new) {
            self.0 = Items::Few(items);
        } else {
            self.extend(items);
        }
    }

    /// The value of a key, which is set to `default` where it is not there: Python's `dict.setdefault`.
    pub fn setdefault(&mut self, key: String, default: Value) -> &mut Value {
        let index = self.get_index_of(&key).unwrap_or_else(|| {
            self.insert(key, default);
            self.len() - 1
        });
        match &mut self.0 {
            Items::Few(items) => &mut items[index].1,
            Items::Many(items) => &mut items[index],
        }
    }

    /// Takes a value out. Those behind it move up.
    pub fn shift_remove(&mut self, key: &str) -> Option<Value> {
        let (_, value) = self.shift_remove_index(self.get_index_of(key)?)?;
        Some(value)
    }

    /// Takes the item at a place out. Those behind it move up.
    pub fn shift_remove_index(&mut self, index: usize) -> Option<(String, Value)> {
        match &mut self.0 {
            Items::Few(items) if index < items.len() => Some(items.remove(index)),
            Items::Few(_) => None,
            Items::Many(items) => items.shift_remove_index(index),
        }
    }

    /// Takes all items out.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// The items, in order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter {
            dict: self,
            left: 0..self.len(),
        }
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &String> + ExactSizeIterator {
        self.iter().map(|(key, _)| key)
    }

    /// Its keys, in order.
    pub fn into_keys(self) -> impl DoubleEndedIterator<Item = String> + ExactSizeIterator {
        self.into_iter().map(|(key, _)| key)
    }

    /// The values, in order.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Value> + ExactSizeIterator {
        self.iter().map(|(_, value)| value)
    }
}

impl Index<&str> for Dict {
    type Output = Value;

    /// `dict[key]`.
    ///
    /// # Panics
    /// Where there is no such key.
    fn index(&self, key: &str) -> &Value {
        match self.get(key) {
            Some(value) => value,
            None => panic!("KeyError: {key:?}"),
        }
    }
}

impl Default for Dict {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Dict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl PartialEq for Dict {
    /// In any order, as in Python.
    fn eq(&self, other: &Self) -> bool {
        let is_there = |(key, value): (&String, &Value)| other.get(key) == Some(value);
        self.len() == other.len() && self.iter().all(is_there)
    }
}

impl FromIterator<(String, Value)> for Dict {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(items: I) -> Self {
        let mut dict = Self::new();
        dict.extend(items);
        dict
    }
}

impl<const N: usize> From<[(String, Value); N]> for Dict {
    fn from(items: [(String, Value); N]) -> Self {
        Self::from_iter(items)
    }
}

impl Extend<(String, Value)> for Dict {
    fn extend<I: IntoIterator<Item = (String, Value)>>(&mut self, items: I) {
        for (key, value) in items {
            self.insert(key, value);
        }
    }
}

impl IntoIterator for Dict {
    type Item = (String, Value);
    type IntoIter = vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        match self.0 {
            Items::Few(items) => items.into_iter(),
            Items::Many(items) => items.into_iter().collect::<Vec<_>>().into_iter(),
        }
    }
}

impl<'a> IntoIterator for &'a Dict {
    type Item = (&'a String, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The items of a [`Dict`], in order.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    dict: &'a Dict,
    left: Range<usize>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a String, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.dict.get_index(self.left.next()?)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.dict.get_index(self.left.next_back()?)
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl FusedIterator for Iter<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a dict does, done to the simplest thing that does the same.
    #[test]
    fn few_items_and_many_are_the_same_to_whoever_uses_them() {
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..200 {
            let (mut dict, mut plain) = (Dict::new(), Vec::<(String, Value)>::new());
            let keys = rng.u32(1..3 * Dict::FEW as u32);
            for step in 0..200 {
                let key = rng.u32(..keys).to_string();
                let place = plain.iter().position(|(there, _)| *there == key);
                let value = Value::Int(step);
                match (rng.u8(..8), place) {
                    (0, Some(place)) => {
                        assert_eq!(dict.shift_remove(&key), Some(plain.remove(place).1));
                    }
                    (1, Some(place)) => {
                        assert_eq!(dict.setdefault(key, value), &plain[place].1);
                    }
                    (1, None) => {
                        assert_eq!(dict.setdefault(key.clone(), value.clone()), &value);
                        plain.push((key, value));
                    }
                    (2, Some(place)) => {
                        let there = std::mem::replace(&mut plain[place].1, value.clone());
                        assert_eq!(dict.insert(key, value), Some(there));
                    }
                    (3.., None) => {
                        assert_eq!(dict.insert(key.clone(), value.clone()), None);
                        plain.push((key, value));
                    }
                    _ => assert_eq!(dict.get_index_of(&key), place),
                }
                assert!(
                    dict.iter()
                        .eq(plain.iter().map(|(key, value)| (key, value)))
                );
                assert!(
                    plain
                        .iter()
                        .all(|(key, value)| dict.get(key) == Some(value))
                );
            }
            let backwards = Dict::from_iter(plain.iter().rev().cloned());
            assert_eq!(dict, backwards);
            assert!(dict.keys().rev().eq(backwards.keys()));
            assert_eq!(dict.into_iter().collect::<Vec<_>>(), plain);
        }
    }
}
