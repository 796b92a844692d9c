//! From a [`Value`] to any Rust type: [`from_value`].
//!
//! The way back of `ser.rs`. A [`Value`] asks for itself by a newtype's name; where the source is a
//! [`Value`] too, the types that `serde` has no word for are handed over as an enum's variants, and
//! nothing is lost. Any other format just describes what it holds.
//!
//! Read next: `de/value.rs`, from any format to a [`Value`].

mod value;

use serde::de::value::{MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::ser::{BIG_INT, DATETIME, MARKUP, UUID};
use super::{JsonError, foreign};
use crate::Value;

/// The newtype's name by which a [`Value`] asks for itself.
const VALUE: &str = "carafe::Value";
const TUPLE: &str = "carafe::Value::Tuple";

/// Turns a [`Value`] into any type that `serde` can deserialize: the reverse of
/// [`to_value`](super::to_value).
///
/// ```
/// use carafe::json;
/// #[derive(serde::Deserialize)]
/// struct User { id: u32, at: (i8, i8) }
/// let user: User = json::from_value(json::loads(r#"{"id": 7, "at": [1, 2]}"#)?)?;
/// assert_eq!((user.id, user.at), (7, (1, 2)));
/// # Ok::<(), json::JsonError>(())
/// ```
///
/// # Errors
/// Where the value does not fit the type.
#[allow(clippy::needless_pass_by_value)] // Mirrors `to_value`; `from_value_ref` borrows.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, JsonError> {
    from_value_ref(&value)
}

/// [`from_value`], for a type that may borrow its text and bytes from the value.
///
/// # Errors
/// Where the value does not fit the type.
pub fn from_value_ref<'de, T: Deserialize<'de>>(value: &'de Value) -> Result<T, JsonError> {
    T::deserialize(ValueDeserializer(value))
}

/// One value to read from.
#[derive(Clone, Copy)]
pub(super) struct ValueDeserializer<'de>(pub(super) &'de Value);

impl<'de> IntoDeserializer<'de, JsonError> for ValueDeserializer<'de> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for ValueDeserializer<'de> {
    type Error = JsonError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(*flag),
            Value::Int(number) => visitor.visit_i64(*number),
            Value::BigInt(digits) => {
                if let Ok(number) = digits.parse() {
                    visitor.visit_u64(number)
                } else if let Ok(number) = digits.parse() {
                    visitor.visit_i128(number)
                } else if let Ok(number) = digits.parse() {
                    visitor.visit_u128(number)
                } else {
                    visitor.visit_borrowed_str(digits)
                }
            }
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Str(text) | Value::Markup(text) => visitor.visit_borrowed_str(text),
            Value::List(items) | Value::Tuple(items) => {
                let mut items = SeqDeserializer::new(items.iter().map(ValueDeserializer));
                let value = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(value)
            }
            Value::Dict(dict) => {
                let items = dict
                    .iter()
                    .map(|(key, value)| (Key(key), ValueDeserializer(value)));
                let mut items = MapDeserializer::new(items);
                let value = visitor.visit_map(&mut items)?;
                items.end()?;
                Ok(value)
            }
            Value::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Value::Uuid(uuid) => visitor.visit_string(uuid.to_string()),
            Value::DateTime(seconds) => visitor.visit_i64(*seconds),
            Value::Foreign(value) => foreign::visit(value, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        if self.0.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        if name != VALUE {
            return visitor.visit_newtype_struct(self);
        }
        let variant = match self.0 {
            Value::Tuple(_) => TUPLE,
            Value::BigInt(_) => BIG_INT,
            Value::Markup(_) => MARKUP,
            Value::Uuid(_) => UUID,
            Value::DateTime(_) => DATETIME,
            Value::Foreign(value) => foreign::name(value),
            _ => return visitor.visit_newtype_struct(self),
        };
        visitor.visit_enum(Variant {
            name: variant,
            content: Some(self.0),
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        match self.0 {
            Value::Str(name) => visitor.visit_enum(Variant {
                name,
                content: None,
            }),
            Value::Dict(dict) if dict.len() == 1 => match dict.first() {
                Some((name, value)) => visitor.visit_enum(Variant {
                    name,
                    content: Some(value),
                }),
                None => self.deserialize_any(visitor),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// A dict's key: text, from which a map with numbers or flags for keys reads those.
struct Key<'de>(&'de str);

impl<'de> IntoDeserializer<'de, JsonError> for Key<'de> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Key<'de> {
    fn number<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match Value::from_digits(self.0) {
            Some(number) => ValueDeserializer(&number).scalar(visitor),
            None => visitor.visit_borrowed_str(self.0),
        }
    }
}

impl ValueDeserializer<'_> {
    /// A number whose digits need not outlive this call.
    fn scalar<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.0 {
            Value::Int(number) => visitor.visit_i64(*number),
            Value::BigInt(digits) => match digits.parse() {
                Ok(number) => visitor.visit_u64(number),
                Err(_) => visitor.visit_str(digits),
            },
            _ => visitor.visit_unit(),
        }
    }
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = JsonError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        visitor.visit_borrowed_str(self.0)
    }
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.0 {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            text => visitor.visit_borrowed_str(text),
        }
    }
    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.number(visitor)
    }
    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.number(visitor)
    }
    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.number(visitor)
    }
    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.number(visitor)
    }
    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.number(visitor)
    }
    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.number(visitor)
    }
    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.number(visitor)
    }
    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.number(visitor)
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        visitor.visit_some(self)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        visitor.visit_enum(Variant {
            name: self.0,
            content: None,
        })
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        struct identifier ignored_any
    }
}

/// A variant of an enum, and what it holds.
struct Variant<'de> {
    name: &'de str,
    content: Option<&'de Value>,
}

impl<'de> de::EnumAccess<'de> for Variant<'de> {
    type Error = JsonError;
    type Variant = Self;

    fn variant_seed<S: de::DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self), JsonError> {
        let name: StrDeserializer<'de, JsonError> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'de> {
    type Error = JsonError;

    fn unit_variant(self) -> Result<(), JsonError> {
        match self.content {
            None | Some(Value::Null) => Ok(()),
            Some(_) => Err(JsonError::Custom(format!(
                "the variant {} holds nothing",
                self.name
            ))),
        }
    }
    fn newtype_variant_seed<S: de::DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, JsonError> {
        seed.deserialize(ValueDeserializer(self.content.unwrap_or(&Value::Null)))
    }
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, JsonError> {
        ValueDeserializer(self.content.unwrap_or(&Value::Null)).deserialize_any(visitor)
    }
    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        ValueDeserializer(self.content.unwrap_or(&Value::Null)).deserialize_any(visitor)
    }
}
