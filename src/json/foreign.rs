//! The bridge of `ser.rs` and `de.rs`, for what only Python has: [`Foreign`].
//!
//! It travels as its parts, under a newtype's name that no other format knows: pairs for a map, a code
//! and bytes for an extension, six parts for an object.
//!
//! Read next: `value/foreign.rs`, what it is.

use serde::Serializer;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserialize, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::JsonError;
use super::de::ValueDeserializer;
use crate::value::{Foreign, Object, Value};

pub(super) const MAP: &str = "carafe::Value::Foreign::Map";
pub(super) const EXT: &str = "carafe::Value::Foreign::Ext";
pub(super) const OBJECT: &str = "carafe::Value::Foreign::Object";

pub(super) fn name(foreign: &Foreign) -> &'static str {
    match foreign {
        Foreign::Map(_) => MAP,
        Foreign::Ext { .. } => EXT,
        Foreign::Object(_) => OBJECT,
    }
}

pub(super) fn serialize<S: Serializer>(foreign: &Foreign, to: S) -> Result<S::Ok, S::Error> {
    match foreign {
        Foreign::Map(items) => to.serialize_newtype_struct(MAP, items),
        Foreign::Ext { code, data } => {
            let data = Value::Bytes(data.clone());
            to.serialize_newtype_struct(EXT, &(code, data))
        }
        Foreign::Object(object) => {
            let Object {
                module,
                name,
                args,
                new,
                items,
                state,
            } = object;
            to.serialize_newtype_struct(OBJECT, &(module, name, args, new, items, state))
        }
    }
}

/// What became of a newtype with one of the three names; anything else is what it is.
pub(super) fn from_parts(name: &str, value: Value) -> Value {
    match (name, value) {
        (MAP, Value::List(items)) => pairs(items).map_or(Value::Null, Value::from),
        (EXT, Value::Tuple(parts)) => ext(parts).map_or(Value::Null, Value::from),
        (OBJECT, Value::Tuple(parts)) => object(parts).map_or(Value::Null, Value::from),
        (_, value) => value,
    }
}

fn pairs(items: Vec<Value>) -> Option<Foreign> {
    let pair = |item| match item {
        Value::Tuple(pair) => <[Value; 2]>::try_from(pair)
            .ok()
            .map(|[key, value]| (key, value)),
        _ => None,
    };
    let items: Option<Vec<(Value, Value)>> = items.into_iter().map(pair).collect();
    items.map(Foreign::Map)
}

fn ext(parts: Vec<Value>) -> Option<Foreign> {
    match <[Value; 2]>::try_from(parts).ok()? {
        [Value::Int(code), Value::Bytes(data)] => {
            let code = i8::try_from(code).ok()?;
            Some(Foreign::Ext { code, data })
        }
        _ => None,
    }
}

fn object(parts: Vec<Value>) -> Option<Foreign> {
    let [
        Value::Str(module),
        Value::Str(name),
        args,
        Value::Bool(new),
        items,
        state,
    ] = <[Value; 6]>::try_from(parts).ok()?
    else {
        return None;
    };
    let args = match args {
        Value::List(args) => Some(args),
        _ => None,
    };
    Some(Foreign::Object(Object {
        module,
        name,
        args,
        new,
        items: Some(items).filter(|items| !items.is_null()),
        state: Some(state).filter(|state| !state.is_null()),
    }))
}

/// Shows a foreign value as `serde` knows it: a map with such keys, or a sequence of the parts.
pub(super) fn visit<'de, V: Visitor<'de>>(
    foreign: &'de Foreign,
    visitor: V,
) -> Result<V::Value, JsonError> {
    match foreign {
        Foreign::Map(items) => {
            let items = items.iter();
            let items =
                items.map(|(key, value)| (ValueDeserializer(key), ValueDeserializer(value)));
            let mut items = MapDeserializer::new(items);
            let value = visitor.visit_map(&mut items)?;
            items.end()?;
            Ok(value)
        }
        Foreign::Ext { code, data } => {
            let parts = [Part::Int((*code).into()), Part::Bytes(data)];
            visitor.visit_seq(SeqDeserializer::new(parts.into_iter()))
        }
        Foreign::Object(object) => {
            let optional = |part: &'de Option<Value>| part.as_ref().map_or(Part::Null, Part::Value);
            let parts = [
                Part::Str(&object.module),
                Part::Str(&object.name),
                object.args.as_deref().map_or(Part::Null, Part::List),
                Part::Bool(object.new),
                optional(&object.items),
                optional(&object.state),
            ];
            visitor.visit_seq(SeqDeserializer::new(parts.into_iter()))
        }
    }
}

/// One part of a foreign value.
enum Part<'de> {
    Null,
    Bool(bool),
    Int(i64),
    Str(&'de str),
    Bytes(&'de [u8]),
    List(&'de [Value]),
    Value(&'de Value),
}

impl<'de> IntoDeserializer<'de, JsonError> for Part<'de> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Part<'de> {
    type Error = JsonError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(flag) => visitor.visit_bool(flag),
            Self::Int(number) => visitor.visit_i64(number),
            Self::Str(text) => visitor.visit_borrowed_str(text),
            Self::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Self::List(items) => {
                visitor.visit_seq(SeqDeserializer::new(items.iter().map(ValueDeserializer)))
            }
            Self::Value(value) => ValueDeserializer(value).deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        match self {
            Self::Value(value) => {
                ValueDeserializer(value).deserialize_newtype_struct(name, visitor)
            }
            part => visitor.visit_newtype_struct(part),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Puts a map together again, of which it takes the entries in their order.
pub(super) struct Pairs(pub(super) Vec<(Value, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut source: A) -> Result<Pairs, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = source.next_entry()? {
            items.push(item);
        }
        Ok(Pairs(items))
    }
}

/// Puts an extension or an object together again from its parts.
pub(super) struct Parts(pub(super) Vec<Value>);

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(PartsVisitor)
    }
}

struct PartsVisitor;

impl<'de> Visitor<'de> for PartsVisitor {
    type Value = Parts;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the parts of a value")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut source: A) -> Result<Parts, A::Error> {
        let mut parts = Vec::new();
        while let Some(part) = source.next_element()? {
            parts.push(part);
        }
        Ok(Parts(parts))
    }
}
