"""Answers for tests/proxy_fix.rs what Werkzeug's ProxyFix makes of an environ.

One JSON object a line in ({"trusted": {...}, "environ": {...}}), one a line out: the environ that the app
inside was given, and what a request made of it says.
"""

import json
import sys

import flask
from werkzeug.middleware.proxy_fix import ProxyFix

KEYS = "REMOTE_ADDR wsgi.url_scheme HTTP_HOST SERVER_NAME SERVER_PORT SCRIPT_NAME".split()
ATTRIBUTES = "host url root_url root_path scheme is_secure".split()


def answer(trusted, environ):
    seen = {}

    def app(environ, start_response):
        request = flask.Request(environ)
        seen["environ"] = {key: environ.get(key) for key in KEYS}
        seen["orig"] = environ["werkzeug.proxy_fix.orig"]
        seen["request"] = {}
        for name in ATTRIBUTES:
            try:
                seen["request"][name] = getattr(request, name)
            except Exception as error:
                seen["request"][name] = {"error": type(error).__name__}
        return []

    environ |= {"REQUEST_METHOD": "GET", "PATH_INFO": "/p", "QUERY_STRING": ""}
    ProxyFix(app, **trusted)(environ, None)
    return seen


for line in sys.stdin:
    print(json.dumps(answer(**json.loads(line))), flush=True)
