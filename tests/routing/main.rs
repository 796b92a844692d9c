//! The router, rule by rule. `routing_oracle.rs` compares the same with Werkzeug at random.
//!
//! The code: `src/routing/`. Read `rules.rs`, `converters.rs`, `matching.rs`, `redirects.rs`, `building.rs`, in this order.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod building;
mod converters;
mod matching;
mod redirects;
mod rules;

use carafe::routing::{BindArgs, Map, MapAdapter, RoutingException, Rule, RuleMatch};
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
