"""Tests the conformance tools themselves: `python selftest.py --python114 P`, run by Flask 3.1.3's Python.

A comparison that cannot fail proves nothing. So results are changed in every way that matters, and each change must be
noticed; and in the few ways that do not matter, which must pass.
"""

import argparse
import base64
import copy
import hashlib
import json
import subprocess
import sys
import tempfile
import zlib
from collections import Counter

from itsdangerous import TimestampSigner

from children import HERE, ORACLE, Child
from compare import SessionCookies, same, scenario_difference
from generate import make_scenario
from scenario_ops import Ops
from shrink import Contest, shrink
from survey import count_ops, functions

SCENARIO = {
    "id": "self-test",
    "stages": True,
    "session_digest": "sha256",
    "config": {"SECRET_KEY": "adavafa"},
    "app": {
        "routes": [
            {"name": "small", "rule": "/small", "ops": [["session_set", "n", 1], ["return", "small"]]},
            {"name": "large", "rule": "/large", "ops": [["session_set", "n", "ab" * 200], ["return", "large"]]},
            {
                "name": "many",
                "rule": "/many",
                "methods": ["GET", "POST"],
                "ops": [["url_for", "small"], ["return", "many"]],
            },
            {"name": "fail", "rule": "/fail", "ops": [["raise", "DbError", "down"]]},
        ],
        "after_request": [
            {"name": "a", "ops": [["set_cookie", "x", "1", {"secure": True}], ["set_header", "X-A", "1"]]}
        ],
    },
    "requests": [{"path": "/small"}, {"path": "/large"}, {"path": "/many", "method": "OPTIONS"}, {"path": "/many"}],
}
PROPAGATING = {**SCENARIO, "config": {"SECRET_KEY": "adavafa", "TESTING": True}, "requests": [{"path": "/fail"}]}


def header(response, name, number=0):
    """The header pair of that name, to be changed in place."""
    return [pair for pair in response["headers"] if pair[0] == name][number]


def change_header(response, name, change, number=0):
    pair = header(response, name, number)
    pair[1] = change(pair[1])


def compressed_session(response, payload_change=lambda text: text, time=None, key="adavafa", level=1):
    """Writes another session cookie into a response: the same session, unless something says otherwise."""
    pair = header(response, "Set-Cookie", 1)
    cookie, _, attributes = pair[1].partition(";")
    text, unix = SessionCookies(SCENARIO)._open(cookie.partition("=")[2])
    packed = zlib.compress(payload_change(text).encode(), level)
    payload = b"." + base64.urlsafe_b64encode(packed).rstrip(b"=")

    class Signer(TimestampSigner):
        def get_timestamp(self):
            return int(unix) if time is None else time

    signer = Signer(key, salt="cookie-session", key_derivation="hmac", digest_method=hashlib.sha256)
    pair[1] = f"session={signer.sign(payload).decode()};{attributes}"


