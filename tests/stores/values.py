"""What a Flask app may put into a session, for each format that Flask-Session stores."""

from collections import Counter, OrderedDict, defaultdict, deque
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

from markupsafe import Markup


def fill(session, kind):
    """All that `kind` can hold: "json", "msgpack" or "pickle"."""
    two_hours = timezone(timedelta(hours=2))
    session["bytes"] = bytes(range(256))
    session["tuple"] = (1, ("two", None))
    session["naive"] = datetime(2024, 2, 29, 12, 30, 59, 123456)
    session["aware"] = datetime(2024, 2, 29, 12, 30, tzinfo=timezone.utc)
    session["fraction"] = datetime(2024, 2, 29, 12, 30, 0, 5, tzinfo=timezone.utc)
    session["elsewhere"] = datetime(2024, 2, 29, 12, 30, tzinfo=two_hours)
    session["before"] = datetime(1066, 10, 14, 0, 0, 0, 1, tzinfo=timezone.utc)
    session["after"] = datetime(2600, 1, 1, tzinfo=timezone.utc)
    session["date"] = date(2024, 2, 29)
    session["uuid"] = UUID("12345678-1234-5678-1234-567812345678")
    session["high uuid"] = UUID(int=2**128 - 1)
    session["decimal"] = Decimal("1.50")
    session["set"] = {1}
    session["ordered"] = OrderedDict([("b", 1), ("a", OrderedDict())])
    session["default"] = defaultdict(list, {"a": [1]})
    session["counter"] = Counter("abb")
    session["numbers"] = [0, -1, 255, 256, -32769, 2**31, -(2**63), 2**64 - 1]
    session["floats"] = [0.1, -0.0, 1e300, 5e-324]
    session["odd floats"] = [float("inf"), float("-inf"), float("nan")]
    session["text"] = "Zoë \0 🫖 \u2028"
    session["nested"] = {"a": [{"b": {}}, [], [[]], True, None]}
    session["large"] = "x" * 70_000
    session["many"] = {str(n): n for n in range(500)}
    if kind != "json":
        session[1] = ("one",)
        session["int keys"] = {1: "one", 2: {3: [4]}}
        session["odd keys"] = {1.5: 1, None: 2, True: 3, b"b": 4}
    if kind == "pickle":
        session["markup"] = Markup("<b>")
        session["big"] = [2**64, -(2**200), 10**4000]
        session["frozenset"] = frozenset({"a"})
        session["bytearray"] = bytearray(b"a\0")
        session["deque"] = deque([1, deque([], 2)], 3)
        session["default map"] = defaultdict(int, {1: 2, "two": 3})
        session["no ordered"] = [OrderedDict(), Counter(), defaultdict(), set(), frozenset(), b"", ()]
        session["delta"] = timedelta(days=-1, microseconds=7)
        shared = ["shared"]
        session["shared"] = [shared, shared]
