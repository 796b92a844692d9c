//! From any Rust type to a [`Value`]: [`to_value`], and `Serialize` for [`Value`] and [`Dict`] themselves.
//!
//! Flask has `dataclasses.asdict` in this place; Rust has `serde`. A [`Value`] that goes through
//! here comes out as it was: what `serde` has no word for travels as a newtype with a name that only
//! this file and `de.rs` know, and that every other format reads as what is in it.
//!
//! Read next: `de.rs`, the way back.

use serde::ser::{self, Serialize, Serializer};
use uuid::Uuid;

use super::{JsonError, foreign};
use crate::{Dict, Value};

pub(super) const BIG_INT: &str = "carafe::Value::BigInt";
pub(super) const MARKUP: &str = "carafe::Value::Markup";
pub(super) const UUID: &str = "carafe::Value::Uuid";
pub(super) const DATETIME: &str = "carafe::Value::DateTime";

/// Turns any value that `serde` can serialize into a [`Value`]. A struct or map becomes a dict, a
/// Rust tuple becomes a tuple, an array or vector a list, and an integer beyond 64 bits a
/// [`Value::BigInt`]. Map keys become text as `json.dumps` has it (`1`, `true`, `null`).
///
/// ```
/// use carafe::{Value, json};
/// #[derive(serde::Serialize)]
/// struct User { id: u32, at: (i8, i8) }
/// let value = json::to_value(&User { id: 7, at: (1, 2) })?;
/// assert_eq!(value.get("at"), Some(&Value::Tuple(vec![1.into(), 2.into()])));
/// # Ok::<(), json::JsonError>(())
/// ```
///
/// # Errors
/// Where the type's `Serialize` fails, or a map has keys that are no text, number or flag.
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, JsonError> {
    value.serialize(ValueSerializer)
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::BigInt(digits) => match digits.parse() {
                Ok(number) => serializer.serialize_u64(number),
                Err(_) => serializer.serialize_newtype_struct(BIG_INT, digits),
            },
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::Str(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Dict(dict) => dict.serialize(serializer),
            Self::Tuple(items) => {
                let mut tuple = serializer.serialize_tuple(items.len())?;
                for item in items {
                    ser::SerializeTuple::serialize_element(&mut tuple, item)?;
                }
                ser::SerializeTuple::end(tuple)
            }
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::Markup(text) => serializer.serialize_newtype_struct(MARKUP, text),
            Self::Uuid(uuid) => serializer.serialize_newtype_struct(UUID, &uuid.to_string()),
            Self::DateTime(seconds) => serializer.serialize_newtype_struct(DATETIME, seconds),
            Self::Foreign(foreign) => foreign::serialize(foreign, serializer),
        }
    }
}

impl Serialize for Dict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

struct ValueSerializer;

impl Serializer for ValueSerializer {
    type Ok = Value;
    type Error = JsonError;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Fields;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Fields;

