//! From the nodes of a pickle to values.
//!
//! A node may be in several places, and even in itself. Here each place gets its own copy, up to a
//! limit: a pickle of a hundred bytes could unfold to more than any memory holds.
//!
//! Some classes have a variant of their own in [`Value`]: `datetime`, `UUID`, `Markup`. All others stay
//! an [`Object`].
//!
//! Read next: `pickle_writer.rs`, the way back.

use uuid::Uuid;

use super::pickle::{Id, Node};
use super::{FormatError, pickle_old, time};
use crate::json::MAX_DEPTH;
use crate::value::{Dict, Foreign, Object, Value};

/// How many values a pickle may unfold to, and how many bytes of text.
const MAX_VALUES: usize = 1 << 20;
const MAX_BYTES: usize = 64 << 20;

pub(super) struct Tree<'n> {
    nodes: &'n [Node],
    values_left: usize,
    bytes_left: usize,
}

impl<'n> Tree<'n> {
    pub(super) fn new(nodes: &'n [Node]) -> Self {
        Tree {
            nodes,
            values_left: MAX_VALUES,
            bytes_left: MAX_BYTES,
        }
    }

    pub(super) fn value(&mut self, root: Id) -> Result<Value, FormatError> {
        self.node(root, 0)
    }

    /// Kept small, as it calls itself.
    fn node(&mut self, id: Id, depth: usize) -> Result<Value, FormatError> {
        let left = self.values_left.checked_sub(1);
        let Some(left) = left.filter(|_| depth <= MAX_DEPTH) else {
            return FormatError::new("the pickle holds itself, or more than anybody wants");
        };
        self.values_left = left;
        let depth = depth + 1;
        match self.nodes.get(id) {
            Some(Node::Leaf(value)) => self.leaf(value),
            Some(Node::List(items)) => self.all(items, depth).map(Value::List),
            Some(Node::Tuple(items)) => self.all(items, depth).map(Value::Tuple),
            Some(Node::Set(name, items)) => {
                let items = self.all(items, depth)?;
                Ok(object("builtins", name, Some(vec![Value::List(items)])).into())
            }
            Some(Node::Global(module, name)) => Ok(object(module, name, None).into()),
            Some(Node::Dict(items)) => self.dict(items, depth),
            Some(Node::Object {
                class,
                args,
                new,
                items,
                state,
            }) => {
                let Value::Tuple(args) = self.node(*args, depth)? else {
                    return FormatError::new("the pickle calls a class with no tuple");
                };
                let mut optional = |id: &Option<Id>| id.map(|id| self.node(id, depth)).transpose();
                let (items, state) = (optional(items)?, optional(state)?);
                self.object(*class, args, *new, items, state)
            }
            None => FormatError::new("the pickle holds what it has not made"),
        }
    }

    fn object(
        &self,
        class: Id,
        args: Vec<Value>,
        new: bool,
        items: Option<Value>,
        state: Option<Value>,
    ) -> Result<Value, FormatError> {
        let Some(Node::Global(module, name)) = self.nodes.get(class) else {
            return FormatError::new("the pickle calls what is no class");
        };
        Ok(known(Object {
            module: module.clone(),
            name: name.clone(),
            args: Some(args),
            new,
            items,
            state,
        }))
    }

    fn leaf(&mut self, value: &Value) -> Result<Value, FormatError> {
        let length = match value {
            Value::Str(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::BigInt(digits) => digits.len(),
            _ => 0,
        };
        match self.bytes_left.checked_sub(length) {
            Some(left) => self.bytes_left = left,
            None => return FormatError::new("the pickle repeats itself for too long"),
        }
        Ok(value.clone())
    }

    fn all(&mut self, ids: &[Id], depth: usize) -> Result<Vec<Value>, FormatError> {
        ids.iter().map(|id| self.node(*id, depth)).collect()
    }

    fn dict(&mut self, items: &[(Id, Id)], depth: usize) -> Result<Value, FormatError> {
        let mut pairs = Vec::with_capacity(items.len());
        for (key, value) in items {
            pairs.push((self.node(*key, depth)?, self.node(*value, depth)?));
        }
        if !pairs.iter().all(|(key, _)| matches!(key, Value::Str(_))) {
            return Ok(Foreign::Map(pairs).into());
        }
        let texts = pairs.into_iter().filter_map(|pair| match pair {
            (Value::Str(key), value) => Some((key, value)),
            _ => None,
        });
        Ok(Value::Dict(texts.collect::<Dict>()))
    }
}

fn object(module: &str, name: &str, args: Option<Vec<Value>>) -> Foreign {
    Foreign::Object(Object {
        module: module.to_owned(),
        name: name.to_owned(),
        args,
        new: false,
        items: None,
        state: None,
    })
}

// ANCHOR: known
/// An object of a class that has a variant of its own becomes that, if nothing of it is lost.
fn known(object: Object) -> Value {
    let Object {
        module,
        name,
        args: Some(args),
        new,
        items: None,
        state,
    } = &object
    else {
        return Foreign::Object(object).into();
    };
    let value = match (&**module, &**name, &**args, new, state) {
        ("markupsafe", "Markup", [Value::Str(text)], true, None) => {
            Some(Value::Markup(text.clone()))
        }
        ("uuid", "UUID", [], true, Some(Value::Dict(state))) => uuid(state),
        ("datetime", "datetime", [Value::Bytes(fields), zone], false, None) if is_utc(zone) => {
            time::from_fields(fields).map(time::value)
        }
        _ => pickle_old::known(&object),
    };
    value.unwrap_or_else(|| Foreign::Object(object).into())
}
// ANCHOR_END: known

pub(super) fn uuid(state: &Dict) -> Option<Value> {
    let number = match state.get("int")? {
        Value::Int(number) => u128::try_from(*number).ok()?,
        Value::BigInt(digits) => digits.parse().ok()?,
        _ => return None,
    };
    (state.len() == 1).then(|| Value::Uuid(Uuid::from_u128(number)))
}

/// `datetime.timezone(datetime.timedelta(0))`, which is what `timezone.utc` is in a pickle.
fn is_utc(zone: &Value) -> bool {
    time::offset(zone) == Some(0)
}
