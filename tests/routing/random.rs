//! Random cases for `tests/routing_oracle.rs`: rules that are often in one another's way, paths that
//! nearly match them, and values that nearly fit.

use fastrand::Rng;
use serde_json::{Value as Json, json};

fn pick<'a>(rng: &mut Rng, choices: &[&'a str]) -> &'a str {
    choices[rng.usize(..choices.len())]
}

const STATICS: &[&str] = &[
    "a", "b", "foo", "user", "a-b", "x.html", "é", "a b", "%41", "a>", "c|d",
];
const NAMES: &[&str] = &["p", "q", "r", "page"];
const ENDPOINTS: &[&str] = &["index", "page", "pages", "admin.page", "it's"];
const METHODS: &[&str] = &["GET", "POST", "PUT", "HEAD", "OPTIONS"];

const CONVERTERS: &[&str] = &[
    "",
    "",
    "",
    "string:",
    "default:",
    "string(length=2):",
    "string(2):",
    "string(minlength=2, maxlength=4):",
    "string(maxlength=3):",
    "string(0):",
    "int:",
    "int:",
    "int:",
    "int(min=3):",
    "int(max=50, signed=True):",
    "int(signed=True):",
    "int(fixed_digits=3):",
    "int(2):",
    "int(0, 2, 7.5):",
    "float:",
    "float(min=1.5):",
    "float(0, 100, True):",
    "float(signed=1):",
    "path:",
    "path:",
    "any(foo, bar):",
    "any(\"b.r\", 'x y', foo):",
    "any(foo, \"a/b\"):",
    "any(foo,1):",
    "any():",
    "uuid:",
    "nope:",
    "string(1,2):",
    "int(min=-5):",
    "string(bad=1):",
    "path(1):",
];

/// The text of a variable in a path that its converter may well like.
fn text_for(rng: &mut Rng, converter: &str) -> &'static str {
    const UUIDS: &[&str] = &[
        "00000000-0000-0000-0000-00000000000a",
        "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
        "a0eebc999c0b4ef8bb6d6bb9bd380a11",
    ];
    const INTS: &[&str] = &[
        "0",
        "7",
        "007",
        "42",
        "-3",
        "-0",
        "٣",
        "٣4",
        "-٤٢",
        "100",
        "12345678901234567890",
        "-9223372036854775808",
        "9223372036854775808",
        "1_0",
        "+5",
        "5 ",
    ];
    const FLOATS: &[&str] = &[
        "1.5",
        "-0.0",
        "0.0",
        "٣.5",
        "1",
        "1.",
        "10000000000000000.0",
        "0.00001",
        "99.99",
        "-2.5",
        "123456789.123456789",
        "1e5.0",
    ];
    const PATHS: &[&str] = &[
        "a/b", "a", "a//b", "/a", "a/", "a\nb", "\n", "foo/a-b", "é/٣", "b/foo/a",
    ];
    const ANY: &[&str] = &["foo", "bar", "b.r", "bxr", "x y", "a/b", "1", ""];
    const STRINGS: &[&str] = &[
        "a", "foo", "x-y", "é", "ééé", "%41", "a b", "٣", "1", "12.5", "a.html", "", "12345", "\n",
        "a-b-c",
    ];
    let usual = match converter {
        _ if converter.starts_with("uuid") => UUIDS,
        _ if converter.starts_with("int") => INTS,
        _ if converter.starts_with("float") => FLOATS,
        _ if converter.starts_with("path") => PATHS,
        _ if converter.starts_with("any") => ANY,
        _ => STRINGS,
    };
    let all = [UUIDS, INTS, FLOATS, PATHS, ANY, STRINGS];
    let pool = if rng.u8(..8) == 0 {
        all[rng.usize(..6)]
    } else {
        usual
    };
    pick(rng, pool)
}

