//! The router's rules, one by one. `routing_oracle.rs` compares the same with Werkzeug at random.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use carafe::routing::{
    BindArgs, Converter, ConverterArgs, Map, MapAdapter, RoutingException, Rule, RuleError,
    RuleMatch, ValidationError,
};
use carafe::{Dict, Value};

fn rule(rule: &str, endpoint: &str) -> Rule {
    Rule::try_new(rule, endpoint).unwrap()
}

fn map_of(rules: impl IntoIterator<Item = Rule>) -> Map {
    let mut map = Map::new();
    for rule in rules {
        map.add(rule).unwrap();
    }
    map
}

fn bind(map: &Map) -> MapAdapter<'_> {
    map.bind(BindArgs {
        server_name: "example.com",
        ..BindArgs::default()
    })
}

fn get(map: &Map, path: &str) -> Result<RuleMatch, RoutingException> {
    bind(map).match_(Some(path), Some("GET"))
}

/// The endpoint of a match, or what happened instead.
fn endpoint(map: &Map, path: &str) -> String {
    match get(map, path) {
        Ok(found) => found.rule.endpoint.clone(),
        Err(RoutingException::NotFound) => "404".to_owned(),
        Err(RoutingException::MethodNotAllowed { valid_methods }) => valid_methods.join(","),
        Err(RoutingException::RequestRedirect { new_url }) => new_url,
    }
}

/// The one variable, `v`, of a rule at a path.
fn value(rule_string: &str, path: &str) -> Option<Value> {
    let map = map_of([rule(rule_string, "v")]);
    get(&map, path)
        .ok()
        .map(|mut found| found.view_args.shift_remove("v").unwrap())
}

fn text(text: &str) -> Value {
    Value::Str(text.to_owned())
}

