"""Compares what Carafe gave with what Flask gave, by the rules under "Comparing" in `format.md`.

    compare.py scenarios.jsonl flask313.jsonl flask114.jsonl carafe.jsonl

Prints the first difference of every scenario that has one, then a summary line. The exit code is 1 where anything
differs. Stages come from Flask 1.1.4, for the requests on which it gives 3.1.3's status and events.
"""

import argparse
import hashlib
import json
import re
import sys
import zlib
from dataclasses import dataclass
from itertools import zip_longest

from itsdangerous import BadSignature, TimestampSigner
from itsdangerous.encoding import base64_decode

IGNORED_HEADERS = {"date", "server"}
SET_HEADERS = {"allow", "vary"}

# Two zlibs may differ by a few bytes. Where compressing saves about nothing, one side may keep the plain text.
COMPRESSION_SLACK = 8


@dataclass
class Tally:
    """What a comparison has seen."""

    scenarios: int = 0
    requests: int = 0
    stages: int = 0
    differences: int = 0

    def __str__(self):
        return (
            f"{self.scenarios} scenarios, {self.requests} requests, {self.stages} stages compared, "
            f"{self.differences} differences"
        )


def canonical(value):
    """Text that is equal for equal JSON only: unlike in Python, `1`, `1.0` and `true` differ."""
    return json.dumps(value, sort_keys=True)


def same(one, other):
    return canonical(one) == canonical(other)


# Session cookies


class SessionCookies:
    """Compares session cookies, with the scenario's key and digest."""

    def __init__(self, scenario):
        config = scenario.get("config", {})
        self.name = config.get("SESSION_COOKIE_NAME", "session")
        self._secret_key = config.get("SECRET_KEY") or ""
        self._digest = getattr(hashlib, scenario.get("session_digest", "sha1"))

    def difference(self, expected, actual):
        """Why two values of the session cookie differ, or None."""
        if expected == actual:
            return None
        if not (expected.startswith(".") or actual.startswith(".")):
            return f"session cookie\n{sides(expected, actual)}"
        try:
            (one, one_time), (other, other_time) = self._open(expected), self._open(actual)
        except (BadSignature, ValueError, zlib.error) as error:
            return f"session cookie that cannot be opened ({error})\n{sides(expected, actual)}"
        if (one, one_time) != (other, other_time):
            return f"compressed session cookie\n{sides([one, one_time], [other, other_time])}"
        if expected[:1] != actual[:1] and abs(len(expected) - len(actual)) > COMPRESSION_SLACK:
            return f"session cookie compressed on one side only\n{sides(expected, actual)}"
        return None

    def _open(self, cookie):
        """The decoded payload and the timestamp of a validly signed cookie."""
        signer = TimestampSigner(
            self._secret_key, salt="cookie-session", key_derivation="hmac", digest_method=self._digest
        )
        payload, time = signer.unsign(cookie, return_timestamp=True)
        if payload.startswith(b"."):
            return zlib.decompress(base64_decode(payload[1:])).decode(), time.timestamp()
        return base64_decode(payload).decode(), time.timestamp()


# Headers


def by_name(headers):
    """Header values by lower-case name, in their order."""
    values = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    return values


def as_set(values):
    return sorted(item.strip().lower() for value in values for item in value.split(","))


def cookie_parts(set_cookie):
    """A Set-Cookie's name, raw value and set of attributes (names in lower case)."""
    pair, *attributes = set_cookie.split(";")
    name, _, value = pair.partition("=")
    normal = set()
    for attribute in attributes:
        key, equals, text = attribute.strip().partition("=")
        normal.add(key.lower() + equals + text)
    return name, value, sorted(normal)


def cookies_difference(expected, actual, sessions):
    """Why two lists of Set-Cookie differ, or None."""
    if len(expected) != len(actual):
        return f"number of Set-Cookie\n{sides(expected, actual)}"
    for one, other in zip(expected, actual):
        name, value, attributes = cookie_parts(one)
        other_name, other_value, other_attributes = cookie_parts(other)
        if name != other_name or attributes != other_attributes:
            return f"Set-Cookie\n{sides(one, other)}"
        if name == sessions.name:
            difference = sessions.difference(value, other_value)
            if difference:
                return difference
        elif value != other_value:
            return f"Set-Cookie\n{sides(one, other)}"
    return None


def headers_difference(expected, actual, sessions):
    """Why two lists of headers differ, or None."""
    expected, actual = by_name(expected), by_name(actual)
    for name in sorted({*expected, *actual} - IGNORED_HEADERS):
        one, other = expected.get(name, []), actual.get(name, [])
        if name == "set-cookie":
            difference = cookies_difference(one, other, sessions)
            if difference:
                return difference
        elif name in SET_HEADERS:
            if as_set(one) != as_set(other):
                return f"header {name}\n{sides(one, other)}"
        elif one != other:
            return f"header {name}\n{sides(one, other)}"
    return None


# Results


def sides(expected, actual):
    return f"  flask:  {canonical(expected)}\n  carafe: {canonical(actual)}"