    fn serialize_bool(self, value: bool) -> Result<Value, JsonError> {
        Ok(Value::Bool(value))
    }
    fn serialize_i8(self, value: i8) -> Result<Value, JsonError> {
        Ok(Value::Int(value.into()))
    }
    fn serialize_i16(self, value: i16) -> Result<Value, JsonError> {
        Ok(Value::Int(value.into()))
    }
    fn serialize_i32(self, value: i32) -> Result<Value, JsonError> {
        Ok(Value::Int(value.into()))
    }
    fn serialize_i64(self, value: i64) -> Result<Value, JsonError> {
        Ok(Value::Int(value))
    }
    fn serialize_i128(self, value: i128) -> Result<Value, JsonError> {
        Ok(value.into())
    }
    fn serialize_u8(self, value: u8) -> Result<Value, JsonError> {
        Ok(Value::Int(value.into()))
    }
    fn serialize_u16(self, value: u16) -> Result<Value, JsonError> {
        Ok(Value::Int(value.into()))
    }
    fn serialize_u32(self, value: u32) -> Result<Value, JsonError> {
        Ok(Value::Int(value.into()))
    }
    fn serialize_u64(self, value: u64) -> Result<Value, JsonError> {
        Ok(value.into())
    }
    fn serialize_u128(self, value: u128) -> Result<Value, JsonError> {
        Ok(value.into())
    }
    fn serialize_f32(self, value: f32) -> Result<Value, JsonError> {
        Ok(Value::Float(value.into()))
    }
    fn serialize_f64(self, value: f64) -> Result<Value, JsonError> {
        Ok(Value::Float(value))
    }
    fn serialize_char(self, value: char) -> Result<Value, JsonError> {
        Ok(Value::Str(value.into()))
    }
    fn serialize_str(self, value: &str) -> Result<Value, JsonError> {
        Ok(value.into())
    }
    fn serialize_bytes(self, value: &[u8]) -> Result<Value, JsonError> {
        Ok(Value::Bytes(value.to_owned()))
    }
    fn serialize_none(self) -> Result<Value, JsonError> {
        Ok(Value::Null)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, JsonError> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<Value, JsonError> {
        Ok(Value::Null)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, JsonError> {
        Ok(Value::Null)
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, JsonError> {
        Ok(variant.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Value, JsonError> {
        let value = value.serialize(self)?;
        Ok(match (name, value) {
            (BIG_INT, Value::Str(digits)) => Value::BigInt(digits),
            (MARKUP, Value::Str(text)) => Value::Markup(text),
            (UUID, Value::Str(text)) => match Uuid::try_parse(&text) {
                Ok(uuid) => Value::Uuid(uuid),
                Err(_) => Value::Str(text),
            },
            (DATETIME, Value::Int(seconds)) => Value::DateTime(seconds),
            (name, value) => foreign::from_parts(name, value),
        })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, JsonError> {
        Ok(Value::from_iter([(variant, value.serialize(self)?)]))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Items, JsonError> {
        Ok(Items::new(length.unwrap_or(0), false, None))
    }
    fn serialize_tuple(self, length: usize) -> Result<Items, JsonError> {
        Ok(Items::new(length, true, None))
    }
    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Items, JsonError> {
        Ok(Items::new(length, true, None))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Items, JsonError> {
        Ok(Items::new(length, true, Some(variant)))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Fields, JsonError> {
        Ok(Fields {
            dict: Dict::new(),
            key: None,
            variant: None,
        })
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields, JsonError> {
        self.serialize_map(None)
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields, JsonError> {
        Ok(Fields {
            dict: Dict::new(),
            key: None,
            variant: Some(variant),
        })
    }
}

/// A list or tuple in the making.
struct Items {
    items: Vec<Value>,
    is_tuple: bool,
    variant: Option<&'static str>,
}

impl Items {
    fn new(length: usize, is_tuple: bool, variant: Option<&'static str>) -> Self {
        // The length is only a hint, and may be wrong.
        Self {
            items: Vec::with_capacity(length.min(1024)),
            is_tuple,
            variant,
        }
    }

    fn push<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), JsonError> {
        self.items.push(item.serialize(ValueSerializer)?);
        Ok(())
    }

    fn finish(self) -> Result<Value, JsonError> {
        let value = if self.is_tuple {
            Value::Tuple(self.items)
        } else {
            Value::List(self.items)
        };
        Ok(in_variant(self.variant, value))
    }
}

/// An enum's variant is a dict of one item: its name, and what it holds.
fn in_variant(variant: Option<&'static str>, value: Value) -> Value {
    match variant {
        Some(name) => Value::from_iter([(name, value)]),
        None => value,
    }
}

impl ser::SerializeSeq for Items {
    type Ok = Value;
    type Error = JsonError;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), JsonError> {
        self.push(item)
    }
    fn end(self) -> Result<Value, JsonError> {
        self.finish()
    }
}

impl ser::SerializeTuple for Items {
    type Ok = Value;
    type Error = JsonError;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), JsonError> {
        self.push(item)
    }
    fn end(self) -> Result<Value, JsonError> {
        self.finish()
    }
}

impl ser::SerializeTupleStruct for Items {
    type Ok = Value;
    type Error = JsonError;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), JsonError> {
        self.push(item)
    }
    fn end(self) -> Result<Value, JsonError> {
        self.finish()
    }
}

impl ser::SerializeTupleVariant for Items {
    type Ok = Value;
    type Error = JsonError;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), JsonError> {
        self.push(item)
    }
    fn end(self) -> Result<Value, JsonError> {
        self.finish()
    }
}

/// A dict in the making.
struct Fields {
    dict: Dict,
    key: Option<String>,
    variant: Option<&'static str>,
}

impl Fields {
    fn insert<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<(), JsonError> {
        self.dict.insert(key, value.serialize(ValueSerializer)?);
        Ok(())
    }

    fn finish(self) -> Result<Value, JsonError> {
        Ok(in_variant(self.variant, Value::Dict(self.dict)))
    }
}

impl ser::SerializeMap for Fields {
    type Ok = Value;
    type Error = JsonError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), JsonError> {
        self.key = Some(match key.serialize(ValueSerializer)? {
            Value::Str(text) | Value::Markup(text) => text,
            key @ (Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::BigInt(_)
            | Value::Float(_)) => super::dumps(&key)?,
            key => {
                return Err(JsonError::Custom(format!(
                    "keys must be str, int, float, bool or None, not {}",
                    key.type_name()
                )));
            }
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), JsonError> {
        match self.key.take() {
            Some(key) => self.insert(key, value),
            None => Err(JsonError::Custom("a map's value without a key".to_owned())),
        }
    }

    fn end(self) -> Result<Value, JsonError> {
        self.finish()
    }
}

impl ser::SerializeStruct for Fields {
    type Ok = Value;
    type Error = JsonError;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), JsonError> {
        self.insert(key.to_owned(), value)
    }
    fn end(self) -> Result<Value, JsonError> {
        self.finish()
    }
}

impl ser::SerializeStructVariant for Fields {
    type Ok = Value;
    type Error = JsonError;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), JsonError> {
        self.insert(key.to_owned(), value)
    }
    fn end(self) -> Result<Value, JsonError> {
        self.finish()
    }
}