fn dict<const N: usize>(items: [(&str, Value); N]) -> Dict {
    items
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn build(map: &Map, endpoint: &str, values: &Dict) -> Result<String, String> {
    let url = bind(map).build(endpoint, values, None, false, true, None);
    url.map_err(|error| error.to_string())
}

// ---- Rules --------------------------------------------------------------------------------------

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

// ---- Converters ---------------------------------------------------------------------------------

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

// ---- Matching -----------------------------------------------------------------------------------

#[test]
fn static_parts_win_over_dynamic_ones_however_they_were_added() {
    let map = map_of([
        rule("/<path:p>", "path"),
        rule("/<s>", "string"),
        rule("/<int:i>", "int"),
        rule("/a-<s>", "mixed"),
        rule("/a-b", "static"),
    ]);
    assert_eq!(endpoint(&map, "/a-b"), "static");
    assert_eq!(endpoint(&map, "/a-c"), "mixed");
    assert_eq!(endpoint(&map, "/7"), "int");
    assert_eq!(endpoint(&map, "/x"), "string");
    assert_eq!(endpoint(&map, "/x/y"), "path");
}

#[test]
fn a_dead_end_goes_back_to_the_next_way() {
    let map = map_of([
        rule("/a/<x>/c", "static first"),
        rule("/<y>/b/<z>", "dynamic first"),
    ]);
    assert_eq!(endpoint(&map, "/a/b/c"), "static first");
    assert_eq!(endpoint(&map, "/a/b/d"), "dynamic first");
    let found = get(&map, "/a/b/d").unwrap();
    assert_eq!(found.view_args, dict([("y", text("a")), ("z", text("d"))]));
}

#[test]
fn the_first_of_two_equal_rules_matches() {
    let map = map_of([rule("/<a>", "first"), rule("/<b>", "second")]);
    assert_eq!(endpoint(&map, "/x"), "first");
    assert_eq!(map.iter_rules().count(), 2);
}

#[test]
fn a_value_that_its_converter_refuses_is_404_even_where_another_rule_fits() {
    let map = map_of([rule("/<int(max=9):a>", "small"), rule("/<b>", "any")]);
    assert_eq!(endpoint(&map, "/10"), "404");
}

#[test]
fn several_variables_in_one_segment_match() {
    let map = map_of([rule("/<a>-<int:b>.html", "page")]);
    let found = get(&map, "/x-y-12.html").unwrap();
    let order: Vec<&String> = found.view_args.keys().collect();
    assert_eq!(order, ["a", "b"]);
    assert_eq!(
        found.view_args,
        dict([("a", text("x-y")), ("b", Value::Int(12))])
    );
}

#[test]
fn more_variables_than_fit_on_the_stack_match() {
    let names: Vec<String> = (0..20).map(|number| format!("v{number}")).collect();
    let string: String = names.iter().map(|name| format!("/<{name}>")).collect();
    let map = map_of([
        rule(&string, "many"),
        rule(&format!("{string}/x/y"), "more"),
    ]);
    let path: String = (0..20).map(|number| format!("/{number}")).collect();
    let found = get(&map, &path).unwrap();
    assert_eq!(found.view_args["v0"], text("0"));
    assert_eq!(found.view_args["v19"], text("19"));
    assert_eq!(endpoint(&map, &format!("{path}/x/y")), "more");
}

#[test]
fn view_args_are_the_variables_in_the_order_of_the_rule_and_then_the_defaults() {
    let defaults = dict([("z", Value::Int(1)), ("b", Value::Int(2))]);
    let map = map_of([rule("/<y>/<a>", "page").with_defaults(defaults)]);
    let found = get(&map, "/1/2").unwrap();
    let order: Vec<&String> = found.view_args.keys().collect();
    assert_eq!(order, ["y", "a", "z", "b"]);
}

#[test]
fn a_wrong_method_is_405_with_the_methods_of_all_rules_that_fit() {
    let map = map_of([
        rule("/a", "put").with_methods(["PUT"]),
        rule("/a", "post").with_methods(["POST", "OPTIONS"]),
        rule("/<x>", "delete").with_methods(["DELETE", "PUT"]),
    ]);
    assert_eq!(endpoint(&map, "/a"), "DELETE,OPTIONS,POST,PUT");
    assert_eq!(endpoint(&map, "/a/b"), "404");
    let adapter = bind(&map);
    assert_eq!(
        adapter
            .match_(Some("/a"), Some("post"))
            .unwrap()
            .rule
            .endpoint,
        "post"
    );
    assert_eq!(adapter.allowed_methods(Some("/b")), ["DELETE", "PUT"]);
    assert!(adapter.allowed_methods(Some("/none/such")).is_empty());
    assert!(adapter.test(Some("/a"), Some("PUT")));
    assert!(!adapter.test(Some("/a"), Some("GET")));
}

#[test]
fn the_paths_and_methods_of_the_binding_are_used_where_none_are_given() {
    let map = map_of([rule("/a", "a").with_methods(["POST"])]);
    let adapter = map.bind(BindArgs {
        path_info: "/a",
        default_method: "POST",
        ..BindArgs::default()
    });
    assert_eq!(adapter.match_(None, None).unwrap().rule.endpoint, "a");
}

#[test]
fn a_rule_that_only_builds_never_matches() {
    let map = map_of([rule("/a", "a").with_build_only(true)]);
    assert_eq!(endpoint(&map, "/a"), "404");
    assert_eq!(build(&map, "a", &Dict::new()).unwrap(), "/a");
}

#[test]
fn a_clone_of_a_map_goes_its_own_way() {
    let map = map_of([rule("/a", "a")]);
    let mut other = map.clone();
    other.add(rule("/b", "b")).unwrap();
    assert_eq!(endpoint(&map, "/b"), "404");
    assert_eq!(endpoint(&other, "/b"), "b");
    let (ours, theirs) = (map.endpoint_rules("a"), other.endpoint_rules("a"));
    assert!(Arc::ptr_eq(&ours[0], &theirs[0]));
}

// ---- Redirects ----------------------------------------------------------------------------------

#[test]
fn a_missing_slash_is_a_redirect_where_slashes_are_strict() {
    let map = map_of([
        rule("/strict/", "strict"),
        rule("/lax/", "lax").with_strict_slashes(false),
        rule("/leaf", "leaf"),
        rule("/lax-leaf", "lax leaf").with_strict_slashes(false),
        rule("/p/<path:p>/", "path"),
    ]);
    assert_eq!(endpoint(&map, "/strict"), "http://example.com/strict/");
    assert_eq!(endpoint(&map, "/lax"), "lax");
    assert_eq!(endpoint(&map, "/leaf/"), "404");
    assert_eq!(endpoint(&map, "/lax-leaf/"), "lax leaf");
    assert_eq!(endpoint(&map, "/p/a/b"), "http://example.com/p/a/b/");
    assert_eq!(endpoint(&map, "/p/a/b/"), "path");
}

#[test]
fn a_redirect_keeps_the_query_and_the_script_and_quotes_the_path() {
    let map = map_of([rule("/é b/", "a")]);
    let adapter = map.bind(BindArgs {
        server_name: "Example.COM:8080",
        script_name: "/app",
        url_scheme: "https",
        query_args: "x=%20",
        ..BindArgs::default()
    });
    let new_url = "https://example.com:8080/app/%C3%A9%20b/?x=%20".to_owned();
    let error = adapter.match_(Some("/é b"), None).unwrap_err();
    assert_eq!(error, RoutingException::RequestRedirect { new_url });
    assert_eq!(adapter.get_host(), "example.com:8080");
}

#[test]
fn slashes_that_follow_one_another_are_merged_by_a_redirect() {
    let map = map_of([
        rule("/a/b", "ab"),
        rule("/raw/x", "raw").with_merge_slashes(false),
        rule("/path/<path:p>", "path"),
    ]);
    assert_eq!(endpoint(&map, "/a//b"), "http://example.com/a/b");
    assert_eq!(endpoint(&map, "//a/b"), "ab");
    assert_eq!(endpoint(&map, "/raw//x"), "404");
    assert_eq!(endpoint(&map, "/path/a//b"), "path");
    let mut strict = Map::new();
    strict.merge_slashes = false;
    strict.add(rule("/a/b", "ab")).unwrap();
    assert_eq!(endpoint(&strict, "/a//b"), "404");
}

#[test]
fn a_path_that_spells_out_a_default_is_redirected_to_the_rule_that_has_it() {
    let paged = [
        rule("/all/page/<int:page>", "all"),
        rule("/all/", "all").with_defaults(dict([("page", Value::Int(1))])),
    ];
    let map = map_of(paged);
    assert_eq!(endpoint(&map, "/all/page/1"), "http://example.com/all/");
    assert_eq!(
        get(&map, "/all/page/2").unwrap().view_args["page"],
        Value::Int(2)
    );
    assert_eq!(get(&map, "/all/").unwrap().view_args["page"], Value::Int(1));
    let mut quiet = Map::new();
    quiet.redirect_defaults = false;
    quiet.add(rule("/all/page/<int:page>", "all")).unwrap();
    let default = rule("/all/", "all").with_defaults(dict([("page", Value::Int(1))]));
    quiet.add(default).unwrap();
    assert_eq!(endpoint(&quiet, "/all/page/1"), "all");
}

#[test]
fn an_alias_is_redirected_to_the_rule_it_stands_for() {
    let map = map_of([
        rule("/index.html", "index").with_alias(true),
        rule("/", "index"),
        rule("/u/<int:id>.html", "user").with_alias(true),
        rule("/users/<int:id>", "user"),
    ]);
    assert_eq!(endpoint(&map, "/index.html"), "http://example.com/");
    assert_eq!(endpoint(&map, "/u/7.html"), "http://example.com/users/7");
    assert_eq!(build(&map, "index", &Dict::new()).unwrap(), "/");
}

#[test]
fn redirect_to_is_joined_to_the_root_of_the_script() {
    let map = map_of([
        rule("/old/<slug>/<int:id>", "old").with_redirect_to("new/<id>/<slug>"),
        rule("/up", "up").with_redirect_to("../x/./y"),
        rule("/root", "root").with_redirect_to("/z?q#f"),
        rule("/out", "out").with_redirect_to("https://other/"),
    ]);
    let adapter = map.bind(BindArgs {
        server_name: "h",
        script_name: "/app/",
        ..BindArgs::default()
    });
    let target = |path| match adapter.match_(Some(path), None) {
        Err(RoutingException::RequestRedirect { new_url }) => new_url,
        other => panic!("{other:?}"),
    };
    assert_eq!(target("/old/a b/07"), "http://h/app/new/7/a%20b");
    assert_eq!(target("/up"), "http://h/x/y");
    assert_eq!(target("/root"), "http://h/z?q#f");
    assert_eq!(target("/out"), "https://other/");
}

// ---- Building -----------------------------------------------------------------------------------

#[test]
fn values_become_text_as_pythons_str_makes_it() {
    let map = map_of([rule("/<v>", "v")]);
    for (value, expected) in [
        (text("é/&%?#"), "/%C3%A9/&%25%3F%23"),
        (Value::Bool(true), "/True"),
        (Value::Float(1e16), "/1e+16"),
        (Value::Float(1e-5), "/1e-05"),
        (Value::Float(2.0), "/2.0"),
        (Value::BigInt("9".repeat(20)), "/99999999999999999999"),
        (
            Value::List(vec![Value::Int(1), text("a'b")]),
            "/%5B1,%20%22a'b%22%5D",
        ),
        (Value::Tuple(vec![Value::Null]), "/(None,)"),
        (Value::Markup("<b>".to_owned()), "/%3Cb%3E"),
        (
            Value::DateTime(1_700_000_000),
            "/2023-11-14%2022:13:20+00:00",
        ),
    ] {
        assert_eq!(build(&map, "v", &dict([("v", value)])).unwrap(), expected);
    }
}

#[test]
fn an_int_is_built_from_whatever_pythons_int_takes() {
    let map = map_of([rule("/<int(fixed_digits=4):v>", "v")]);
    for (value, expected) in [
        (text(" 4_2 "), "/0042"),
        (text("-٣"), "/-003"),
        (Value::Float(3.9), "/0003"),
        (Value::Bool(true), "/0001"),
    ] {
        assert_eq!(build(&map, "v", &dict([("v", value)])).unwrap(), expected);
    }
    let values = dict([("v", text("x"))]);
    let error = bind(&map)
        .build("v", &values, None, false, true, None)
        .unwrap_err();
    let message = "invalid literal for int() with base 10: 'x'";
    assert_eq!(error.cause.as_deref(), Some(message));
}

#[test]
fn an_item_that_any_does_not_have_cannot_be_built() {
    let map = map_of([rule("/<any(b, a):v>", "v")]);
    assert_eq!(build(&map, "v", &dict([("v", text("a"))])).unwrap(), "/a");
    let error = build(&map, "v", &dict([("v", text("c"))])).unwrap_err();
    assert_eq!(error, "'c' is not one of 'a', 'b'");
}

#[test]
fn unknown_values_become_the_query_lists_repeat_and_nulls_are_dropped() {
    let mut map = map_of([rule("/<a>", "a")]);
    let values = dict([
        ("z", text("x y&é")),
        ("a", text("1")),
        (
            "list",
            Value::List(vec![Value::Int(2), Value::Null, Value::Int(1)]),
        ),
        ("none", Value::Null),
        ("b", Value::Bytes(vec![0xff, b'+'])),
    ]);
    let url = build(&map, "a", &values).unwrap();
    assert_eq!(url, "/1?z=x+y%26%C3%A9&list=2&list=1&b=%FF%2B");
    let url = bind(&map)
        .build("a", &values, None, false, false, None)
        .unwrap();
    assert_eq!(url, "/1");
    map.sort_parameters = true;
    let sorted = dict([
        ("a", text("1")),
        ("z", text("q")),
        (
            "b",
            Value::List(vec![
                Value::Int(2),
                Value::Float(1.5),
                Value::Float(f64::NAN),
            ]),
        ),
    ]);
    assert_eq!(build(&map, "a", &sorted).unwrap(), "/1?b=1.5&b=2&b=nan&z=q");
}

#[test]
fn the_rule_with_the_most_arguments_that_suits_is_built() {
    let map = map_of([
        rule("/", "page"),
        rule("/<a>", "page"),
        rule("/<a>/<b>", "page"),
        rule("/one", "page").with_defaults(dict([("a", Value::Int(1))])),
    ]);
    assert_eq!(build(&map, "page", &Dict::new()).unwrap(), "/one");
    assert_eq!(
        build(&map, "page", &dict([("a", text("x"))])).unwrap(),
        "/x"
    );
    assert_eq!(
        build(&map, "page", &dict([("a", Value::Bool(true))])).unwrap(),
        "/one"
    );
    let both = dict([("b", text("y")), ("a", text("x"))]);
    assert_eq!(build(&map, "page", &both).unwrap(), "/x/y");
}

#[test]
fn the_default_method_is_tried_first_and_then_every_rule() {
    let map = map_of([
        rule("/post", "a").with_methods(["POST"]),
        rule("/get", "a").with_methods(["GET"]),
        rule("/only-post", "b").with_methods(["POST"]),
    ]);
    assert_eq!(build(&map, "a", &Dict::new()).unwrap(), "/get");
    assert_eq!(build(&map, "b", &Dict::new()).unwrap(), "/only-post");
    let adapter = bind(&map);
    let post = adapter.build("a", &Dict::new(), Some("POST"), false, true, None);
    assert_eq!(post.unwrap(), "/post");
    let get = adapter.build("b", &Dict::new(), Some("GET"), false, true, None);
    assert_eq!(
        get.unwrap_err().to_string(),
        "Could not build url for endpoint 'b' ('GET'). Did you mean to use methods ['POST']?"
    );
}

#[test]
fn an_external_url_has_the_scheme_given_or_its_own() {
    let map = map_of([rule("/a", "a")]);
    let adapter = map.bind(BindArgs {
        server_name: "example.com",
        script_name: "/app",
        ..BindArgs::default()
    });
    let external = |scheme| {
        adapter
            .build("a", &Dict::new(), None, true, true, scheme)
            .unwrap()
    };
    assert_eq!(external(None), "http://example.com/app/a");
    assert_eq!(external(Some("https")), "https://example.com/app/a");
    assert_eq!(external(Some("")), "//example.com/app/a");
    let relative = adapter.build("a", &Dict::new(), None, false, true, Some("https"));
    assert_eq!(relative.unwrap(), "/app/a");
}

#[test]
fn a_url_that_cannot_be_built_says_what_may_be_meant() {
    let map = map_of([rule("/user/<name>/<int:id>", "user"), rule("/", "index")]);
    let values = dict([("id", Value::Int(1)), ("x", Value::Int(2))]);
    assert_eq!(
        build(&map, "user", &values).unwrap_err(),
        "Could not build url for endpoint 'user' with values ['id', 'x']. \
         Did you forget to specify values ['name']?"
    );
    assert_eq!(
        build(&map, "usr", &Dict::new()).unwrap_err(),
        "Could not build url for endpoint 'usr'. Did you mean 'user' instead?"
    );
    let error = bind(&map)
        .build("indx", &Dict::new(), None, false, true, None)
        .unwrap_err();
    assert_eq!(error.suggested().unwrap().endpoint, "index");
    assert_eq!(
        build(&Map::new(), "it's", &Dict::new()).unwrap_err(),
        "Could not build url for endpoint \"it's\"."
    );
}

#[test]
fn an_endpoint_knows_which_arguments_it_expects() {
    let map = map_of([rule("/<lang>/a", "a"), rule("/a", "a"), rule("/b", "b")]);
    assert!(map.is_endpoint_expecting("a", &["lang"]));
    assert!(!map.is_endpoint_expecting("b", &["lang"]));
    assert!(!map.is_endpoint_expecting("none", &[]));
}
