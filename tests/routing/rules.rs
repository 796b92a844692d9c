//! What a rule may be, and what is refused when it is added.

use carafe::Value;
use carafe::routing::{Map, Rule, RuleError};

use super::{dict, rule, text};

#[test]
fn a_rule_must_start_with_a_slash() {
    let error = Rule::try_new("a", "a").unwrap_err();
    assert_eq!(error.to_string(), "URL rule 'a' must start with a slash.");
}

#[test]
fn a_rule_with_an_open_bracket_is_malformed() {
    for bad in ["/<", "/<a", "/<1a>", "/<int:>", "/<int(1:a>", "/<a b>"] {
        let error = Rule::try_new(bad, "a").unwrap_err();
        assert_eq!(error.to_string(), format!("malformed url rule: '{bad}'"));
    }
}

#[test]
fn a_variable_name_cannot_be_used_twice() {
    let error = Rule::try_new("/<a>/<int:a>", "a").unwrap_err();
    assert!(matches!(error, RuleError::DuplicateVariable { variable, .. } if variable == "a"));
}

#[test]
fn an_unknown_converter_is_refused_when_the_rule_is_added() {
    let mut map = Map::new();
    let error = map.add(rule("/<nope:a>", "a")).unwrap_err();
    assert_eq!(error.to_string(), "the converter 'nope' does not exist");
    assert_eq!(map.iter_rules().count(), 0);
}

#[test]
fn arguments_that_a_converter_does_not_take_are_refused() {
    for bad in [
        "/<int(1, 2, 3, 4, 5):a>",
        "/<int(nope=1):a>",
        "/<int(1, fixed_digits=2):a>",
        "/<int(min='x'):a>",
        "/<string(minlength=3, maxlength=2):a>",
        "/<string(length=x):a>",
        "/<any(1):a>",
        "/<int(min=-5):a>",
    ] {
        let error = Map::new().add(rule(bad, "a")).unwrap_err();
        assert!(
            matches!(error, RuleError::ConverterArguments { .. }),
            "{bad}: {error}"
        );
    }
}

#[test]
fn head_comes_with_get_and_methods_are_upper_cased() {
    let rule = rule("/", "a").with_methods(["get", "Post"]);
    let methods: Vec<&str> = rule.methods.iter().flatten().map(String::as_str).collect();
    assert_eq!(methods, ["GET", "HEAD", "POST"]);
}

#[test]
fn arguments_are_the_variables_and_the_defaults() {
    let rule = rule("/<a>/<int:b>", "a").with_defaults(dict([("c", Value::Int(1))]));
    let arguments: Vec<&str> = rule.arguments.iter().map(String::as_str).collect();
    assert_eq!(arguments, ["a", "b", "c"]);
}

#[test]
fn a_redirect_to_an_unknown_variable_is_refused() {
    let error = Map::new()
        .add(rule("/<a>", "a").with_redirect_to("x/<b>"))
        .unwrap_err();
    assert_eq!(
        error,
        RuleError::RedirectVariable {
            variable: "b".to_owned()
        }
    );
}

#[test]
fn a_default_that_its_converter_refuses_is_refused() {
    let rule = rule("/<int:a>", "a").with_defaults(dict([("a", text("x"))]));
    assert!(matches!(
        Map::new().add(rule),
        Err(RuleError::BadDefault { .. })
    ));
}
