//! What only pickles of the protocols 0 to 2 have: values as lines of text, Python 2's names, and no bytes.
//!
//! Python 3 still writes them for whoever asks for them, and with Python 2's names for its own modules, so
//! that a Python 2 could read them. Mirrors `Lib/pickle.py` and `Lib/_compat_pickle.py`.
//!
//! Read next: `pickle_value.rs`.

use super::FormatError;
use super::pickle_value::uuid;
use crate::python::MAX_INT_DIGITS;
use crate::value::{Foreign, Object, Value};

/// INT, LONG, FLOAT, UNICODE: the value in a line.
pub(super) fn value(opcode: u8, line: &[u8]) -> Result<Value, FormatError> {
    if opcode == b'V' {
        return unicode(line).map(Value::Str);
    }
    let text = std::str::from_utf8(line).unwrap_or_default();
    let number = text.trim_end_matches('L');
    let value = match (opcode, text) {
        (b'I', "00") => Some(Value::Bool(false)),
        (b'I', "01") => Some(Value::Bool(true)),
        (b'F', _) => text.parse().ok().map(Value::Float),
        _ if number.trim_start_matches('-').len() > MAX_INT_DIGITS => None,
        _ => Value::from_digits(number),
    };
    value.map_or_else(
        || FormatError::new("the pickle has a number that is none"),
        Ok,
    )
}

/// The codec `raw-unicode-escape`: a byte is a character, and others are written `\u20ac` or `\U0001fad6`. So is a
/// backslash.
fn unicode(line: &[u8]) -> Result<String, FormatError> {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((byte, after)) = rest.split_first() {
        if *byte != b'\\' {
            text.push(char::from(*byte));
            rest = after;
            continue;
        }
        let length = match after.first() {
            Some(b'u') => 4,
            _ => 8,
        };
        let digits = after.get(1..=length).unwrap_or_default();
        let is_escape = matches!(after.first(), Some(b'u' | b'U'))
            && digits.len() == length
            && digits.iter().all(u8::is_ascii_hexdigit);
        let digits = std::str::from_utf8(digits).unwrap_or_default();
        let number = u32::from_str_radix(digits, 16).ok().filter(|_| is_escape);
        let Some(character) = number.and_then(char::from_u32) else {
            return FormatError::new("the pickle has text with what is no character");
        };
        text.push(character);
        rest = &after[1 + length..];
    }
    Ok(text)
}

/// Modules that Python 3 calls something else, and what is in them is not in sessions.
const RENAMED: &[&str] = &[
    "BaseHTTPServer",
    "CGIHTTPServer",
    "ConfigParser",
    "Cookie",
    "DocXMLRPCServer",
    "HTMLParser",
    "Queue",
    "SimpleHTTPServer",
    "SimpleXMLRPCServer",
    "SocketServer",
    "UserDict",
    "UserList",
    "UserString",
    "_abcoll",
    "_multiprocessing",
    "anydbm",
    "commands",
    "cookielib",
    "dbhash",
    "dummy_thread",
    "dumbdbm",
    "exceptions",
    "gdbm",
    "htmlentitydefs",
    "httplib",
    "markupbase",
    "repr",
    "robotparser",
    "thread",
    "urllib",
    "urllib2",
    "urlparse",
    "whichdb",
    "xmlrpclib",
];

/// Python 3's name for what Python 2 calls `module.name`. It is written back under that one, so a name that
/// is not known here is refused.
pub(super) fn global(module: String, name: String) -> Result<(String, String), FormatError> {
    let (module, name) = match (&*module, &*name) {
        ("__builtin__", "unicode") => ("builtins", "str"),
        ("__builtin__", "long") => ("builtins", "int"),
        ("__builtin__", "xrange") => ("builtins", "range"),
        ("__builtin__", "unichr" | "reduce" | "intern") => return renamed(&module, &name),
        ("__builtin__", name) => ("builtins", name),
        ("copy_reg", name) => ("copyreg", name),
        (module, _) if RENAMED.contains(&module) => return renamed(module, &name),
        _ => return Ok((module, name)),
    };
    Ok((module.to_owned(), name.to_owned()))
}

fn renamed<T>(module: &str, name: &str) -> Result<T, FormatError> {
    FormatError::new(format!("the pickle has Python 2's {module}.{name}"))
}

/// What the newer protocols have an opcode or a shorter way for, if it is that.
pub(super) fn known(object: &Object) -> Option<Value> {
    let Object { module, name, .. } = object;
    let args = object.args.as_deref()?;
    match (&**module, &**name, args, &object.state) {
        ("builtins", "bytes", [], None) => Some(Value::Bytes(Vec::new())),
        ("_codecs", "encode", [Value::Str(text), Value::Str(codec)], None) if codec == "latin1" => {
            let bytes = text.chars().map(|character| u8::try_from(character).ok());
            bytes.collect::<Option<_>>().map(Value::Bytes)
        }
        ("copyreg", "_reconstructor", [class, base, Value::Str(text)], None)
            if is_class(class, "markupsafe", "Markup") && is_class(base, "builtins", "str") =>
        {
            Some(Value::Markup(text.clone()))
        }
        ("copyreg", "_reconstructor", [class, base, Value::Null], Some(Value::Dict(state)))
            if is_class(class, "uuid", "UUID") && is_class(base, "builtins", "object") =>
        {
            uuid(state)
        }
        _ => None,
    }
}

fn is_class(value: &Value, module: &str, name: &str) -> bool {
    if let Value::Foreign(foreign) = value
        && let Foreign::Object(class) = &**foreign
    {
        return class.args.is_none() && class.module == module && class.name == name;
    }
    false
}
