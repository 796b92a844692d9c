"""Builds the Flask app that a scenario describes, on Flask 3.1.3 and on Flask 1.1.4.

`build_app` registers everything; `Functions` makes a Python function out of each *fn*; what its ops do is in
`scenario_ops.py`. The names are those of `format.md`. Where the two Flasks differ, the difference is a line here
with its reason.
"""

import datetime
import hashlib

import flask
from flask import Blueprint, Flask
from flask.sessions import SecureCookieSessionInterface
from werkzeug.exceptions import HTTPException

from scenario_ops import APPLICATION_ERRORS, Log, Ops, check

# `before_first_request` left Flask in 2.3, together with the stages of old.
HAS_STAGES = hasattr(Flask, "try_trigger_before_first_request_functions")

SIGNALS = (
    "appcontext_pushed request_started request_finished got_request_exception request_tearing_down"
    " appcontext_tearing_down appcontext_popped message_flashed"
).split()

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


def error_type(error):
    """An error's type by name, or None."""
    return None if error is None else type(error).__name__


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
