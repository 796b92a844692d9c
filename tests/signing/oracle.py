"""Answers what real Flask and itsdangerous do, one JSON line for each JSON line.

Started by oracle.rs. Values travel in the form that `wire` writes and `unwire` reads, which has
nothing in common with the code under test.
"""

import base64
import json
import math
import struct
import sys
import traceback
from datetime import datetime, timedelta, timezone
from hashlib import sha1, sha256, sha512
from uuid import UUID

import flask
from flask.json.provider import DefaultJSONProvider
from flask.json.tag import TaggedJSONSerializer
from itsdangerous import serializer, timed, url_safe
from itsdangerous._json import _CompactJSON
from itsdangerous.signer import NoneAlgorithm
from markupsafe import Markup
from werkzeug.http import http_date, parse_date

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
DIGESTS = {"sha1": sha1, "sha256": sha256, "sha512": sha512}
tagged = TaggedJSONSerializer()
app = flask.Flask("oracle")
provider = DefaultJSONProvider(app)
# Only within an app does Flask's `json.dumps` sort the keys.
app.app_context().push()


def wire(value):
    if value is None:
        return ["null"]
    if isinstance(value, bool):
        return ["bool", value]
    if isinstance(value, int):
        return ["int", str(value)]
    if isinstance(value, float):
        return ["float", "nan" if math.isnan(value) else struct.pack(">d", value).hex()]
    if isinstance(value, Markup):
        return ["markup", str(value)]
    if isinstance(value, str):
        return ["str", value]
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, [wire(item) for item in value]]
    if isinstance(value, dict):
        return ["dict", [[key, wire(item)] for key, item in value.items()]]
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    if isinstance(value, UUID):
        return ["uuid", value.hex]
    if isinstance(value, datetime):
        return ["datetime", int((value - EPOCH).total_seconds())]
    raise TypeError(type(value))


def unwire(value):
    kind, *rest = value
    content = rest[0] if rest else None
    if kind == "null":
        return None
    if kind == "int":
        return int(content)
    if kind == "float":
        return math.nan if content == "nan" else struct.unpack(">d", bytes.fromhex(content))[0]
    if kind == "markup":
        return Markup(content)
    if kind == "list":
        return [unwire(item) for item in content]
    if kind == "tuple":
        return tuple(unwire(item) for item in content)
    if kind == "dict":
        return {key: unwire(item) for key, item in content}
    if kind == "bytes":
        return bytes.fromhex(content)
    if kind == "uuid":
        return UUID(content)
    if kind == "datetime":
        return EPOCH + timedelta(seconds=content)
    return content


def signer_kwargs(options):
    kwargs = {
        "sep": bytes.fromhex(options["sep"]),
        "key_derivation": options["derivation"],
        "digest_method": DIGESTS[options["digest"]],
    }
    if options["none"]:
        kwargs["algorithm"] = NoneAlgorithm()
    return kwargs


def make_serializer(request):
    cls = {
        (False, False): serializer.Serializer,
        (True, False): timed.TimedSerializer,
        (False, True): url_safe.URLSafeSerializer,
        (True, True): url_safe.URLSafeTimedSerializer,
    }[request["timed"], request["url"]]
    made = cls(
        [bytes.fromhex(key) for key in request["keys"]],
        salt=bytes.fromhex(request["salt"]),
        serializer={"tagged": tagged, "compact": _CompactJSON, "python": json}[request["json"]],
        signer_kwargs=signer_kwargs(request["options"]),
        fallback_signers=[signer_kwargs(options) for options in request["fallbacks"]],
    )
    timed.time = type("time", (), {"time": staticmethod(lambda: request["now"])})
    return made


def dumps(request):
    return make_serializer(request).dumps(unwire(request["value"]))


def loads(request):
    signed = bytes.fromhex(request["signed"])
    if request["timed"]:
        value, date = make_serializer(request).loads(signed, request["max_age"], True)
        return [wire(value), int((date - EPOCH).total_seconds())]
    return [wire(make_serializer(request).loads(signed)), None]


def loads_unsafe(request):
    signed = bytes.fromhex(request["signed"])
    valid, value = make_serializer(request).loads_unsafe(signed)
    return [valid, wire(value)]


def json_dumps(request):
    value = unwire(request["value"])
    if request["pretty"]:
        return provider.dumps(value, indent=2)
    return provider.dumps(value, separators=(",", ":"))


# Compresses and encodes bytes as they are.
BYTES = url_safe.URLSafeSerializer(
    "key", serializer=type("Bytes", (), {"dumps": bytes, "loads": bytes})
)

OPS = {
    "dumps": dumps,
    "loads": loads,
    "loads_unsafe": loads_unsafe,
    "json_dumps": json_dumps,
    "json_loads": lambda request: wire(provider.loads(request["text"])),
    "json_loads_bytes": lambda request: wire(provider.loads(bytes.fromhex(request["bytes"]))),
    "tag_dumps": lambda request: tagged.dumps(unwire(request["value"])),
    "tag_loads": lambda request: wire(tagged.loads(request["text"])),
    "parse_date": lambda request: wire(parse_date(request["text"])),
    "http_date": lambda request: http_date(unwire(request["value"])),
    "b64decode": lambda request: base64.b64decode(bytes.fromhex(request["bytes"])).hex(),
    "dump_bytes": lambda request: BYTES.dump_payload(bytes.fromhex(request["bytes"])).decode(),
}

for line in sys.stdin:
    request = json.loads(line)
    try:
        reply = {"ok": OPS[request["op"]](request)}
    except Exception as error:
        payload = getattr(error, "payload", None)
        date = getattr(error, "date_signed", None)
        reply = {
            "error": type(error).__name__,
            "message": str(error),
            "payload": None if payload is None else payload.hex(),
            "date_signed": date and int((date - EPOCH).total_seconds()),
            "traceback": traceback.format_exc(),
        }
    # A lone surrogate cannot leave as UTF-8; as an escape it can, and fails on the other side.
    print(json.dumps(reply), flush=True)
