//! `Deserialize` for [`Value`] and [`Dict`]: from any format, or from another [`Value`].
//!
//! A [`Value`] asks for itself by a newtype's name. Where the source is a [`Value`] too, `de.rs` hears that, and hands
//! over as an enum's variants what `serde` has no word for.
//!
//! Read next: `signing/mod.rs`.

use serde::de::{self, Deserialize, Deserializer, Visitor};
use uuid::Uuid;

use super::super::foreign;
use super::super::ser::{BIG_INT, DATETIME, MARKUP, UUID};
use super::{TUPLE, VALUE};
use crate::value::Foreign;
use crate::{Dict, Value};

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(VALUE, ValueVisitor)
    }
}

impl<'de> Deserialize<'de> for Dict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Dict(dict) => Ok(dict),
            other => {
                let found = de::Unexpected::Other(other.type_name());
                Err(de::Error::invalid_type(found, &"a dict"))
            }
        }
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u128<E>(self, value: u128) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Str(value))
    }
    fn visit_bytes<E>(self, value: &[u8]) -> Result<Value, E> {
        Ok(Value::Bytes(value.to_owned()))
    }
    fn visit_byte_buf<E>(self, value: Vec<u8>) -> Result<Value, E> {
        Ok(Value::Bytes(value))
    }
    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }
    fn visit_newtype_struct<D: Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        source.deserialize_any(self)
    }
    fn visit_seq<A: de::SeqAccess<'de>>(self, mut source: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = source.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }
    fn visit_map<A: de::MapAccess<'de>>(self, mut source: A) -> Result<Value, A::Error> {
        let mut dict = Dict::new();
        while let Some((key, value)) = source.next_entry()? {
            dict.insert(key, value);
        }
        Ok(Value::Dict(dict))
    }

    /// Only a [`ValueDeserializer`] comes here, with what `serde` has no word for.
    fn visit_enum<A: de::EnumAccess<'de>>(self, source: A) -> Result<Value, A::Error> {
        use de::VariantAccess;
        let (name, content) = source.variant::<String>()?;
        Ok(match name.as_str() {
            TUPLE => Value::Tuple(content.newtype_variant()?),
            BIG_INT => content.newtype_variant_seed(Digits)?,
            MARKUP => Value::Markup(content.newtype_variant()?),
            UUID => {
                let text: String = content.newtype_variant()?;
                Value::Uuid(Uuid::try_parse(&text).map_err(de::Error::custom)?)
            }
            DATETIME => Value::DateTime(content.newtype_variant()?),
            foreign::MAP => Foreign::Map(content.newtype_variant::<foreign::Pairs>()?.0).into(),
            foreign::EXT | foreign::OBJECT => {
                let parts: foreign::Parts = content.newtype_variant()?;
                foreign::from_parts(&name, Value::Tuple(parts.0))
            }
            name => return Err(de::Error::custom(format!("no variant of a Value: {name}"))),
        })
    }
}

/// Reads an integer of any length.
struct Digits;

impl<'de> de::DeserializeSeed<'de> for Digits {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        match source.deserialize_any(ValueVisitor)? {
            Value::Str(digits) => Ok(Value::BigInt(digits)),
            number => Ok(number),
        }
    }
}
