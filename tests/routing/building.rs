//! From an endpoint and values to a URL.

use carafe::routing::{BindArgs, Map};
use carafe::{Dict, Value};

use super::{bind, build, dict, map_of, rule, text};

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
