//! From text to a [`Value`]: `json.loads`.
//!
//! Mirrors Python's `json/decoder.py` and `json/scanner.py` (as their C form, which is what runs,
//! has it), with Flask's tags resolved in the same pass. A list or a dict in another one is a function that
//! calls itself, up to [`MAX_DEPTH`], so that no text can exhaust the thread's stack.
//!
//! Read next: `tag.rs`.

use super::detect::decode_bytes;
use super::{JsonError, MAX_DEPTH, tag};
use crate::python::MAX_INT_DIGITS;
use crate::{Dict, Value};

/// `json.loads` of a `str`.
///
/// ```
/// use carafe::{Value, json};
/// let value = json::loads(r#"{"n": [1, 1e400, NaN, 123456789012345678901234567890]}"#)?;
/// assert_eq!(value.get("n").and_then(|n| n.as_list()).map(<[_]>::len), Some(4));
/// let error = json::loads("[1,]").unwrap_err();
/// assert_eq!(error.to_string(), "Expecting value: line 1 column 4 (char 3)");
/// # Ok::<(), json::JsonError>(())
/// ```
///
/// # Errors
/// Wherever Python raises one ([`JsonError`] names which), and for a lone surrogate escape, which a
/// Rust string cannot hold.
pub fn loads(text: &str) -> Result<Value, JsonError> {
    decode(text, false)
}

/// `json.loads` of `bytes`: UTF-8, or UTF-16 or UTF-32 where the first bytes show that.
///
/// # Errors
/// As [`loads`], and where the bytes are not text.
pub fn loads_bytes(bytes: &[u8]) -> Result<Value, JsonError> {
    let text = decode_bytes(bytes)?;
    // A BOM that is left is a character like any other: it is only refused in a `str` by name.
    Decoder::new(&text, false).document()
}

