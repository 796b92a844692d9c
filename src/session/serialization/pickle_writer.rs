//! A pickle, written: for the files that Flask-Session shares through cachelib.
//!
//! Mirrors the opcodes that `Lib/pickle.py` writes, in protocol 4, which every Python 3 reads that
//! cachelib runs on. Nothing is remembered: what Python would write once and refer to is written twice.
//!
//! Read next: `pickle.rs`, the way back.

use super::FormatError;
use super::pickle_long;
use super::time::{self, TIMESTAMP};
use crate::json::MAX_DEPTH;
use crate::value::{Dict, Foreign, Object, Value};

/// `pickle.dumps(session)`.
pub(super) fn encode(session: &Dict, odd: &[(Value, Value)]) -> Result<Vec<u8>, FormatError> {
    let mut writer = Writer {
        out: vec![0x80, 4], // PROTO
    };
    writer.dict(session, 0)?;
    if !odd.is_empty() {
        writer.pairs(odd, 0)?;
    }
    writer.out.push(b'.'); // STOP
    Ok(writer.out)
}

/// `pickle.dumps(number)`.
pub(super) fn encode_int(number: i64) -> Vec<u8> {
    let mut writer = Writer {
        out: vec![0x80, 4], // PROTO
    };
    writer.int(number);
    writer.out.push(b'.'); // STOP
    writer.out
}

struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// Kept small, as it calls itself: what cannot nest is written by [`scalar`](Self::scalar).
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), FormatError> {
        if depth > MAX_DEPTH {
            return FormatError::new("lists and dicts nest too deep");
        }
        match value {
            Value::List(items) => self.list(items, depth),
            Value::Tuple(items) => self.tuple(items, depth),
            Value::Dict(dict) => self.dict(dict, depth),
            Value::Foreign(foreign) => self.foreign(foreign, depth),
            scalar => self.scalar(scalar),
        }
    }

    fn scalar(&mut self, value: &Value) -> Result<(), FormatError> {
        match value {
            Value::Bool(flag) => self.out.push(if *flag { 0x88 } else { 0x89 }),
            Value::Int(number) => self.int(*number),
            Value::BigInt(digits) => self.big_int(digits)?,
            Value::Float(number) => {
                self.out.push(b'G'); // BINFLOAT
                self.out.extend(number.to_be_bytes());
            }
            Value::Str(text) => self.text(text),
            Value::Bytes(bytes) => self.sized(bytes, [b'C', b'B', 0x8e]),
            Value::Markup(text) => {
                self.global("markupsafe", "Markup");
                self.text(text);
                self.out.extend([0x85, 0x81]); // TUPLE1, NEWOBJ
            }
            Value::Uuid(uuid) => {
                self.global("uuid", "UUID");
                self.out.extend([b')', 0x81]); // EMPTY_TUPLE, NEWOBJ
                let number = Value::from(uuid.as_u128());
                self.dict(&Dict::from_iter([("int".to_owned(), number)]), 0)?;
                self.out.push(b'b'); // BUILD
            }
            Value::DateTime(seconds) => self.time((*seconds, 0))?,
            _ => self.out.push(b'N'), // NONE
        }
        Ok(())
    }

    fn list(&mut self, items: &[Value], depth: usize) -> Result<(), FormatError> {
        self.out.push(b']'); // EMPTY_LIST
        self.append(items, depth)
    }

    /// Adds to the list that was written last.
    fn append(&mut self, items: &[Value], depth: usize) -> Result<(), FormatError> {
        self.out.push(b'('); // MARK
        self.all(items, depth)?;
        self.out.push(b'e'); // APPENDS
        Ok(())
    }

    fn foreign(&mut self, foreign: &Foreign, depth: usize) -> Result<(), FormatError> {
        match foreign {
            Foreign::Map(items) => {
                self.out.push(b'}'); // EMPTY_DICT
                self.pairs(items, depth)
            }
            Foreign::Ext {
                code: TIMESTAMP,
                data,
            } => match time::from_bytes(data) {
                Some(time) => self.time(time),
                None => FormatError::new("a time of an unknown form"),
            },
            Foreign::Ext { .. } => FormatError::new("a pickle has no extension types"),
            Foreign::Object(object) => self.object(object, depth),
        }
    }

    // ANCHOR: object
    fn object(&mut self, object: &Object, depth: usize) -> Result<(), FormatError> {
        self.global(&object.module, &object.name);
        if let Some(args) = &object.args {
            self.tuple(args, depth)?;
            self.out.push(if object.new { 0x81 } else { b'R' }); // NEWOBJ, REDUCE
        }
        if let Some(items) = &object.items {
            self.fill(items, depth + 1)?;
        }
        if let Some(state) = &object.state {
            self.value(state, depth + 1)?;
            self.out.push(b'b'); // BUILD
        }
        Ok(())
    }
    // ANCHOR_END: object

    /// Adds to the object that was written last.
    fn fill(&mut self, items: &Value, depth: usize) -> Result<(), FormatError> {
        match items {
            Value::List(items) => return self.append(items, depth),
            Value::Dict(dict) => return self.set(dict, depth),
            Value::Foreign(foreign) => {
                if let Foreign::Map(items) = &**foreign {
                    return self.pairs(items, depth);
                }
            }
            _ => {}
        }
        FormatError::new("an object has items that are no list and no dict")
    }

    fn all(&mut self, items: &[Value], depth: usize) -> Result<(), FormatError> {
        items
            .iter()
            .try_for_each(|item| self.value(item, depth + 1))
    }

    fn tuple(&mut self, items: &[Value], depth: usize) -> Result<(), FormatError> {
        if items.is_empty() {
            self.out.push(b')'); // EMPTY_TUPLE
            return Ok(());
        }
        self.out.push(b'('); // MARK
        self.all(items, depth)?;
        self.out.push(b't'); // TUPLE
        Ok(())
    }

    fn dict(&mut self, dict: &Dict, depth: usize) -> Result<(), FormatError> {
        self.out.push(b'}'); // EMPTY_DICT
        self.set(dict, depth)
    }

    /// Adds to the dict that was written last.
    fn set(&mut self, dict: &Dict, depth: usize) -> Result<(), FormatError> {
        self.out.push(b'('); // MARK
        for (key, value) in dict {
            self.text(key);
            self.value(value, depth + 1)?;
        }
        self.out.push(b'u'); // SETITEMS
        Ok(())
    }

    /// The same, with keys of any kind.
    fn pairs(&mut self, items: &[(Value, Value)], depth: usize) -> Result<(), FormatError> {
        self.out.push(b'('); // MARK
        for (key, value) in items {
            self.value(key, depth + 1)?;
            self.value(value, depth + 1)?;
        }
        self.out.push(b'u'); // SETITEMS
        Ok(())
    }

    fn int(&mut self, number: i64) {
        match (u8::try_from(number), i32::try_from(number)) {
            (Ok(number), _) => self.out.extend([b'K', number]), // BININT1
            (_, Ok(number)) => {
                self.out.push(b'J'); // BININT
                self.out.extend(number.to_le_bytes());
            }
            _ => {
                self.out.extend([0x8a, 8]); // LONG1
                self.out.extend(number.to_le_bytes());
            }
        }
    }

    fn big_int(&mut self, digits: &str) -> Result<(), FormatError> {
        let bytes = pickle_long::encode(digits)?;
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.out.push(0x8b); // LONG4
        self.out.extend(length.to_le_bytes());
        self.out.extend(bytes);
        Ok(())
    }

    fn text(&mut self, text: &str) {
        self.sized(text.as_bytes(), [0x8c, b'X', 0x8d]);
    }

    /// Bytes with their length before them, which has an opcode for one byte, for four and for eight.
    fn sized(&mut self, bytes: &[u8], [short, long, longest]: [u8; 3]) {
        match (u8::try_from(bytes.len()), u32::try_from(bytes.len())) {
            (Ok(length), _) => self.out.extend([short, length]),
            (_, Ok(length)) => {
                self.out.push(long);
                self.out.extend(length.to_le_bytes());
            }
            _ => {
                self.out.push(longest);
                self.out.extend((bytes.len() as u64).to_le_bytes());
            }
        }
        self.out.extend(bytes);
    }

    fn global(&mut self, module: &str, name: &str) {
        self.text(module);
        self.text(name);
        self.out.push(0x93); // STACK_GLOBAL
    }

    /// `datetime.datetime(fields, datetime.timezone(datetime.timedelta(0, 0, 0)))`.
    fn time(&mut self, time: time::Time) -> Result<(), FormatError> {
        let Some(fields) = time::to_fields(time) else {
            return FormatError::new("a time outside of the years 1 to 9999");
        };
        self.global("datetime", "datetime");
        self.sized(&fields, [b'C', b'B', 0x8e]);
        self.global("datetime", "timezone");
        self.global("datetime", "timedelta");
        self.out.extend([b'K', 0, b'K', 0, b'K', 0, 0x87, b'R']); // timedelta(0, 0, 0)
        self.out.extend([0x85, b'R']); // timezone(...)
        self.out.extend([0x86, b'R']); // datetime(...)
        Ok(())
    }
}
