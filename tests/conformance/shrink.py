"""Finds a small scenario that still shows a difference.

    shrink.py --runner PATH --python313 P --python114 P < scenario.json > smaller.json

Reads one scenario, takes away what it can (requests, routes, functions, ops, blueprints, config keys, characters), and
prints the smallest scenario on which Flask and Carafe still differ, with the difference on stderr. The runner and the
oracles stay up all the while, so a try costs a few milliseconds.
"""

import argparse
import copy
import json
import sys

from children import ORACLE, Child
from compare import scenario_difference

# Without these there is nothing to compare, or no app.
NEEDED_KEYS = {"id", "app", "requests", "path", "name", "rule", "on", "stages"}
MOST_TRIES = 5000


class Contest:
    """Runs a scenario on both Flasks and on Carafe."""

    def __init__(self, runner, python313, python114):
        self._new = Child([python313, ORACLE])
        self._old = Child([python114, ORACLE])
        self._carafe = Child(runner)

    def difference(self, scenario):
        expected = self._new.ask(scenario)
        return scenario_difference(scenario, expected, self._old.ask(scenario), self._carafe.ask(scenario))

    def close(self):
        for child in (self._new, self._old, self._carafe):
            child.close()


def kind_of(difference):
    """What sort of difference it is, so that shrinking does not drift from one bug to another.

    That is the first word after the request's number: status, events, body, header, stages, ...
    """
    first_line = difference.split("\n", 1)[0]
    return first_line.rpartition("): ")[2].split("[")[0].split(" (")[0]


def places(value, path=()):
    """Every place in a JSON value, the large ones before what they hold."""
    if path:
        yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items):
        yield from places(item, (*path, key))


def without(scenario, path):
    """A copy of the scenario without what is at a place."""
    return changed(scenario, path, lambda holder, key: holder.__delitem__(key))


def replaced(scenario, path, value):
    """A copy of the scenario with another value at a place."""
    return changed(scenario, path, lambda holder, key: holder.__setitem__(key, value))


def changed(scenario, path, change):
    smaller = copy.deepcopy(scenario)
    holder = smaller
    for key in path[:-1]:
        holder = holder[key]
    change(holder, path[-1])
    return smaller


def is_argument(path):
    """Whether a place is inside of an op, where dropping one argument would make another op of it."""
    return "ops" in path and len(path) > path.index("ops") + 2


def smaller_scenarios(scenario):
    """Scenarios that are one step smaller, the big steps first."""
    halves = ("requests", "routes", "ops", "blueprints")
    for path, value in places(scenario):
        key = path[-1]
        if isinstance(value, list) and key in halves and len(value) > 3:
            middle = len(value) // 2
            yield replaced(scenario, path, value[middle:])
            yield replaced(scenario, path, value[:middle])
        if key not in NEEDED_KEYS and not is_argument(path):
            yield without(scenario, path)
        if isinstance(value, str) and len(value) > 3 and key not in NEEDED_KEYS - {"path"}:
            yield from (replaced(scenario, path, text) for text in shorter_texts(value))
        if is_argument(path) and isinstance(value, (list, dict)):
            yield from (without(scenario, (*path, inner)) for inner in inner_keys(value))


def inner_keys(value):
    return list(value) if isinstance(value, dict) else range(len(value))


def shorter_texts(text):
    """Parts of a text that keep its start (a path's slash, a quoted cookie's quote)."""
    half = len(text) // 2
    yield text[: half + 1]
    if len(text) < 40:
        for position in range(1, len(text)):
            yield text[:position] + text[position + 1 :]


def shrink(scenario, contest, tries=MOST_TRIES):
    """The smallest scenario found, and its difference."""
    difference = contest.difference(scenario)
    if difference is None:
        return scenario, None
    kind = kind_of(difference)
    found = True
    while found and tries > 0:
        found = False
        for smaller in smaller_scenarios(scenario):
            tries -= 1
            other = contest.difference(smaller)
            if other is not None and kind_of(other) == kind:
                scenario, difference, found = smaller, other, True
                break
            if tries <= 0:
                break
    return scenario, difference


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for option in ("--runner", "--python313", "--python114"):
        parser.add_argument(option, required=True)
    arguments = parser.parse_args()
    contest = Contest([arguments.runner], arguments.python313, arguments.python114)
    scenario, difference = shrink(json.loads(sys.stdin.readline()), contest)
    contest.close()
    print(json.dumps(scenario, ensure_ascii=False))
    print(difference or "no difference", file=sys.stderr)
    sys.exit(1 if difference else 0)


if __name__ == "__main__":
    main()