/// `json.loads` of a `str`, and with `untag` Flask's `TaggedJSONSerializer.loads`.
#[inline]
pub(super) fn decode(text: &str, untag: bool) -> Result<Value, JsonError> {
    let mut decoder = Decoder::new(text, untag);
    if text.starts_with('\u{feff}') {
        return Err(decoder.error("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0));
    }
    let result = decoder.document();
    // Flask reads all of the text before it looks at a tag. One that is no good may stand under a
    // key that comes again, and then nobody looks at it.
    if let Err(JsonError::Tag(..) | JsonError::DateOutOfRange) = result {
        return tag::untag_scan(Decoder::new(text, false).document()?);
    }
    result
}

struct Decoder<'a> {
    text: &'a str,
    bytes: &'a [u8],
    /// Where the next byte is.
    at: usize,
    /// How many lists and dicts are open.
    depth: usize,
    untag: bool,
}

impl<'a> Decoder<'a> {
    fn new(text: &'a str, untag: bool) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            depth: 0,
            untag,
        }
    }

    /// One value, and nothing behind it.
    #[inline]
    fn document(&mut self) -> Result<Value, JsonError> {
        let mut value = Value::Null;
        self.skip_space();
        self.value(&mut value)?;
        self.skip_space();
        if self.at < self.bytes.len() {
            return Err(self.error("Extra data", self.at));
        }
        Ok(value)
    }

    /// `json.scanner.scan_once`: whatever begins here. It is written where it belongs, as are keys: to move
    /// what was just written takes longer than to read it.
    fn value(&mut self, value: &mut Value) -> Result<(), JsonError> {
        let start = self.at;
        *value = match self.peek() {
            Some(b'"') => Value::Str(String::new()),
            Some(b'{') => Value::Dict(Dict::new()),
            Some(b'[') => Value::List(Vec::new()),
            Some(b'n') if self.word("null") => Value::Null,
            Some(b't') if self.word("true") => Value::Bool(true),
            Some(b'f') if self.word("false") => Value::Bool(false),
            Some(b'N') if self.word("NaN") => Value::Float(f64::NAN),
            Some(b'I') if self.word("Infinity") => Value::Float(f64::INFINITY),
            Some(b'-') if self.word("-Infinity") => Value::Float(f64::NEG_INFINITY),
            Some(b'-' | b'0'..=b'9') => match self.number()? {
                Some(number) => number,
                None => return Err(self.error("Expecting value", start)),
            },
            _ => return Err(self.error("Expecting value", start)),
        };
        match value {
            Value::Str(text) => {
                self.at += 1;
                self.string(text)
            }
            Value::Dict(dict) => {
                self.at += 1;
                self.dict(dict)?;
                // A tag is a dict of one item.
                if self.untag && dict.len() == 1 {
                    *value = tag::untag(std::mem::take(dict))?;
                }
                Ok(())
            }
            Value::List(items) => {
                self.at += 1;
                self.list(items)
            }
            _ => Ok(()),
        }
    }

    /// `json.decoder.JSONObject`: the rest of a dict whose `{` has been read.
    fn dict(&mut self, dict: &mut Dict) -> Result<(), JsonError> {
        self.skip_space();
        if self.eat(b'}') {
            return Ok(());
        }
        self.open()?;
        // Room for as many items as many have: it takes no longer than room for one.
        let mut items = Vec::with_capacity(3);
        loop {
            // A `push` would make the item elsewhere, and move it.
            items.resize_with(items.len() + 1, || (String::new(), Value::Null));
            if let Some((key, value)) = items.last_mut() {
                self.key(key)?;
                self.value(value)?;
            }
            self.skip_space();
            if self.eat(b'}') {
                break;
            }
            self.comma()?;
            if items.len() == Dict::FEW {
                let next = Vec::with_capacity(Dict::FEW);
                dict.append(std::mem::replace(&mut items, next));
            }
        }
        self.depth -= 1;
        dict.append(items);
        Ok(())
    }

    /// `json.decoder.JSONArray`: the rest of a list whose `[` has been read.
    fn list(&mut self, items: &mut Vec<Value>) -> Result<(), JsonError> {
        self.skip_space();
        if self.eat(b']') {
            return Ok(());
        }
        self.open()?;
        loop {
            items.push(Value::Null);
            if let Some(value) = items.last_mut() {
                self.value(value)?;
            }
            self.skip_space();
            if self.eat(b']') {
                self.depth -= 1;
                return Ok(());
            }
            self.comma()?;
        }
    }

    /// One more list or dict that has something in it.
    fn open(&mut self) -> Result<(), JsonError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(JsonError::TooDeep);
        }
        Ok(())
    }

    fn comma(&mut self) -> Result<(), JsonError> {
        if !self.eat(b',') {
            return Err(self.error("Expecting ',' delimiter", self.at));
        }
        self.skip_space();
        Ok(())
    }

    /// A key and its colon.
    fn key(&mut self, key: &mut String) -> Result<(), JsonError> {
        if !self.eat(b'"') {
            let message = "Expecting property name enclosed in double quotes";
            return Err(self.error(message, self.at));
        }
        self.string(key)?;
        self.skip_space();
        if !self.eat(b':') {
            return Err(self.error("Expecting ':' delimiter", self.at));
        }
        self.skip_space();
        Ok(())
    }

    /// `json.decoder.scanstring`: the rest of a string whose `"` has been read.
    fn string(&mut self, text: &mut String) -> Result<(), JsonError> {
        let begin = self.at - 1;
        loop {
            let start = self.at;
            let rest = &self.bytes[start..];
            let Some(length) = rest
                .iter()
                .position(|byte| matches!(byte, b'"' | b'\\' | ..0x20))
            else {
                return Err(self.error("Unterminated string starting at", begin));
            };
            let chunk = &self.text[start..start + length];
            self.at += length + 1;
            match rest[length] {
                b'"' if text.is_empty() => {
                    *text = chunk.to_owned();
                    return Ok(());
                }
                b'"' => {
                    text.push_str(chunk);
                    return Ok(());
                }
                b'\\' => {
                    text.push_str(chunk);
                    text.push(self.escape(begin)?);
                }
                _ => return Err(self.error("Invalid control character at", self.at - 1)),
            }
        }
    }

    /// What stands for a character after a `\`.
    fn escape(&mut self, begin: usize) -> Result<char, JsonError> {
        let Some(byte) = self.peek() else {
            return Err(self.error("Unterminated string starting at", begin));
        };
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(self.error("Invalid \\escape", self.at - 2)),
        })
    }

    /// The digits of a `\uXXXX`, and those of a second one where the first is half of a pair.
    fn unicode(&mut self) -> Result<char, JsonError> {
        let first = self.hex()?;
        if let Some(char) = char::from_u32(first) {
            return Ok(char);
        }
        if first < 0xdc00 && self.bytes[self.at..].starts_with(b"\\u") {
            self.at += 2;
            let second = self.hex()?;
            if (0xdc00..0xe000).contains(&second) {
                let scalar = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return char::from_u32(scalar).ok_or(JsonError::LoneSurrogate);
            }
        }
        Err(JsonError::LoneSurrogate)
    }

    fn hex(&mut self) -> Result<u32, JsonError> {
        let digits = self.bytes.get(self.at..self.at + 4).unwrap_or_default();
        let mut number = 0;
        for digit in digits {
            match char::from(*digit).to_digit(16) {
                Some(digit) => number = number * 16 + digit,
                None => return Err(self.error("Invalid \\uXXXX escape", self.at - 1)),
            }
        }
        // Python wants to see the character behind the digits too.
        if self.at + 4 >= self.bytes.len() {
            return Err(self.error("Invalid \\uXXXX escape", self.at - 1));
        }
        self.at += 4;
        Ok(number)
    }

    /// `json.scanner.NUMBER_RE`. `None` where there is no number.
    fn number(&mut self) -> Result<Option<Value>, JsonError> {
        let start = self.at;
        let mut end = start + usize::from(self.bytes[start] == b'-');
        match self.bytes.get(end) {
            Some(b'0') => end += 1,
            Some(b'1'..=b'9') => end = self.digits(end),
            _ => return Ok(None),
        }
        let mut is_float = false;
        if self.bytes.get(end) == Some(&b'.') && self.digits(end + 1) > end + 1 {
            end = self.digits(end + 1);
            is_float = true;
        }
        if matches!(self.bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.bytes.get(end + 1), Some(b'+' | b'-')));
            let first = end + 1 + sign;
            if self.digits(first) > first {
                end = self.digits(first);
                is_float = true;
            }
        }
        self.at = end;
        let text = &self.text[start..end];
        if is_float {
            return Ok(text.parse().ok().map(Value::Float));
        }
        if text.len() <= 18 {
            // It fits: no need to look whether it does.
            let (sign, digits) = match text.strip_prefix('-') {
                Some(digits) => (-1, digits),
                None => (1, text),
            };
            let shift = |number, digit: u8| number * 10 + i64::from(digit - b'0');
            return Ok(Some(Value::Int(sign * digits.bytes().fold(0, shift))));
        }
        if text.len() > MAX_INT_DIGITS && text.trim_start_matches('-').len() > MAX_INT_DIGITS {
            return Err(JsonError::IntTooLong);
        }
        Ok(Value::from_digits(text))
    }

    /// Where the digits that begin at `start` end.
    fn digits(&self, start: usize) -> usize {
        let rest = self.bytes.get(start..).unwrap_or_default();
        start + rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.bytes[self.at..].starts_with(word.as_bytes());
        if found {
            self.at += word.len();
        }
        found
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// An error at a byte of the text, told in characters as Python does.
    #[cold]
    fn error(&self, message: &'static str, at: usize) -> JsonError {
        let before = String::from_utf8_lossy(&self.bytes[..at.min(self.bytes.len())]);
        let last_line = before.rsplit('\n').next().unwrap_or_default();
        JsonError::Decode {
            message,
            line: before.matches('\n').count() + 1,
            column: last_line.chars().count() + 1,
            position: before.chars().count(),
        }
    }
}
