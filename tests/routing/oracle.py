"""Runs routing cases on real Werkzeug: one JSON case a line in, one JSON list of outcomes a line out.

Read next: tests/routing_oracle.rs, which makes the cases and knows the format of both.
"""

import json
import sys
import uuid

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import BuildError, Map, RequestRedirect, Rule


def decode(tagged):
    kind, value = tagged
    if kind == "null":
        return None
    if kind == "bool":
        return value == "True"
    if kind == "list":
        return [decode(item) for item in value]
    if kind == "tuple":
        return tuple(decode(item) for item in value)
    if kind == "dict":
        return {key: decode(item) for key, item in value}
    if kind == "bytes":
        return value.encode("latin-1")
    return {"int": int, "float": float, "str": str, "uuid": uuid.UUID}[kind](value)


def decode_dict(items):
    return {name: decode(value) for name, value in items}


def encode(value):
    if value is None:
        return ["null", "None"]
    name = {"UUID": "uuid"}.get(type(value).__name__, type(value).__name__)
    return [name, str(value)]


def make_map(spec):
    url_map = Map(
        strict_slashes=spec["strict_slashes"],
        merge_slashes=spec["merge_slashes"],
        redirect_defaults=spec["redirect_defaults"],
        sort_parameters=spec["sort_parameters"],
    )
    rules, outcomes = [], []
    for rule in spec["rules"]:
        rule = dict(rule)
        rule["defaults"] = decode_dict(rule["defaults"]) or None
        string = rule.pop("rule")
        try:
            rule = Rule(string, **rule)
            url_map.add(rule)
        except Exception:
            rules.append(None)
            outcomes.append(["refused"])
        else:
            rules.append(rule)
            outcomes.append(["added", sorted(rule.arguments)])
    return url_map, rules, outcomes


def run_match(adapter, rules, op):
    try:
        rule, args = adapter.match(op["path"], op["method"], return_rule=True)
    except RequestRedirect as error:
        return ["redirect", error.new_url]
    except MethodNotAllowed as error:
        return ["405", sorted(error.valid_methods)]
    except NotFound:
        return ["404"]
    except Exception as error:
        return ["raises", None, repr(error)]
    number = next(i for i, other in enumerate(rules) if other is rule)
    return ["ok", number, sorted([name, encode(value)] for name, value in args.items())]


def run_build(adapter, op):
    try:
        return [
            "url",
            adapter.build(
                op["endpoint"],
                decode_dict(op["values"]),
                method=op["method"],
                force_external=op["force_external"],
                append_unknown=op["append_unknown"],
                url_scheme=op["url_scheme"],
            ),
        ]
    except BuildError as error:
        return ["build error", str(error)]
    except ValueError as error:
        return ["raises", str(error)]
    except Exception as error:
        return ["raises", None, repr(error)]


def run(case):
    url_map, rules, outcomes = make_map(case["map"])
    adapter = url_map.bind(**case["bind"])
    for op in case["ops"]:
        if op["op"] == "match":
            outcomes.append(run_match(adapter, rules, op))
        elif op["op"] == "allowed":
            try:
                outcomes.append(["allowed", sorted(adapter.allowed_methods(op["path"]))])
            except Exception as error:
                outcomes.append(["raises", None, repr(error)])
        elif op["op"] == "build":
            outcomes.append(run_build(adapter, op))
        elif op["op"] == "rules":
            order = [i for r in url_map.iter_rules() for i, o in enumerate(rules) if o is r]
            outcomes.append(["rules", order])
    return outcomes


for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