/// A rule string, and a path that is made the same way with the variables filled in.
fn random_rule(rng: &mut Rng) -> String {
    let mut rule = String::new();
    let mut names = NAMES.to_vec();
    rng.shuffle(&mut names);
    let variable = |rng: &mut Rng, names: &mut Vec<&str>| {
        let usual = &CONVERTERS[..CONVERTERS.len() - 6];
        let converter = if rng.u8(..60) == 0 {
            pick(rng, CONVERTERS)
        } else {
            pick(rng, usual)
        };
        let name = names.pop().unwrap_or("last");
        format!("<{converter}{name}>")
    };
    for _ in 0..rng.usize(..4) {
        rule.push('/');
        match rng.u8(..12) {
            0..=4 => rule.push_str(pick(rng, STATICS)),
            5..=8 => rule.push_str(&variable(rng, &mut names)),
            9 => {
                rule.push_str("a-");
                rule.push_str(&variable(rng, &mut names));
                rule.push_str(".html");
            }
            10 => {
                rule.push_str(&variable(rng, &mut names));
                rule.push_str(pick(rng, &["-", ".", "", "x", "(?)"]));
                rule.push_str(&variable(rng, &mut names));
            }
            _ => {
                rule.push_str(pick(rng, &["", "", "/", "foo<", "a-"]));
                rule.push_str(&variable(rng, &mut names));
                rule.push_str(pick(rng, &["", "y", "-"]));
            }
        }
    }
    if rule.is_empty() || rng.u8(..3) == 0 {
        rule.push('/');
    }
    if rng.u8(..25) == 0 {
        rule.push('/');
    }
    if rng.u8(..60) == 0 {
        rule.remove(0);
    }
    rule
}

/// The names of a rule's variables.
fn variables(rule: &str) -> Vec<&str> {
    let pieces = rule.split('<').skip(1);
    pieces
        .filter_map(|piece| piece.split_once('>'))
        .map(|(inside, _)| inside.rsplit(':').next().unwrap_or(inside))
        .collect()
}

/// A path that is likely to match the rule, or nearly.
fn path_for(rng: &mut Rng, rule: &str) -> String {
    let mut path = String::new();
    for (number, piece) in rule.split('<').enumerate() {
        match piece.split_once('>') {
            Some((inside, text)) if number > 0 => {
                path.push_str(text_for(rng, inside));
                path.push_str(text);
            }
            _ => path.push_str(piece),
        }
    }
    match rng.u8(..20) {
        0 | 1 => path.push('/'),
        2 | 3 => {
            path.pop();
        }
        4 => path = path.replacen('/', "//", 2),
        5 => path.push_str("//"),
        6 => {
            let places: Vec<usize> = path.match_indices('/').map(|(at, _)| at).collect();
            if !places.is_empty() {
                path.insert(places[rng.usize(..places.len())], '/');
            }
        }
        7 => path.push_str(pick(rng, &["\n", "?", "%2F", "é", ".", "/x"])),
        8 => path = path.trim_start_matches('/').to_owned(),
        9 if rng.bool() => path.clear(),
        _ => {}
    }
    path
}

const FLOAT_VALUES: &[&str] = &[
    "1.0",
    "1.5",
    "-0.0",
    "1e16",
    "1e-05",
    "0.0001",
    "123456789.5",
    "inf",
    "5e-324",
    "1e22",
    "nan",
];

