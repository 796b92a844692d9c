"""A live Flask app that shares its session cookie with the app in sharing.rs.

A request is a line of JSON on standard input: its path, and the cookie of the session where there is one. So is
the answer: its text, and the Set-Cookie where there is one. `/config` changes the app, as a new deployment would.
"""

import json
import sys
from datetime import datetime, timezone
from hashlib import sha256
from uuid import UUID

from flask import Flask, request, session
from flask.sessions import SecureCookieSessionInterface
from markupsafe import Markup

app = Flask("live")
app.config["SECRET_KEY"] = "adavafa"

ALL_KINDS = {
    "tuple": (1, "two"),
    "bytes": b"\x00\xff",
    "uuid": UUID(int=7),
    "datetime": datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc),
    "markup": Markup("<b>"),
    "nested": {"list": [(), None, 1.5]},
    "large": 2**70,
}


# ANCHOR: sha256
class Sha256SessionInterface(SecureCookieSessionInterface):
    digest_method = staticmethod(sha256)
# ANCHOR_END: sha256


@app.route("/login")
def login():
    session["username"] = request.args["name"]
    return "welcome to Flask"


@app.route("/")
def index():
    return "Flask sees {}, visits {}".format(session.get("username"), session.get("visits", 0))


@app.route("/visit")
def visit():
    session["visits"] = session.get("visits", 0) + 1
    return "counted"


@app.route("/logout")
def logout():
    session.clear()
    return "bye"


@app.route("/fill")
def fill():
    session.update(ALL_KINDS)
    return "filled"


@app.route("/check")
def check():
    wrong = [key for key, value in ALL_KINDS.items() if type(session[key]) is not type(value) or session[key] != value]
    return "not the same: {}".format(", ".join(wrong)) if wrong else "all the same"


def configure(question):
    app.config.update(question["config"])
    if question.get("sha256"):
        app.session_interface = Sha256SessionInterface()


for line in sys.stdin:
    question = json.loads(line)
    if question["path"] == "/config":
        configure(question)
        answer = {"text": "configured", "set_cookie": None}
    else:
        headers = {"Cookie": "session=" + question["cookie"]} if question["cookie"] else {}
        # The client that comes with Flask sends the request through the app as a server would.
        response = app.test_client(use_cookies=False).get(question["path"], headers=headers)
        answer = {"text": response.get_data(as_text=True), "set_cookie": response.headers.get("Set-Cookie")}
    print(json.dumps(answer), flush=True)
