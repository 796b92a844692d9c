"""What Flask-Session's serializer and Python's pickle make of a session, for serialization.rs.

A question is a line of JSON. "make" a session of all that a format holds, as bytes; or "load" bytes,
and show what is in them.
"""

import json
import pickle
import sys

import msgspec
import values

DECODERS = {
    "msgpack": msgspec.msgpack.decode,
    "json": msgspec.json.decode,
    "pickle": pickle.loads,
}


def make(kind, encoding, protocol=None):
    session = {}
    values.fill(session, kind)
    # Only an interface keeps what is under a key that is no text: sharing.rs shows that.
    session.pop(1, None)
    if encoding == "pickle":
        return pickle.dumps(session, protocol).hex()
    if encoding == "json":
        return msgspec.json.encode(session).hex()
    return msgspec.msgpack.encode(session).hex()


def load(encoding, data):
    session = DECODERS[encoding](bytes.fromhex(data))
    return {key: repr(value) for key, value in session.items()}


for line in sys.stdin:
    question = json.loads(line)
    do = {"make": make, "load": load}[question.pop("do")]
    print(json.dumps(do(**question)), flush=True)
