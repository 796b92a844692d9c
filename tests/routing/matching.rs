//! Which rule a path and a method lead to.

use std::sync::Arc;

use carafe::routing::BindArgs;
use carafe::{Dict, Value};

use super::{bind, build, dict, endpoint, get, map_of, rule, text};

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
fn a_dead_end_takes_back_the_values_of_its_own_way_only() {
    let map = map_of([rule("/<a>/<int:b>-<c>/x", "x"), rule("/<a>/<b>/y", "y")]);
    let found = get(&map, "/k/7-m/y").unwrap();
    let wanted = dict([("a", text("k")), ("b", text("7-m"))]);
    assert_eq!(found.view_args, wanted);

    // However many there are.
    let before: String = (0..9).map(|n| format!("/<v{n}>")).collect();
    let map = map_of([
        rule(&format!("{before}/<int:b>-<c>/x"), "x"),
        rule(&format!("{before}/<b>/y"), "y"),
    ]);
    let found = get(&map, "/0/1/2/3/4/5/6/7/8/9-10/y").unwrap();
    let values: Vec<_> = found.view_args.values().cloned().collect();
    let wanted = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9-10"];
    assert_eq!(values, wanted.map(text));
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