fn random_value(rng: &mut Rng, depth: u8) -> Json {
    let kinds = if depth == 0 { 11 } else { 8 };
    match rng.u8(..kinds) {
        0 | 1 => json!([
            "int",
            pick(
                rng,
                &["0", "1", "7", "-3", "42", "123456789012345678901234567890"]
            )
        ]),
        2 => {
            // Python leaves NaN wherever it is when it sorts a list: keep it out of lists.
            let last = FLOAT_VALUES.len() - usize::from(depth > 0);
            json!(["float", pick(rng, &FLOAT_VALUES[..last])])
        }
        3 => json!(["bool", pick(rng, &["True", "False"])]),
        4 if rng.bool() => json!(["null", "None"]),
        5 if rng.u8(..3) == 0 => json!(["bytes", pick(rng, &["a b", "\u{e9}'", "12", "\n\\\""])]),
        5 if rng.u8(..3) == 0 => json!(["uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
        8 => {
            let items: Vec<Json> = (0..rng.u8(..3)).map(|_| random_value(rng, 1)).collect();
            json!([if rng.bool() { "list" } else { "tuple" }, items])
        }
        9 if rng.u8(..3) == 0 => json!(["dict", [["k'", random_value(rng, 1)]]]),
        _ => json!([
            "str",
            pick(
                rng,
                &[
                    "a",
                    "1",
                    "foo",
                    "bar",
                    "a b",
                    "é",
                    "a/b",
                    "/x",
                    "",
                    "&=+?#",
                    "%41",
                    "it's \"q\"",
                    "\n\t\\",
                    "\u{7f}\u{a0}\u{200b}",
                    "x y",
                    " 12 ",
                    "1_0",
                    "٣",
                    "1.5",
                    "~!$'()*,:;@|<>[]^`{}",
                    "12345",
                ]
            )
        ]),
    }
}

fn random_methods(rng: &mut Rng) -> Json {
    if rng.u8(..3) > 0 {
        return Json::Null;
    }
    let count = rng.usize(1..3);
    let methods: Vec<&str> = (0..count)
        .map(|_| pick(rng, &["GET", "POST", "PUT", "get", "OPTIONS"]))
        .collect();
    json!(methods)
}

fn random_flag(rng: &mut Rng) -> Json {
    match rng.u8(..6) {
        0 => json!(true),
        1 | 2 => json!(false),
        _ => Json::Null,
    }
}

fn random_rule_spec(rng: &mut Rng) -> Json {
    let rule = random_rule(rng);
    let mut names = variables(&rule);
    let total = names.len();
    names.sort_unstable();
    names.dedup();
    let mut defaults: Vec<Json> = Vec::new();
    if names.len() == total && rng.u8(..5) == 0 {
        let value = if rng.bool() {
            json!(["int", "1"])
        } else {
            random_value(rng, 0)
        };
        defaults.push(json!([pick(rng, NAMES), value]));
    }
    let redirect = if rng.u8(..25) == 0 {
        let name = names
            .first()
            .map_or(String::new(), |name| format!("<{name}>"));
        let target = pick(
            rng,
            &[
                "x/",
                "/y/",
                "../",
                "http://other/",
                "//h/p?q#f",
                "?a=b",
                "",
                "./z",
                "a/../b",
            ],
        );
        json!(format!("{target}{name}"))
    } else {
        Json::Null
    };
    json!({
        "rule": rule,
        "endpoint": pick(rng, ENDPOINTS),
        "methods": random_methods(rng),
        "defaults": defaults,
        "strict_slashes": random_flag(rng),
        "merge_slashes": random_flag(rng),
        "build_only": rng.u8(..15) == 0,
        "alias": rng.u8(..15) == 0,
        "redirect_to": redirect,
    })
}

/// Two rules of one endpoint, of which the second has a default for a variable of the first.
fn random_default_pair(rng: &mut Rng) -> [Json; 2] {
    let head = pick(rng, STATICS);
    let converter = pick(rng, &["int:", "", "string:", "float:", "path:"]);
    let default = match rng.u8(..4) {
        0 => json!(["str", "a"]),
        1 => json!(["float", "1.0"]),
        2 => json!(["str", "1"]),
        _ => json!(["int", "1"]),
    };
    let endpoint = pick(rng, ENDPOINTS);
    let rule = |rule: String, defaults: Json| {
        json!({"rule": rule, "endpoint": endpoint, "methods": null, "defaults": defaults,
            "strict_slashes": null, "merge_slashes": null, "build_only": false, "alias": false,
            "redirect_to": null})
    };
    let slash = if rng.bool() { "/" } else { "" };
    let long = rule(format!("/{head}/<{converter}page>{slash}"), json!([]));
    let short = rule(format!("/{head}{slash}"), json!([["page", default]]));
    let mut pair = [long, short];
    if rng.bool() {
        pair.reverse();
    }
    if rng.u8(..4) == 0 {
        pair[0]["alias"] = json!(true);
    }
    pair
}

/// A map, an adapter and a list of operations.
pub(crate) fn random_case(rng: &mut Rng) -> Json {
    let mut rules: Vec<Json> = Vec::new();
    for _ in 0..rng.usize(1..12) {
        if rng.u8(..8) == 0 {
            rules.extend(random_default_pair(rng));
        } else {
            rules.push(random_rule_spec(rng));
        }
    }
    let strings: Vec<String> = rules
        .iter()
        .map(|rule| rule["rule"].as_str().unwrap_or_default().to_owned())
        .collect();
    let mut ops = vec![json!({"op": "rules"})];
    for _ in 0..24 {
        let rule = &strings[rng.usize(..strings.len())];
        let path = path_for(rng, rule);
        if rng.u8(..8) == 0 {
            ops.push(json!({"op": "allowed", "path": path}));
        } else {
            ops.push(json!({"op": "match", "path": path, "method": pick(rng, METHODS)}));
        }
    }
    for _ in 0..16 {
        let chosen = &rules[rng.usize(..rules.len())];
        let mut values: Vec<Json> = Vec::new();
        let rule = chosen["rule"].as_str().unwrap_or_default();
        for name in variables(rule) {
            if rng.u8(..10) > 0 {
                let value = if rng.bool() {
                    json!([
                        "str",
                        text_for(
                            rng,
                            rule.split_once(name)
                                .map_or("", |(before, _)| before.rsplit('<').next().unwrap_or(""))
                        )
                    ])
                } else {
                    random_value(rng, 0)
                };
                values.push(json!([name, value]));
            }
        }
        for _ in 0..rng.u8(..3) {
            let name = pick(rng, &["x", "y z", "é", "page", "p", "&"]);
            if values.iter().all(|pair| pair[0] != name) {
                values.push(json!([name, random_value(rng, 0)]));
            }
        }
        let endpoint = if rng.u8(..12) == 0 {
            json!(pick(rng, &["indx", "nothing", "", "admin", "pagepage"]))
        } else {
            chosen["endpoint"].clone()
        };
        let method = if rng.u8(..4) == 0 {
            json!(pick(rng, &["GET", "POST", "get", ""]))
        } else {
            Json::Null
        };
        let scheme = if rng.u8(..4) == 0 {
            json!(pick(rng, &["https", "http", "ftp", "", "wss"]))
        } else {
            Json::Null
        };
        ops.push(json!({
            "op": "build", "endpoint": endpoint, "values": values, "method": method,
            "force_external": rng.u8(..4) == 0, "append_unknown": rng.u8(..8) > 0, "url_scheme": scheme,
        }));
    }
    json!({
        "map": {
            "strict_slashes": rng.u8(..4) > 0,
            "merge_slashes": rng.u8(..4) > 0,
            "redirect_defaults": rng.u8(..4) > 0,
            "sort_parameters": rng.u8(..6) == 0,
            "rules": rules,
        },
        "bind": {
            "server_name": pick(rng, &["example.com", "LocalHost:5000"]),
            "script_name": pick(rng, &["/", "", "/app", "/app/", "/a/b/"]),
            "url_scheme": pick(rng, &["http", "https"]),
            "query_args": pick(rng, &["", "", "q=1&r=%20"]),
            "default_method": pick(rng, &["GET", "GET", "POST"]),
        },
        "ops": ops,
    })
}
