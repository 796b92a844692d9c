"""What the ops of a scenario's functions do, one method each, and the events that they log.

Works on Flask 3.1.3 and on Flask 1.1.4. Read next: `scenario_app.py`, which calls this from inside of an app.
"""

import base64
import copy
import datetime
import uuid

import flask
from flask import g, request, session
from werkzeug.http import http_date


class AppError(Exception):
    """One of the three unrelated application errors."""


class DbError(Exception):
    """Another."""


class AuthError(Exception):
    """The third."""


APPLICATION_ERRORS = {"AppError": AppError, "DbError": DbError, "AuthError": AuthError}


class Log:
    """The events of the current request."""

    def __init__(self):
        self.events = []

    def __call__(self, *event):
        self.events.append(plain(event))


def plain(value):
    """A copy of a value as JSON can hold it (the copy matters: the app may change the value later)."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        return http_date(value)
    if isinstance(value, uuid.UUID) or hasattr(value, "__html__"):
        return str(value)
    return value


class Returned:
    """What a `return` op gave: wrapped, because it may be None."""

    def __init__(self, value):
        self.value = value


class Ops:
    """Runs the ops of one call of a function.

    `response` is what after functions work on, `view_args` what a url_value_preprocessor works on. Each `op_` method is
    one op; the ones that return from the function give a `Returned`, the others None.
    """

    def __init__(self, functions, response=None, view_args=None):
        self.functions = functions
        self.app = functions.app
        self.log = functions.log
        self.response = response
        self.view_args = view_args

    def run(self, ops):
        for op in ops:
            # An op without arguments may be its bare name.
            name, *arguments = [op] if isinstance(op, str) else op
            returned = getattr(self, f"op_{name}")(*arguments)
            if returned is not None:
                return returned
        return None

    # The session and g

    def op_session_set(self, key, value):
        # A copy: flash() appends to the list that it finds in the session, and the scenario must not change.
        session[key] = copy.deepcopy(value)

    def op_session_get(self, key):
        self.log("session", key, session.get(key))

    def op_session_pop(self, key):
        session.pop(key, None)

    def op_session_clear(self):
        session.clear()

    def op_session_permanent(self, permanent):
        session.permanent = permanent

    def op_session_touch(self):
        session.modified = True

    def op_session_all(self):
        self.log("session_all", dict(session))

    def op_g_set(self, key, value):
        setattr(g, key, value)

    def op_g_get(self, key):
        self.log("g", key, g.get(key))

    def op_g_pop(self, key):
        self.log("g", key, g.pop(key, None))

    def op_flash(self, message, category="message"):
        flask.flash(message, category)

    def op_get_flashed(self, categories=()):
        self.log("flashed", flask.get_flashed_messages(with_categories=True, category_filter=categories))

    # Answers

    def op_abort(self, code):
        flask.abort(code)

    def op_raise(self, type_name, message=""):
        raise APPLICATION_ERRORS[type_name](message)

    def op_return(self, body, status=None, headers=None):
        if headers is not None:
            pairs = headers if isinstance(headers, dict) else [tuple(pair) for pair in headers]
            return Returned((body, status, pairs))
        return Returned(body if status is None else (body, status))

    def op_return_json(self, value):
        return Returned(flask.jsonify(value))

    def op_redirect(self, location, code=302):
        return Returned(flask.redirect(location, code))

    # The response, in after functions

    def op_set_header(self, name, value):
        self.response.headers[name] = value

    def op_set_status(self, status):
        self.response.status_code = status

    def op_set_cookie(self, name, value, options=None):
        self.response.set_cookie(name, value, **(options or {}))

    def op_delete_cookie(self, name):
        self.response.delete_cookie(name)

    def op_after_this_request(self, function):
        flask.after_this_request(self.functions.after(function))

    # What the app can ask

    def op_url_for(self, endpoint, values=None):
        try:
            url = flask.url_for(endpoint, **(values or {}))
        except Exception:  # BuildError, or any other reason why it cannot be built
            url = None
        self.log("url", url)

    def op_request(self, attribute, key=None):
        if attribute in KEYED_ATTRIBUTES:
            value = KEYED_ATTRIBUTES[attribute](key)
        elif attribute in COMPUTED_ATTRIBUTES:
            value = COMPUTED_ATTRIBUTES[attribute]()
        else:
            value = getattr(request, attribute)
        self.log("request", attribute, value)

    def op_contexts(self):
        self.log("contexts", flask.has_app_context(), flask.has_request_context())

    def op_app_context(self, ops):
        with self.app.app_context():
            return self.run(ops)

    def op_request_context(self, path, ops):
        with self.app.test_request_context(path):
            return self.run(ops)

    def op_pop_value(self, key):
        if self.view_args is not None:  # None where no rule matched
            self.view_args.pop(key, None)


KEYED_ATTRIBUTES = {
    "args": lambda key: request.args.get(key),
    "args_list": lambda key: request.args.getlist(key),
    "form": lambda key: request.form.get(key),
    "cookies": lambda key: request.cookies.get(key),
    "header": lambda key: request.headers.get(key),
}


def request_blueprints():
    """`request.blueprints`, which Flask 1.1.4 does not have; there a blueprint has no parents."""
    if hasattr(request, "blueprints"):
        return request.blueprints
    return [] if request.blueprint is None else [request.blueprint]


COMPUTED_ATTRIBUTES = {
    "blueprints": request_blueprints,
    "url_rule": lambda: request.url_rule and request.url_rule.rule,
    "json": lambda: request.get_json(silent=True),
    "data": lambda: request.data.decode(errors="replace"),
}

SIMPLE_ATTRIBUTES = (
    "endpoint path full_path method blueprint view_args url base_url url_root script_root host scheme is_secure is_json"
    " mimetype"
).split()


NESTED_OPS = {
    "app_context": lambda ops: ops,
    "request_context": lambda path, ops: ops,
    "after_this_request": lambda fn: fn.get("ops", []),
}


def check(description):
    """Refuses a scenario with an op or an attribute that nobody knows, before any request runs.

    (At run time it would be one more unhandled error of the app.)
    """
    if isinstance(description, list):
        for item in description:
            check(item)
    elif isinstance(description, dict):
        check_ops(description.get("ops", []))
        for key, value in description.items():
            if key not in ("ops", "defaults"):
                check(value)


def check_ops(ops):
    for op in ops:
        name, *arguments = [op] if isinstance(op, str) else op
        if not hasattr(Ops, f"op_{name}"):
            raise ValueError(f"unknown op {name!r}")
        if name == "request" and not any(
            arguments[0] in known for known in (KEYED_ATTRIBUTES, COMPUTED_ATTRIBUTES, SIMPLE_ATTRIBUTES)
        ):
            raise ValueError(f"unknown request attribute {arguments[0]!r}")
        if name == "raise" and arguments[0] not in APPLICATION_ERRORS:
            raise ValueError(f"unknown error type {arguments[0]!r}")
        if name in NESTED_OPS:
            check_ops(NESTED_OPS[name](*arguments))