# (name, request, change): each must be noticed.
NOTICED = [
    ("status", 0, lambda r: r.update(status=201)),
    ("status of another type", 0, lambda r: r.update(status=200.0)),
    ("body", 0, lambda r: r.update(body="smalL")),
    ("an event less", 0, lambda r: r["events"].pop()),
    ("an event more", 0, lambda r: r["events"].append(["call", "x"])),
    ("events in another order", 0, lambda r: r["events"].reverse()),
    ("an event's text", 3, lambda r: r["events"].__setitem__(3, ["url", "/Small"])),
    ("an event with 0 for false", 0, lambda r: r["events"][-1].__setitem__(1, 0)),
    ("a stage less", 0, lambda r: r["stages"].pop()),
    ("a stage at another depth", 0, lambda r: r["stages"][3].__setitem__(0, 2)),
    ("no stages", 0, lambda r: r.pop("stages")),
    ("a header less", 0, lambda r: r["headers"].remove(header(r, "X-A"))),
    ("a header more", 0, lambda r: r["headers"].append(["X-B", "1"])),
    ("a header twice", 0, lambda r: r["headers"].append(["X-A", "1"])),
    ("a header's value", 0, lambda r: change_header(r, "Content-Type", str.upper)),
    ("Vary", 0, lambda r: change_header(r, "Vary", lambda value: "Accept")),
    ("Allow", 2, lambda r: change_header(r, "Allow", lambda value: value + ", PUT")),
    ("a Set-Cookie less", 0, lambda r: r["headers"].remove(header(r, "Set-Cookie"))),
    ("Set-Cookies in another order", 0, lambda r: r["headers"].reverse()),
    ("a cookie's name", 0, lambda r: change_header(r, "Set-Cookie", lambda value: "y" + value[1:])),
    ("a cookie's value", 0, lambda r: change_header(r, "Set-Cookie", lambda value: value.replace("x=1", "x=2"))),
    ("a cookie's attribute", 0, lambda r: change_header(r, "Set-Cookie", lambda value: value.replace("; Secure", ""))),
    ("a cookie's path", 0, lambda r: change_header(r, "Set-Cookie", lambda value: value.replace("Path=/", "Path=/x"))),
    (
        "a plain session",
        0,
        lambda r: change_header(r, "Set-Cookie", lambda value: value.replace("session=e", "session=f"), 1),
    ),
    (
        "a plain session's signature",
        0,
        lambda r: change_header(r, "Set-Cookie", lambda value: value.replace(";", "A;", 1), 1),
    ),
    ("a compressed session", 1, lambda r: compressed_session(r, lambda text: text.replace("ab", "ba"))),
    ("a compressed session's time", 1, lambda r: compressed_session(r, time=1700000001)),
    ("a compressed session's key", 1, lambda r: compressed_session(r, key="another")),
    ("a small session compressed", 0, lambda r: compressed_session(r)),
]
# Each must pass.
IGNORED = [
    ("Date and Server", 0, lambda r: r["headers"].extend([["Date", "now"], ["server", "carafe"]])),
    ("a header name's case", 0, lambda r: header(r, "X-A").__setitem__(0, "x-a")),
    ("the order of headers", 0, lambda r: r["headers"].sort(key=lambda pair: pair[0])),
    ("the order of Allow", 2, lambda r: change_header(r, "Allow", lambda value: ",".join(reversed(value.split(", "))))),
    ("the case of Vary", 0, lambda r: change_header(r, "Vary", str.lower)),
    (
        "the order and case of a cookie's attributes",
        0,
        lambda r: change_header(r, "Set-Cookie", lambda value: value.replace("Secure; Path=/", "path=/;secure")),
    ),
    ("another compression of the same session", 1, lambda r: compressed_session(r, level=9)),
]


