//! The paths that have another, canonical URL.

use carafe::routing::{BindArgs, Map, RoutingException};
use carafe::{Dict, Value};

use super::{build, dict, endpoint, get, map_of, rule};

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
