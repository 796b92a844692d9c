"""Answers scenarios with real Flask: JSON lines on stdin, JSON lines on stdout.

The Python that runs this file decides what it gives:

* Flask 3.1.3 gives the responses and the events that Carafe has to match;
* Flask 1.1.4 gives its own responses and events, so that a comparison knows where it agrees with 3.1.3, and the
  `stages` of the lifecycle.

Read next: `scenario_app.py` (how a scenario becomes a Flask app), `stages.py` (how stages are seen).
"""

import contextvars
import datetime
import io
import json
import logging
import sys
import warnings
from urllib.parse import unquote_to_bytes, urlsplit

import freezegun
from flask import has_app_context, has_request_context

from scenario_app import HAS_STAGES, build_app
from stages import StageRecorder

EPOCH = datetime.datetime(1970, 1, 1)
DEFAULT_NOW = 1700000000


class Clock:
    """One freeze for the whole process, moved to where a request wants it.

    Starting freezegun walks through every attribute of every loaded module (about 50 ms), moving a frozen clock is an
    addition. So it starts once, after all imports, and never stops.
    """

    def __init__(self):
        self._frozen = freezegun.freeze_time(EPOCH).start()

    def set(self, unix_seconds):
        self._frozen.move_to(EPOCH + datetime.timedelta(seconds=unix_seconds))


class Jar:
    """The client's cookies: raw values by name, nothing of a browser's rules but `Max-Age=0`."""

    def __init__(self):
        self._cookies = {}

    def clear(self):
        self._cookies.clear()

    def put(self, cookies):
        self._cookies.update((wsgi_text(name), wsgi_text(value)) for name, value in cookies.items())

    def store(self, set_cookie):
        pair, *attributes = set_cookie.split(";")
        name, _, value = pair.partition("=")
        if any(attribute.strip().lower() == "max-age=0" for attribute in attributes):
            self._cookies.pop(name, None)
        else:
            self._cookies[name] = value

    def header(self):
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())


def wsgi_text(text):
    """A header or path as WSGI carries it: each byte of its UTF-8 is one character."""
    return text.encode().decode("latin-1")


def make_environ(request, jar):
    """The WSGI environ of a request, as a server would build it.

    Werkzeug's `EnvironBuilder` is not used: its two versions differ, and it reads a path that starts with `//` as
    another host.
    """
    base = urlsplit(request.get("base_url", "http://localhost"))
    path, _, query = request["path"].partition("?")
    body = request.get("body")
    environ = {
        "REQUEST_METHOD": request.get("method", "GET"),
        "SCRIPT_NAME": unquote_to_bytes(base.path.rstrip("/")).decode("latin-1"),
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": wsgi_text(query),
        "SERVER_NAME": base.hostname,
        "SERVER_PORT": str(base.port or (443 if base.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": host_header(base),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": base.scheme,  # in lower case
        "wsgi.input": io.BytesIO((body or "").encode()),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if body is not None:
        environ["CONTENT_LENGTH"] = str(len(body.encode()))
    environ.update(header_variables(request, jar))
    return environ


def host_header(base):
    """The Host of a base URL as Werkzeug 3's client writes it: in lower case, in ASCII, no empty port."""
    if base.query or base.fragment:
        raise ValueError("base url must not contain a query string or fragment")
    host = base.hostname.encode("idna").decode("ascii")
    if ":" in host:
        host = f"[{host}]"
    if base.port is not None:
        host += f":{base.port}"
    user, at, _ = base.netloc.rpartition("@")
    return user + at + host


def header_variables(request, jar):
    """A request's headers, its content type and its cookies under their CGI names."""
    headers = {}
    for name, value in request.get("headers", []):
        headers.setdefault(name.upper().replace("-", "_"), []).append(wsgi_text(value))
    headers.pop("CONTENT_LENGTH", None)
    content_type = headers.pop("CONTENT_TYPE", [None])[0]
    cookies = headers.pop("COOKIE", [])
    if request.get("cookies", True) and jar.header():
        cookies.insert(0, jar.header())

    variables = {f"HTTP_{name}": ", ".join(values) for name, values in headers.items()}
    content_type = request.get("content_type", content_type)
    if content_type is not None:
        variables["CONTENT_TYPE"] = content_type
    if cookies:
        variables["HTTP_COOKIE"] = "; ".join(cookies)
    return variables


def call_wsgi(app, environ):
    """Calls the app as a server does; gives (status, headers, body)."""
    started = []

    def start_response(status, headers, exc_info=None):
        started[:] = [int(status.split()[0]), headers]

    chunks = app(environ, start_response)
    try:
        body = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    return (*started, body)


def run_request(app, log, request, jar, wants_stages):
    """One request's result."""
    environ = make_environ(request, jar)
    stages = StageRecorder()
    log.events = []
    try:
        if wants_stages:
            with stages:
                status, headers, body = call_wsgi(app, environ)
        else:
            status, headers, body = call_wsgi(app, environ)
    except Exception as error:
        result = {"propagated": type(error).__name__}
    else:
        log("contexts_after", has_app_context(), has_request_context())
        for name, value in headers:
            if name.lower() == "set-cookie":
                jar.store(value)
        result = {"status": status, "headers": headers, "body": body.decode(errors="replace")}
    result["events"] = log.events
    if wants_stages:
        result["stages"] = stages.stages
    return result


def run_scenario(scenario, clock):
    """A scenario's result."""
    app, log = build_app(scenario)
    now = scenario.get("now", DEFAULT_NOW)
    wants_stages = HAS_STAGES and scenario.get("stages", False)
    jar = Jar()
    responses = []
    for request in scenario.get("requests", []):
        now += request.get("advance", 0)
        clock.set(now)
        if request.get("drop_cookies"):
            jar.clear()
        jar.put(request.get("set_jar", {}))
        responses.append(run_request(app, log, request, jar, wants_stages))
    return {"id": scenario.get("id"), "responses": responses}


def answer(line, clock):
    """The result of one line, whatever the line is."""
    scenario_id = None
    try:
        scenario = json.loads(line)
        scenario_id = scenario.get("id")
        # A context of its own, so that a Flask context that one scenario leaks is not seen by the next.
        return contextvars.copy_context().run(run_scenario, scenario, clock)
    except Exception as error:
        return {"id": scenario_id, "error": f"{type(error).__name__}: {error}"}


def main():
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    sys.stdin.reconfigure(encoding="utf-8")
    clock = Clock()
    for line in sys.stdin:
        if line.strip():
            print(json.dumps(answer(line, clock)), flush=True)


if __name__ == "__main__":
    main()
