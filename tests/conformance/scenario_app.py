"""Builds the Flask app that a scenario describes, on Flask 3.1.3 and on Flask 1.1.4.

`build_app` registers everything; `Functions` makes a Python function out of each *fn*; `Ops` runs what they do.
The names are those of `conformance.md`. Where the two Flasks differ, the difference is a line here with its reason.
"""

import base64
import copy
import datetime
import hashlib
import uuid

import flask
from flask import Blueprint, Flask, g, request, session
from flask.sessions import SecureCookieSessionInterface
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date

# `before_first_request` left Flask in 2.3, together with the stages of old.
HAS_STAGES = hasattr(Flask, "try_trigger_before_first_request_functions")

SIGNALS = (
    "appcontext_pushed request_started request_finished got_request_exception request_tearing_down"
    " appcontext_tearing_down appcontext_popped message_flashed"
).split()


class AppError(Exception):
    """One of the three unrelated application errors."""


class DbError(Exception):
    """Another."""


class AuthError(Exception):
    """The third."""


APPLICATION_ERRORS = {"AppError": AppError, "DbError": DbError, "AuthError": AuthError}
ERROR_CLASSES = {**APPLICATION_ERRORS, "HTTPException": HTTPException, "Exception": Exception}


class ModernFlask(Flask):
    """Flask 3.1.3 with the `before_first_request` of Flask 1.1.4 to 2.2.5.

    Those ran it at the very start of `full_dispatch_request`, outside the `try` that leads to `handle_user_exception`,
    and noted that it was done once all functions had succeeded.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._first_request_functions = []
        self._first_request_functions_succeeded = False

    def before_first_request(self, function):
        self._first_request_functions.append(function)

    def full_dispatch_request(self):
        if not self._first_request_functions_succeeded:
            for function in self._first_request_functions:
                function()
            self._first_request_functions_succeeded = True
        return super().full_dispatch_request()


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


def error_type(error):
    """An error's type by name, or None."""
    return None if error is None else type(error).__name__


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
        for name, *arguments in ops:
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
            pairs = headers.items() if isinstance(headers, dict) else headers
            return Returned((body, status, [tuple(pair) for pair in pairs]))
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


class Functions:
    """Makes the Python function of each *fn*, by the kind of place that it is registered at."""

    def __init__(self, app, log):
        self.app = app
        self.log = log

    def _value(self, fn, **scope):
        """What a function without arguments of its own returns: None, unless an op says otherwise."""
        returned = Ops(self, **scope).run(fn.get("ops", []))
        return returned and returned.value

    def before(self, fn):
        def before():
            self.log("call", fn["name"])
            return self._value(fn)

        return before

    def view(self, fn):
        def view(**view_args):
            self.log("call", fn["name"])
            if view_args:
                self.log("view_args", view_args)
            return self._value(fn)

        return view

    def after(self, fn):
        def after(response):
            self.log("call", fn["name"], response.status_code)
            returned = Ops(self, response=response).run(fn.get("ops", []))
            return response if returned is None else returned.value

        return after

    def teardown(self, fn):
        def teardown(error):
            self.log("call", fn["name"], error_type(error))
            self._value(fn)

        return teardown

    def error_handler(self, fn):
        def error_handler(error):
            if isinstance(error, HTTPException):
                original = getattr(error, "original_exception", None)
                self.log("call", fn["name"], error.code, error_type(original))
            else:
                self.log("call", fn["name"], error_type(error))
            return self._value(fn)

        return error_handler

    def url_value_preprocessor(self, fn):
        def url_value_preprocessor(endpoint, view_args):
            self.log("call", fn["name"])
            self.log("value", endpoint, view_args)
            self._value(fn, view_args=view_args)

        return url_value_preprocessor


