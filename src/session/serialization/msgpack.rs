//! MessagePack, as msgspec writes and reads it: what Flask-Session stores by default.
//!
//! It is more than JSON: bytes are bytes, an aware datetime is an extension type, keys need not be
//! text, a float may be no number. What is read is written again byte for byte.
//!
//! `rmp` knows how long a number's bytes are; what they mean to Python is here.
//!
//! Read next: `json.rs`.

use rmp::Marker;
use rmp::encode;

use super::FormatError;
use super::time::{self, TIMESTAMP};
use crate::json::MAX_DEPTH;
use crate::value::{Dict, Foreign, Value};

/// `msgspec.msgpack.encode(session)`.
pub(super) fn encode(session: &Dict, odd: &[(Value, Value)]) -> Result<Vec<u8>, FormatError> {
    let mut out = Vec::with_capacity(128);
    written(encode::write_map_len(
        &mut out,
        length(session.len() + odd.len())?,
    ))?;
    write_items(&mut out, session, 0)?;
    write_pairs(&mut out, odd, 0)?;
    Ok(out)
}

fn write_dict(out: &mut Vec<u8>, dict: &Dict, depth: usize) -> Result<(), FormatError> {
    written(encode::write_map_len(out, length(dict.len())?))?;
    write_items(out, dict, depth)
}

fn write_items(out: &mut Vec<u8>, dict: &Dict, depth: usize) -> Result<(), FormatError> {
    dict.iter().try_for_each(|(key, value)| {
        length(key.len())?;
        written(encode::write_str(out, key))?;
        write(out, value, depth + 1)
    })
}

/// Kept small, as it calls itself: what cannot nest is written by [`write_scalar`].
fn write(out: &mut Vec<u8>, value: &Value, depth: usize) -> Result<(), FormatError> {
    if depth > MAX_DEPTH {
        return FormatError::new("lists and dicts nest too deep");
    }
    match value {
        Value::List(items) | Value::Tuple(items) => write_list(out, items, depth),
        Value::Dict(dict) => write_dict(out, dict, depth),
        Value::Foreign(foreign) => match &**foreign {
            Foreign::Map(items) => {
                written(encode::write_map_len(out, length(items.len())?))?;
                write_pairs(out, items, depth)
            }
            Foreign::Ext { code, data } => write_ext(out, *code, data),
            Foreign::Object(object) => write(out, &super::plain(object)?, depth + 1),
        },
        scalar => write_scalar(out, scalar),
    }
}

fn write_list(out: &mut Vec<u8>, items: &[Value], depth: usize) -> Result<(), FormatError> {
    written(encode::write_array_len(out, length(items.len())?))?;
    items
        .iter()
        .try_for_each(|item| write(out, item, depth + 1))
}

fn write_pairs(
    out: &mut Vec<u8>,
    items: &[(Value, Value)],
    depth: usize,
) -> Result<(), FormatError> {
    items.iter().try_for_each(|(key, value)| {
        write(out, key, depth + 1)?;
        write(out, value, depth + 1)
    })
}

fn write_scalar(out: &mut Vec<u8>, value: &Value) -> Result<(), FormatError> {
    match value {
        Value::Bool(flag) => written(encode::write_bool(out, *flag)),
        Value::Int(number) => written(encode::write_sint(out, *number)),
        Value::BigInt(digits) => match digits.parse() {
            Ok(number) => written(encode::write_uint(out, number)),
            Err(_) => FormatError::new("msgpack has no integers beyond 64 bits"),
        },
        Value::Float(number) => written(encode::write_f64(out, *number)),
        Value::Str(text) | Value::Markup(text) => {
            length(text.len())?;
            written(encode::write_str(out, text))
        }
        Value::Uuid(uuid) => written(encode::write_str(out, &uuid.to_string())),
        Value::Bytes(bytes) => {
            length(bytes.len())?;
            written(encode::write_bin(out, bytes))
        }
        Value::DateTime(seconds) => write_ext(out, TIMESTAMP, &time::to_bytes((*seconds, 0))),
        _ => written(encode::write_nil(out)),
    }
}

