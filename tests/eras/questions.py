"""Asks the Flask of the Python that runs it what an app's author would notice; prints the answers as JSON.

Each question is a function with an app of its own, and its first line is the question.
"""

import json
import logging
import sys

from flask import Blueprint, Flask, Response, current_app, redirect, session, stream_with_context
from werkzeug.routing import BaseConverter


def make_app():
    app = Flask("question", static_folder=None)
    app.config["SECRET_KEY"] = "adavafa"
    return app


def login():
    session["username"] = "jack"
    return "welcome"


def converter():
    """A URL converter asks for current_app. What does it get?"""
    app = make_app()

    class Named(BaseConverter):
        def to_python(self, value):
            return current_app.name

    app.url_map.converters["named"] = Named
    app.route("/<named:name>")(lambda name: "the app {}".format(name))
    try:
        return app.test_client().get("/any").get_data(as_text=True)
    except RuntimeError as error:
        return "RuntimeError: {}".format(str(error).split("\n")[0])


def handler_of_500():
    """A view raises ValueError. What does errorhandler(500) get?"""
    app = make_app()

    def view():
        raise ValueError("seven")

    def handler(error):
        original = getattr(error, "original_exception", None)
        behind = " with original_exception {}".format(type(original).__name__) if original else ""
        return type(error).__name__ + behind

    app.route("/")(view)
    app.errorhandler(500)(handler)
    return app.test_client().get("/").get_data(as_text=True)


def returned(value):
    app = make_app()
    app.route("/")(lambda: value)
    response = app.test_client().get("/")
    return "{}, {}".format(response.status, response.headers["Content-Type"].split(";")[0])


def dict_returned():
    """A view returns a dict. What is sent?"""
    return returned({"a": 1})


def list_returned():
    """A view returns a list. What is sent?"""
    return returned([1])


def location():
    """A view redirects to /login. What is the Location?"""
    app = make_app()
    app.route("/")(lambda: redirect("/login"))
    return app.test_client().get("/").headers["Location"]


def teardown_order():
    """A blueprint and the app have a teardown function each. In which order do they run?"""
    app, blueprint, ran = make_app(), Blueprint("shop", "shop"), []
    blueprint.route("/")(lambda: "x")
    blueprint.teardown_request(lambda error: ran.append("the blueprint's"))
    app.teardown_request(lambda error: ran.append("the app's"))
    app.register_blueprint(blueprint)
    app.test_client().get("/")
    return ", then ".join(ran)


def teardown_of_stream():
    """A view streams with stream_with_context. How often does a teardown function run?"""
    app, ran = make_app(), []
    app.route("/")(lambda: Response(stream_with_context(iter(["a", "b"]))))
    app.teardown_request(lambda error: ran.append(error))
    app.test_client().get("/").get_data()
    return {1: "once", 2: "twice"}[len(ran)]


def teardown_of_client():
    """A test asks a page inside of `with client:`. When does a teardown function run?"""
    app, ran = make_app(), []
    app.route("/")(lambda: "x")
    app.teardown_request(lambda error: ran.append(error))
    with app.test_client() as client:
        client.get("/")
        inside = len(ran)
    return {(0, 1): "at the end of the block", (1, 2): "at once, and again at the end of the block"}[inside, len(ran)]


def late_route():
    """A route is added after the first request. What happens?"""
    app = make_app()
    app.route("/")(lambda: "x")
    app.test_client().get("/")
    try:
        app.add_url_rule("/late", "late", lambda: "late")
    except AssertionError:
        return "AssertionError"
    return "/late answers {}".format(app.test_client().get("/late").status)


def other_host():
    """SERVER_NAME is shop.example, and a request comes for other.example. What is sent?"""
    app = make_app()
    app.config["SERVER_NAME"] = "shop.example"
    app.route("/")(lambda: "x")
    return app.test_client().get("/", base_url="http://other.example").status


def key_in_session():
    """A view asks only `"username" in session`. Which Vary is sent?"""
    app = make_app()
    app.route("/")(lambda: str("username" in session))
    return app.test_client().get("/").headers.get("Vary", "none")


def deletion():
    """A view clears the session. What deletes the cookie?"""
    app = make_app()

    def view():
        session.clear()
        return "bye"

    app.route("/")(view)
    app.route("/login")(login)
    client = app.test_client()
    client.get("/login")
    return client.get("/").headers["Set-Cookie"].split("; ", 2)[2]


def rotated_key():
    """The key of a cookie is in SECRET_KEY_FALLBACKS now. Is the session opened?"""
    app = make_app()
    app.route("/login")(login)
    app.route("/")(lambda: "yes" if "username" in session else "no, it is empty")
    client = app.test_client()
    client.get("/login")
    app.config["SECRET_KEY"] = "the new one"
    app.config["SECRET_KEY_FALLBACKS"] = ["adavafa"]
    return client.get("/").get_data(as_text=True)


QUESTIONS = [
    converter,
    handler_of_500,
    dict_returned,
    list_returned,
    location,
    teardown_order,
    teardown_of_client,
    late_route,
    deletion,
    other_host,
    rotated_key,
    key_in_session,
    teardown_of_stream,
]

if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    json.dump([[question.__doc__, question()] for question in QUESTIONS], sys.stdout)