SCAFFOLD_HOOKS = {
    "url_value_preprocessors": ("url_value_preprocessor", Functions.url_value_preprocessor),
    "before_request": ("before_request", Functions.before),
    "after_request": ("after_request", Functions.after),
    "teardown_request": ("teardown_request", Functions.teardown),
}
APP_HOOKS = {
    "before_first_request": ("before_first_request", Functions.before),
    "teardown_appcontext": ("teardown_appcontext", Functions.teardown),
}
BLUEPRINT_HOOKS = {
    "before_app_request": ("before_app_request", Functions.before),
    "after_app_request": ("after_app_request", Functions.after),
    "teardown_app_request": ("teardown_app_request", Functions.teardown),
}


def register_hooks(owner, description, functions, hooks):
    """Registers the functions that a description lists, in its order."""
    for key, (method, make) in hooks.items():
        for fn in description.get(key, []):
            getattr(owner, method)(make(functions, fn))


def register_scaffold(owner, description, functions):
    """Registers what an app and a blueprint have in common."""
    register_hooks(owner, description, functions, SCAFFOLD_HOOKS)
    for fn in description.get("error_handlers", []):
        owner.register_error_handler(handled(fn), functions.error_handler(fn))
    views = {}
    for fn in description.get("routes", []):
        # A second rule of the same name goes to the first one's function, as stacked `route` decorators do.
        view = views.setdefault(fn["name"], functions.view(fn))
        options = {key: fn[key] for key in ("methods", "defaults", "strict_slashes") if key in fn}
        owner.add_url_rule(fn["rule"], fn["name"], view, **options)


def handled(fn):
    """What an error handler is registered for: a status code or an exception class."""
    return ERROR_CLASSES.get(fn["on"], fn["on"])


def make_blueprint(description, functions):
    """A blueprint and, on a Flask that has them, the blueprints in it."""
    blueprint = Blueprint(description["name"], __name__, url_prefix=description.get("url_prefix"))
    register_scaffold(blueprint, description, functions)
    register_hooks(blueprint, description, functions, BLUEPRINT_HOOKS)
    for fn in description.get("app_error_handlers", []):
        blueprint.app_errorhandler(handled(fn))(functions.error_handler(fn))
    for nested in description.get("blueprints", []):
        # Flask 1.1.4 has no nested blueprints. Without them, the scenario's other requests can still be compared.
        if hasattr(blueprint, "register_blueprint"):
            blueprint.register_blueprint(make_blueprint(nested, functions))
    return blueprint


def session_interface(digest):
    """Flask's own session interface, signing with another hash."""

    class Interface(SecureCookieSessionInterface):
        digest_method = staticmethod(getattr(hashlib, digest))

    return Interface()


def connect_signals(app, log):
    """Logs every signal of the app."""

    def receiver(name):
        return lambda sender, **details: log("signal", name)

    for name in SIGNALS:
        getattr(flask, name).connect(receiver(name), app, weak=False)


def apply_config(app, config):
    app.config.update(config)
    if "PERMANENT_SESSION_LIFETIME" in config:
        lifetime = datetime.timedelta(seconds=config["PERMANENT_SESSION_LIFETIME"])
        app.config["PERMANENT_SESSION_LIFETIME"] = lifetime
    # Flask 1.1.4 in debug mode keeps a failed request's contexts for its debugger. 3.1.3 cannot, so neither shall it.
    app.config["PRESERVE_CONTEXT_ON_EXCEPTION"] = False


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
    for name, *arguments in ops:
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


def build_app(scenario):
    """A scenario's app, and the log that its functions and signals write to."""
    description = scenario.get("app", {})
    blueprints = scenario.get("blueprints", [])
    check([description, blueprints])

    app = (Flask if HAS_STAGES else ModernFlask)("scenario", static_folder=None)
    log = Log()
    functions = Functions(app, log)
    apply_config(app, scenario.get("config", {}))
    app.session_interface = session_interface(scenario.get("session_digest", "sha1"))
    register_scaffold(app, description, functions)
    register_hooks(app, description, functions, APP_HOOKS)
    for blueprint in blueprints:
        app.register_blueprint(make_blueprint(blueprint, functions))
    connect_signals(app, log)
    return app, log