def lists_difference(what, expected, actual):
    """The first place where two lists differ, with what came just before it, or None."""
    if same(expected, actual):
        return None
    if not isinstance(actual, list):
        return f"{what}\n{sides(expected, actual)}"
    missing = "(nothing)"
    for index, (one, other) in enumerate(zip_longest(expected, actual, fillvalue=missing)):
        if not same(one, other):
            before = "".join(f"  both:   {canonical(item)}\n" for item in expected[max(0, index - 3) : index])
            return f"{what}[{index}]\n{before}{sides(one, other)}"
    return None


def redirected_here(expected):
    """Where the Host is none, Flask redirects to `http:///path`, which a browser takes for `http://path`. Carafe's is the path."""
    location = by_name(expected.get("headers", [])).get("location", [""])[0]
    nowhere = re.match("https?://(?=/)", location)
    if expected.get("status") != 308 or not nowhere:
        return expected
    body = expected["body"].replace(nowhere[0], "")
    shorter = 2 * len(nowhere[0])  # The page has the URL twice. A HEAD request gets its length and no page.
    headers = []
    for name, value in expected["headers"]:
        if name.lower() == "location":
            value = value.removeprefix(nowhere[0])
        elif name.lower() == "content-length":
            value = str(int(value) - shorter)
        headers.append([name, value])
    return {**expected, "body": body, "headers": headers}


def response_difference(expected, actual, sessions):
    """Why two results of one request differ, or None. Stages are not looked at."""
    expected = redirected_here(expected)
    if "propagated" in expected or "propagated" in actual:
        one, other = expected.get("propagated"), actual.get("propagated")
        if one != other:
            return f"propagated\n{sides(one or expected.get('status'), other or actual.get('status'))}"
    elif not same(expected["status"], actual.get("status")):
        return f"status\n{sides(expected['status'], actual.get('status'))}"
    difference = lists_difference("events", expected["events"], actual.get("events"))
    if difference or "propagated" in expected:
        return difference
    if expected["body"] != actual.get("body"):
        return f"body\n{sides(expected['body'], actual.get('body'))}"
    return headers_difference(expected["headers"], actual.get("headers", []), sessions)


def has_reference_stages(expected, old):
    """Whether Flask 1.1.4 did on this request what Flask 3.1.3 did."""
    return (
        old is not None
        and "stages" in old
        and same(old.get("status"), expected.get("status"))
        and old.get("propagated") == expected.get("propagated")
        and same(old["events"], expected["events"])
    )


def scenario_difference(scenario, expected, old, actual, tally=None):
    """The first difference of a scenario as text, or None.

    `expected` is Flask 3.1.3's result, `old` Flask 1.1.4's (or None), `actual` Carafe's.
    """
    tally = tally if tally is not None else Tally()
    tally.scenarios += 1
    if not isinstance(actual, dict):
        return "no result"
    if not same(expected.get("id"), actual.get("id")):
        return f"id\n{sides(expected.get('id'), actual.get('id'))}"
    if "error" in expected or "error" in actual:
        if "error" in expected and "error" in actual:
            return None
        return f"error\n{sides(expected.get('error'), actual.get('error'))}"
    sessions = SessionCookies(scenario)
    old_responses = (old or {}).get("responses", [])
    responses = zip_longest(expected["responses"], old_responses, actual.get("responses", []))
    for index, (expected_one, old_one, actual_one) in enumerate(responses):
        place = f"request {index}"
        if expected_one is None or not isinstance(actual_one, dict):
            return f"{place}: one side has no such response"
        tally.requests += 1
        place += f" ({describe_request(scenario['requests'][index])})"
        difference = response_difference(expected_one, actual_one, sessions)
        if difference is None and has_reference_stages(expected_one, old_one):
            tally.stages += 1
            difference = lists_difference("stages", old_one["stages"], actual_one.get("stages"))
        if difference:
            return f"{place}: {difference}"
    return None


def describe_request(request):
    return f"{request.get('method', 'GET')} {request['path']}"


def read_results(path):
    """A file's JSON lines. What is not JSON (a runner that died halfway through a line) is None."""
    results = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            try:
                results.append(json.loads(line))
            except ValueError:
                results.append(None)
    return results


def compare_files(scenarios, expected, old, actual, tally):
    """Yields (scenario, expected, old, actual, difference) for every scenario that differs."""
    files = [read_results(path) for path in (scenarios, expected, old, actual)]
    if len(files[1]) != len(files[0]):
        raise ValueError(f"{expected} has {len(files[1])} results for {len(files[0])} scenarios")
    for scenario, expected_one, old_one, actual_one in zip_longest(*files):
        if scenario is None:
            tally.differences += 1
            yield {}, None, None, actual_one, "more results than scenarios"
            continue
        difference = scenario_difference(scenario, expected_one, old_one, actual_one, tally)
        if difference:
            tally.differences += 1
            yield scenario, expected_one, old_one, actual_one, difference


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in ("scenarios", "flask313", "flask114", "carafe"):
        parser.add_argument(name)
    arguments = parser.parse_args()

    tally = Tally()
    files = (arguments.scenarios, arguments.flask313, arguments.flask114, arguments.carafe)
    for scenario, _, _, _, difference in compare_files(*files, tally):
        print(f"{scenario.get('id')}: {difference}\n")
    print(tally)
    sys.exit(1 if tally.differences else 0)


if __name__ == "__main__":
    main()