class SelfTest:
    """Runs checks and counts them."""

    def __init__(self, python114):
        self.python114 = python114
        self.new = Child([sys.executable, ORACLE])
        self.old = Child([python114, ORACLE])
        self.failures = 0
        self.checks = 0

    def check(self, truth, what):
        self.checks += 1
        if not truth:
            self.failures += 1
            print(f"FAILED: {what}")

    def fake(self, scenario):
        """What a runner without faults would give."""
        result, old = self.new.ask(scenario), self.old.ask(scenario)
        for response, old_response in zip(result["responses"], old["responses"]):
            response["stages"] = old_response["stages"]
        return result

    def difference(self, scenario, actual):
        return scenario_difference(scenario, self.new.ask(scenario), self.old.ask(scenario), actual)

    def test_equal_results_pass(self):
        for scenario in (SCENARIO, PROPAGATING):
            difference = self.difference(scenario, self.fake(scenario))
            self.check(difference is None, f"equal results differ: {difference}")

    def test_changes(self, changes, noticed):
        good = self.fake(SCENARIO)
        for name, request, change in changes:
            result = copy.deepcopy(good)
            change(result["responses"][request])
            self.check(not same(result, good), f"the change {name!r} changes nothing")
            difference = self.difference(SCENARIO, result)
            self.check((difference is not None) == noticed, f"{name}: {difference}")

    def test_whole_results(self):
        good = self.fake(SCENARIO)
        self.check(self.difference(SCENARIO, None), "no result at all passes")
        self.check(self.difference(SCENARIO, {"id": "self-test", "error": "x"}), "an error passes")
        self.check(self.difference(SCENARIO, {**good, "id": "other"}), "another id passes")
        self.check(self.difference(SCENARIO, {**good, "responses": good["responses"][:-1]}), "a response less passes")
        propagated = self.fake(PROPAGATING)
        self.check(propagated["responses"][0]["propagated"] == "DbError", "TESTING does not propagate")
        propagated["responses"][0]["propagated"] = "AppError"
        self.check(self.difference(PROPAGATING, propagated), "another error's type passes")
        self.check(
            self.difference(PROPAGATING, {**good, "responses": good["responses"][:1]}), "a response for an error passes"
        )

    def test_oracle_answers_bad_lines(self):
        bad = [
            "nonsense",
            "[]",
            '{"id": "a", "app": {"before_request": [{"name": "b", "ops": [["dance"]]}]}}',
            '{"id": "b"}',
        ]
        for python in (sys.executable, self.python114):
            output = subprocess.run(
                [python, ORACLE], input="\n".join(bad), capture_output=True, text=True, check=True
            ).stdout
            results = [json.loads(line) for line in output.splitlines()]
            self.check(len(results) == 4 and all("error" in result for result in results[:3]), f"bad lines: {results}")
            self.check(results[-1] == {"id": "b", "responses": []}, f"after bad lines: {results[-1]}")

    def test_generator(self):
        scenarios = [make_scenario("self-test", number) for number in range(300)]
        self.check(scenarios[7] == make_scenario("self-test", 7), "the generator is not deterministic")
        counts, ends = Counter(), Counter()
        for scenario in scenarios:
            for place, fn in functions({**scenario["app"], "blueprints": scenario["blueprints"]}):
                count_ops(fn["ops"], place, counts, ends)
        for name in dir(Ops):
            if name.startswith("op_"):
                self.check(counts[name[3:]] > 0, f"the generator never writes {name[3:]}")
        errors = sum("error" in self.new.ask(scenario) for scenario in scenarios)
        self.check(errors == 0, f"{errors} of 300 random scenarios cannot be built")

    def test_hand_written_scenarios(self):
        names = set()
        for file in sorted((HERE / "scenarios").glob("*.jsonl")):
            for line in filter(str.strip, file.read_text(encoding="utf-8").splitlines()):
                scenario = json.loads(line)
                self.check(scenario["id"] not in names, f"{scenario['id']} is there twice")
                names.add(scenario["id"])
                result = self.new.ask(scenario)
                refused = file.stem.endswith("refused")
                self.check(("error" in result) == refused, f"{scenario['id']}: {result.get('error', 'no error')}")
        self.check(names, "no hand-written scenarios")

    def test_shrink(self):
        runner = [sys.executable, HERE / "fake_runner.py", sys.executable, self.python114]
        contest = Contest([*runner, "flash"], sys.executable, self.python114)
        scenario = next(
            one
            for one in (make_scenario("shrink", number) for number in range(100))
            if contest.difference(one) is not None
        )
        smaller, difference = shrink(scenario, contest)
        contest.close()
        self.check("message_flashed" in difference, f"shrinking drifted: {difference}")
        self.check(len(json.dumps(smaller)) < 400, f"not small: {json.dumps(smaller)}")

    def test_run(self):
        runner = [sys.executable, HERE / "fake_runner.py", sys.executable, self.python114]
        for fault, code in (("none", 0), ("vary", 1), ("stage", 1)):
            command = [sys.executable, HERE / "run.py", "--python313", sys.executable, "--python114", self.python114]
            command += ["--count", "20", "--directory", tempfile.mkdtemp(), "--runner", *runner, fault]
            run = subprocess.run(command, capture_output=True, text=True)
            self.check(run.returncode == code, f"run.py with fault {fault}: {run.returncode}\n{run.stdout}{run.stderr}")

    def run(self):
        self.test_equal_results_pass()
        self.test_changes(NOTICED, noticed=True)
        self.test_changes(IGNORED, noticed=False)
        self.test_whole_results()
        self.test_oracle_answers_bad_lines()
        self.test_generator()
        self.test_hand_written_scenarios()
        self.test_shrink()
        self.test_run()
        self.new.close()
        self.old.close()
        print(f"{self.checks} checks, {self.failures} failures")
        return self.failures == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python114", required=True)
    sys.exit(0 if SelfTest(parser.parse_args().python114).run() else 1)


if __name__ == "__main__":
    main()
