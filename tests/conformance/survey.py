"""Counts what is in scenarios and their results, to see that a generator covers what it should.

survey.py scenarios.jsonl flask313.jsonl [flask114.jsonl]
"""

import json
import sys
from collections import Counter

from compare import has_reference_stages


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def functions(description):
    """Every (place, fn) of an app or a blueprint, with those of the blueprints in it."""
    for place, value in description.items():
        if place == "blueprints":
            for blueprint in value:
                yield from functions(blueprint)
        elif isinstance(value, list):
            for fn in value:
                yield place, fn


def count_ops(ops, place, counts, ends):
    for op in ops:
        counts[op[0]] += 1
        if op[0] in ("abort", "raise"):
            ends[f"{op[0]} in {place}"] += 1
        if op[0] == "app_context":
            count_ops(op[1], place, counts, ends)
        elif op[0] == "request_context":
            count_ops(op[2], place, counts, ends)
        elif op[0] == "after_this_request":
            count_ops(op[1]["ops"], "after_this_request", counts, ends)


def show(title, counts):
    print(f"\n{title}: {sum(counts.values())}")
    print("  " + ", ".join(f"{name} {count}" for name, count in counts.most_common()))


def nesting(blueprints):
    return 1 + max(map(nesting, [blueprint.get("blueprints", []) for blueprint in blueprints])) if blueprints else 0


def survey_scenarios(scenarios):
    ops, errors, places, configs, request_keys, depths = (Counter() for _ in range(6))
    for scenario in scenarios:
        configs.update(scenario["config"].keys())
        depths[nesting(scenario["blueprints"])] += 1
        for place, fn in functions({**scenario["app"], "blueprints": scenario["blueprints"]}):
            places[place] += 1
            count_ops(fn["ops"], place, ops, errors)
        for request in scenario["requests"]:
            request_keys.update(request.keys())
    show("ops", ops)
    show("errors by place", errors)
    show("functions by place", places)
    show("config keys", configs)
    show("request keys", request_keys)
    show("depth of blueprints", depths)


def survey_results(results):
    answers, events, cookies = Counter(), Counter(), Counter()
    for result in results:
        if "error" in result:
            answers["scenario error"] += 1
            continue
        for response in result["responses"]:
            answers[response.get("status") or f"propagated {response['propagated']}"] += 1
            for event in response["events"]:
                events[" ".join(event[:2]) if event[0] in ("signal", "request") else event[0]] += 1
            for name, value in response.get("headers", []):
                if name == "Set-Cookie":
                    size = ", over 4093" if len(value) > 4093 else ""
                    cookies[("compressed" if "=." in value[:20] else "plain") + size] += 1
    show("answers", answers)
    show("events", events)
    show("cookies", cookies)


KINDS = ["no blueprints", "blueprints", "nested blueprints"]


def survey_agreement(scenarios, results, old_results):
    """How often Flask 1.1.4 does what 3.1.3 does."""
    agree, total = Counter(), Counter()
    for scenario, result, old in zip(scenarios, results, old_results):
        kind = KINDS[min(nesting(scenario["blueprints"]), 2)]
        for expected, one in zip(result.get("responses", []), old.get("responses", [])):
            total[kind] += 1
            agree[kind] += has_reference_stages(expected, one)
    for kind, count in total.items():
        print(f"\nFlask 1.1.4 agrees, {kind}: {agree[kind]} of {count} ({100 * agree[kind] / count:.1f}%)")


def main():
    scenarios, results, *old = map(read, sys.argv[1:])
    survey_scenarios(scenarios)
    survey_results(results)
    if old:
        survey_agreement(scenarios, results, old[0])


if __name__ == "__main__":
    main()