fn write_ext(out: &mut Vec<u8>, code: i8, data: &[u8]) -> Result<(), FormatError> {
    written(encode::write_ext_meta(out, length(data.len())?, code))?;
    out.extend_from_slice(data);
    Ok(())
}

/// A `Vec` takes whatever is written to it, but `rmp` cannot know.
fn written<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<(), FormatError> {
    match result {
        Ok(_) => Ok(()),
        Err(error) => FormatError::new(error.to_string()),
    }
}

fn length(length: usize) -> Result<u32, FormatError> {
    match u32::try_from(length) {
        Ok(length) => Ok(length),
        Err(_) => FormatError::new("msgpack has no more than 4 GiB in one piece"),
    }
}

/// `msgspec.msgpack.decode(bytes)`. All of the bytes have to belong to it.
pub(super) fn decode(bytes: &[u8]) -> Result<Value, FormatError> {
    let mut reader = Reader { rest: bytes };
    let value = reader.value(0)?;
    if !reader.rest.is_empty() {
        return FormatError::new("bytes are left behind the msgpack");
    }
    Ok(value)
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], FormatError> {
        match self.rest.split_at_checked(length) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => FormatError::new("the msgpack is cut off"),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let taken = self.take(N)?;
        taken
            .try_into()
            .or_else(|_| FormatError::new("the msgpack is cut off"))
    }

    fn u8(&mut self) -> Result<u8, FormatError> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    fn u16(&mut self) -> Result<u16, FormatError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32, FormatError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// Kept small, as it calls itself: what cannot nest is read by [`scalar`](Self::scalar).
    fn value(&mut self, depth: usize) -> Result<Value, FormatError> {
        if depth > MAX_DEPTH {
            return FormatError::new("the msgpack nests too deep");
        }
        match Marker::from_u8(self.u8()?) {
            Marker::FixArray(length) => self.list(length.into(), depth),
            Marker::FixMap(length) => self.map(length.into(), depth),
            marker @ (Marker::Array16 | Marker::Map16 | Marker::Array32 | Marker::Map32) => {
                self.long(marker, depth)
            }
            marker => self.scalar(marker),
        }
    }

    fn long(&mut self, marker: Marker, depth: usize) -> Result<Value, FormatError> {
        let length = match marker {
            Marker::Array16 | Marker::Map16 => self.u16()?.into(),
            _ => self.u32()?,
        };
        match marker {
            Marker::Array16 | Marker::Array32 => self.list(length, depth),
            _ => self.map(length, depth),
        }
    }

    #[inline(never)]
    fn scalar(&mut self, marker: Marker) -> Result<Value, FormatError> {
        Ok(match marker {
            Marker::Null => Value::Null,
            Marker::False => Value::Bool(false),
            Marker::True => Value::Bool(true),
            Marker::FixPos(number) => Value::Int(number.into()),
            Marker::FixNeg(number) => Value::Int(number.into()),
            Marker::U8 => Value::Int(self.u8()?.into()),
            Marker::U16 => Value::Int(self.u16()?.into()),
            Marker::U32 => Value::Int(self.u32()?.into()),
            Marker::U64 => Value::from(u64::from_be_bytes(self.array()?)),
            Marker::I8 => Value::Int(i8::from_be_bytes(self.array()?).into()),
            Marker::I16 => Value::Int(i16::from_be_bytes(self.array()?).into()),
            Marker::I32 => Value::Int(i32::from_be_bytes(self.array()?).into()),
            Marker::I64 => Value::Int(i64::from_be_bytes(self.array()?)),
            Marker::F32 => Value::Float(f32::from_be_bytes(self.array()?).into()),
            Marker::F64 => Value::Float(f64::from_be_bytes(self.array()?)),
            Marker::FixStr(length) => self.text(length.into())?,
            Marker::Str8 => self.u8().map(usize::from).and_then(|n| self.text(n))?,
            Marker::Str16 => self.u16().map(usize::from).and_then(|n| self.text(n))?,
            Marker::Str32 => self.u32().and_then(|n| self.text(n as usize))?,
            Marker::Bin8 => self.u8().map(usize::from).and_then(|n| self.bytes(n))?,
            Marker::Bin16 => self.u16().map(usize::from).and_then(|n| self.bytes(n))?,
            Marker::Bin32 => self.u32().and_then(|n| self.bytes(n as usize))?,
            Marker::FixExt1 => self.ext(1)?,
            Marker::FixExt2 => self.ext(2)?,
            Marker::FixExt4 => self.ext(4)?,
            Marker::FixExt8 => self.ext(8)?,
            Marker::FixExt16 => self.ext(16)?,
            Marker::Ext8 => self.u8().map(usize::from).and_then(|n| self.ext(n))?,
            Marker::Ext16 => self.u16().map(usize::from).and_then(|n| self.ext(n))?,
            Marker::Ext32 => self.u32().and_then(|n| self.ext(n as usize))?,
            _ => return FormatError::new("a byte that msgpack does not have"),
        })
    }

    fn text(&mut self, length: usize) -> Result<Value, FormatError> {
        match std::str::from_utf8(self.take(length)?) {
            Ok(text) => Ok(Value::Str(text.to_owned())),
            Err(_) => FormatError::new("text in the msgpack is no UTF-8"),
        }
    }

    fn bytes(&mut self, length: usize) -> Result<Value, FormatError> {
        Ok(Value::Bytes(self.take(length)?.to_vec()))
    }

    fn list(&mut self, length: u32, depth: usize) -> Result<Value, FormatError> {
        // No room is made for a length that the bytes themselves cannot bear out.
        let mut items = Vec::with_capacity((length as usize).min(self.rest.len()).min(1024));
        for _ in 0..length {
            items.push(self.value(depth + 1)?);
        }
        Ok(Value::List(items))
    }

    fn map(&mut self, length: u32, depth: usize) -> Result<Value, FormatError> {
        let mut dict = Dict::with_capacity((length as usize).min(self.rest.len()).min(1024));
        for index in 0..length {
            match self.value(depth + 1)? {
                Value::Str(key) => {
                    let value = self.value(depth + 1)?;
                    dict.insert(key, value);
                }
                key => {
                    let texts = dict.into_iter().map(|(key, value)| (key.into(), value));
                    return self.foreign_map(texts.collect(), key, length - index, depth);
                }
            }
        }
        Ok(Value::Dict(dict))
    }

    /// The rest of a map, from a key on that is no text. `left` counts it.
    #[cold]
    fn foreign_map(
        &mut self,
        mut items: Vec<(Value, Value)>,
        first: Value,
        left: u32,
        depth: usize,
    ) -> Result<Value, FormatError> {
        items.push((first, self.value(depth + 1)?));
        for _ in 1..left {
            items.push((self.value(depth + 1)?, self.value(depth + 1)?));
        }
        Ok(Foreign::Map(items).into())
    }

    // ANCHOR: ext
    fn ext(&mut self, length: usize) -> Result<Value, FormatError> {
        let code = i8::from_be_bytes(self.array()?);
        let data = self.take(length)?;
        // A `Value` holds whole seconds; a time with a fraction stays what it is.
        if code == TIMESTAMP
            && let Some((seconds, 0)) = time::from_bytes(data)
            && time::to_bytes((seconds, 0)) == data
        {
            return Ok(Value::DateTime(seconds));
        }
        let data = data.to_vec();
        Ok(Foreign::Ext { code, data }.into())
    }
    // ANCHOR_END: ext
}
