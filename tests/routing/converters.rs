//! What each converter takes, and one of the app's own.

use carafe::Value;
use carafe::routing::{Converter, ConverterArgs, Map, RuleError, ValidationError};

use super::{build, dict, endpoint, get, rule, text, value};

#[test]
fn a_string_is_one_segment_and_never_empty() {
    assert_eq!(value("/<v>", "/é b"), Some(text("é b")));
    assert_eq!(value("/<v>", "/a/b"), None);
    assert_eq!(value("/x<v>", "/x"), None);
    assert_eq!(value("/<v>", "/a\nb"), Some(text("a\nb")));
}

#[test]
fn string_lengths_count_characters() {
    assert_eq!(value("/<string(length=2):v>", "/éé"), Some(text("éé")));
    assert_eq!(value("/<string(length=2):v>", "/é"), None);
    assert_eq!(
        value("/<string(minlength=2, maxlength=3):v>", "/abc"),
        Some(text("abc"))
    );
    assert_eq!(
        value("/<string(minlength=2, maxlength=3):v>", "/abcd"),
        None
    );
}

#[test]
fn an_int_takes_every_digit_that_unicode_has() {
    assert_eq!(value("/<int:v>", "/007"), Some(Value::Int(7)));
    assert_eq!(value("/<int:v>", "/٣"), Some(Value::Int(3)));
    assert_eq!(value("/<int:v>", "/-1"), None);
    assert_eq!(value("/<int:v>", "/1_0"), None);
    assert_eq!(value("/<int(signed=True):v>", "/-0"), Some(Value::Int(0)));
    assert_eq!(
        value("/<int(signed=True):v>", "/-12"),
        Some(Value::Int(-12))
    );
}

#[test]
fn an_int_past_64_bits_is_a_big_int_and_past_4300_digits_no_int() {
    let big = "9223372036854775808";
    assert_eq!(
        value("/<int:v>", "/9223372036854775807"),
        Some(Value::Int(i64::MAX))
    );
    assert_eq!(
        value("/<int:v>", &format!("/00{big}")),
        Some(Value::BigInt(big.to_owned()))
    );
    assert_eq!(
        value("/<int(signed=True):v>", &format!("/-{big}")),
        Some(Value::Int(i64::MIN))
    );
    assert!(value("/<int:v>", &format!("/{}", "1".repeat(4300))).is_some());
    assert_eq!(value("/<int:v>", &format!("/{}", "1".repeat(4301))), None);
}

#[test]
fn numbers_keep_to_their_limits() {
    assert_eq!(value("/<int(min=3, max=5):v>", "/2"), None);
    assert_eq!(value("/<int(min=3, max=5):v>", "/5"), Some(Value::Int(5)));
    assert_eq!(
        value("/<int(min=3, max=5):v>", "/99999999999999999999"),
        None
    );
    assert_eq!(
        value("/<int(fixed_digits=3):v>", "/042"),
        Some(Value::Int(42))
    );
    assert_eq!(value("/<int(fixed_digits=3):v>", "/42"), None);
    assert_eq!(value("/<float(min=1.5):v>", "/1.49"), None);
    assert_eq!(value("/<float(max=2):v>", "/2.0"), Some(Value::Float(2.0)));
}

#[test]
fn a_float_needs_digits_on_both_sides_of_its_point() {
    assert_eq!(value("/<float:v>", "/1.5"), Some(Value::Float(1.5)));
    assert_eq!(
        value("/<float(signed=True):v>", "/-1.5"),
        Some(Value::Float(-1.5))
    );
    for bad in ["/1", "/1.", "/.5", "/-1.5", "/1e5"] {
        assert_eq!(value("/<float:v>", bad), None, "{bad}");
    }
}

#[test]
fn a_path_takes_slashes_but_does_not_start_with_one() {
    assert_eq!(value("/<path:v>", "/a/b"), Some(text("a/b")));
    assert_eq!(value("/<path:v>/edit", "/a/b/edit"), Some(text("a/b")));
    assert_eq!(value("/x/<path:v>", "/x//a"), None);
    assert_eq!(value("/<path:v>", "/a\nb"), None);
    assert_eq!(value("/<path:v>/", "/a/b/"), Some(text("a/b")));
}

#[test]
fn any_takes_one_of_its_items_as_they_are() {
    assert_eq!(value("/<any(foo, 'b.r'):v>", "/b.r"), Some(text("b.r")));
    assert_eq!(value("/<any(foo, 'b.r'):v>", "/bar"), None);
}

#[test]
fn a_uuid_has_its_usual_form() {
    let uuid = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
    assert_eq!(
        value("/<uuid:v>", &format!("/{}", uuid.to_uppercase())),
        Some(Value::Uuid(uuid.parse().unwrap()))
    );
    assert_eq!(
        value("/<uuid:v>", "/a0eebc999c0b4ef8bb6d6bb9bd380a11"),
        None
    );
}

/// Two letters, with a converter's arguments; `to_url` wants a text.
struct Letters {
    regex: String,
}

impl Letters {
    fn new(args: &ConverterArgs) -> Result<Self, String> {
        let [first, second] = args.bind(["first", "second"])?;
        let letter = |value: Option<Value>| match value {
            Some(Value::Str(letter)) => Ok(letter),
            other => Err(format!("a letter, not {other:?}")),
        };
        let regex = format!("{}{}", letter(first)?, letter(second)?);
        Ok(Self { regex })
    }
}

impl Converter for Letters {
    fn regex(&self) -> &str {
        &self.regex
    }

    fn to_python(&self, value: &str) -> Result<Value, ValidationError> {
        Ok(Value::Int(i64::try_from(value.len()).unwrap()))
    }

    fn to_url(&self, value: &Value) -> Result<String, ValidationError> {
        match value {
            Value::Str(text) => Ok(text.clone()),
            Value::Null => Err(ValidationError::Invalid("no letters".to_owned())),
            _ => Err(ValidationError::Mismatch),
        }
    }
}

#[test]
fn a_converter_of_ones_own_gets_its_arguments_and_has_its_say() {
    let mut map = Map::new();
    map.converters_insert("letters", Letters::new);
    map.add(rule("/<letters(a, second='[xy]'):v>", "v"))
        .unwrap();
    map.add(rule("/n/<int:v>", "v")).unwrap();
    assert_eq!(get(&map, "/ay").unwrap().view_args["v"], Value::Int(2));
    assert_eq!(endpoint(&map, "/az"), "404");
    // A mismatch tries the next rule.
    assert_eq!(
        build(&map, "v", &dict([("v", Value::Int(7))])).unwrap(),
        "/n/7"
    );
    assert!(map.add(rule("/<letters(a):v>", "v")).is_err());
}

#[test]
fn a_regular_expression_that_does_not_compile_is_refused() {
    let mut map = Map::new();
    map.converters_insert("letters", Letters::new);
    let error = map.add(rule("/<letters('(', b):v>", "v")).unwrap_err();
    assert!(matches!(error, RuleError::Regex { .. }), "{error}");
}
