"""Records what the Flask of the Python that runs it does on some visits; prints it as JSON.

What is a step of a trace, by one rule for all Flasks:

- stage: a call of a method of the app, of a context or of the session interface, inside of `wsgi_app`, where
  - the method is Flask's own code,
  - it is public (or a context's `__init__`) and no property,
  - it is not one of HELPERS: these only answer a question of the function that calls them, or do a part of its work.
  It has the name of its object's class, wherever that inherits it from: `Flask.make_response`.
- hook: a call of a function of the app in `tutorial.py`.
- signal: a signal that Flask sends; its line is the one that sends it.

The depth of a step is the number of steps that it is inside of; `raises` is there where an error left it. All
else that runs is left out. The list is of what is left out and not of what is shown, so that a method which is
new in some Flask is seen.
"""

import inspect
import io
import json
import logging
import opcode
import os
import sys

import flask
from flask import signals
from flask.ctx import AppContext, RequestContext
from flask.sessions import SessionInterface
from freezegun import freeze_time
from werkzeug.test import EnvironBuilder, run_wsgi_app

import tutorial

HELPERS = """
    ensure_sync log_exception raise_routing_exception trap_http_exception
    is_null_session get_signing_serializer should_set_cookie get_expiration_time
    get_cookie_name get_cookie_domain get_cookie_path get_cookie_secure get_cookie_httponly get_cookie_samesite
    get_cookie_partitioned
""".split()

OWNERS = (flask.Flask, AppContext, RequestContext, SessionInterface)
PACKAGES = os.path.dirname(os.path.dirname(flask.__file__)) + os.sep
FLASK = os.path.dirname(flask.__file__) + os.sep
RETURNS = {opcode.opmap[name] for name in ("RETURN_VALUE", "RETURN_CONST") if name in opcode.opmap}

# A minute passes between two visits.
START = "2023-11-14 22:13:20"

# A visit's title, its request, and which app and which browser it is with.
VISITS = [
    ("first visit", "POST", "/login", {"username": "jack"}, "app", "jack"),
    ("returning visit", "GET", "/", None, "app", "jack"),
    ("view error", "GET", "/fail", None, "app", "jack"),
    ("HTTP error", "GET", "/nowhere", None, "app", "jack"),
    ("failing after_request", "POST", "/login", {"username": "jack"}, "broken app", "jill"),
    ("visit of a stranger", "GET", "/", None, "app", "stranger"),
]


class Recorder:
    """While entered, collects the steps."""

    def __init__(self):
        self.steps = []
        self._inside = []  # the frames of the steps that run, each with its step
        self._stages = {}  # a code object's id, with its function's name or None
        self._hooks = {id(hook.__code__): (kind, hook) for hook, kind in tutorial.HOOKS.items()}

    def __enter__(self):
        sys.setprofile(self._see)

    def __exit__(self, *error):
        sys.setprofile(None)

    def _see(self, frame, event, argument):
        if event == "call":
            step = self._step(frame)
            if step is not None:
                self.steps.append(step)
                self._inside.append((frame, step))
        elif event == "return" and self._inside and self._inside[-1][0] is frame:
            _, step = self._inside.pop()
            # An error that leaves a function comes as a return too, from an instruction that is none.
            if argument is None and frame.f_code.co_code[frame.f_lasti] not in RETURNS:
                step["raises"] = True

    def _step(self, frame):
        code = frame.f_code
        if id(code) in self._hooks:
            kind, hook = self._hooks[id(code)]
            name = "{} {}".format(kind, hook.__name__)
            return self._made(name, "hook", "tests/eras/tutorial.py", code.co_firstlineno)
        if not code.co_filename.startswith(FLASK) or not code.co_argcount:
            return None
        owner = frame.f_locals.get(code.co_varnames[0])
        if not isinstance(owner, OWNERS) or not self._is_stage(type(owner), code):
            return None
        name = "{}.{}".format(type(owner).__name__, code.co_name)
        return self._made(name, "stage", code.co_filename[len(PACKAGES) :], code.co_firstlineno)

    def _is_stage(self, cls, code):
        name = code.co_name
        if not self._inside and name != "wsgi_app":
            return False
        if name in HELPERS or name.startswith("_") and name != "__init__":
            return False
        method = inspect.getattr_static(cls, name, None)
        return inspect.isfunction(method) and inspect.unwrap(method).__code__ is code

    def signal(self, name):
        """A receiver that notes the signal."""

        def receive(sender, **extra):
            frame = sys._getframe(1)
            while not frame.f_code.co_filename.startswith(FLASK) or frame.f_code.co_name == "send":
                frame = frame.f_back
            file = frame.f_code.co_filename[len(PACKAGES) :]
            self.steps.append(self._made(name, "signal", file, frame.f_lineno))

        return receive

    def _made(self, name, kind, file, line):
        return {"depth": len(self._inside), "name": name, "kind": kind, "file": file, "line": line}


def signals_of_flask():
    """Flask's own, by name. Their class is not the same in all of these Flasks."""
    found = vars(signals).items()
    return {name: value for name, value in found if hasattr(value, "connect") and hasattr(value, "send")}


def record():
    logging.disable(logging.CRITICAL)
    apps = {"app": tutorial.create_app(), "broken app": tutorial.create_app(broken=True)}
    recorder = Recorder()
    receivers = {name: recorder.signal(name) for name in signals_of_flask()}
    for name, signal in signals_of_flask().items():
        signal.connect(receivers[name])

    scenes = []
    cookies = {}  # what each browser holds
    with freeze_time(START) as clock:
        for title, method, path, form, app, browser in VISITS:
            recorder.steps = []
            builder = EnvironBuilder(path=path, method=method, data=form, errors_stream=io.StringIO())
            environ = builder.get_environ()
            if browser in cookies:
                environ["HTTP_COOKIE"] = cookies[browser]
            with recorder:
                body, status, headers = run_wsgi_app(apps[app], environ, buffered=True)
            for value in headers.getlist("Set-Cookie"):
                cookies[browser] = value.split(";")[0]
            request = "{} {}".format(method, path)
            if form:
                request += "".join(" {}={}".format(*pair) for pair in form.items())
            scenes.append(
                {
                    "scene": title,
                    "request": request,
                    "status": status,
                    "headers": [list(pair) for pair in headers.items()],
                    "body": b"".join(body).decode(),
                    "steps": recorder.steps,
                }
            )
            clock.tick(60)
    return scenes


if __name__ == "__main__":
    json.dump(record(), sys.stdout)
