"""The app of examples/lifecycle/tutorial.rs, written for every Flask from 1.0 on.

The functions have the names and the order that they have there. Only one of them depends on the Flask
that runs it: `before_first_request` left in Flask 2.3.
"""

from flask import Flask, after_this_request, g, request, session

SECRET_KEY = "adavafa"


def create_app(broken=False):
    """The app; a `broken` one has an after_request function more, which fails."""
    app = Flask("tutorial", static_folder=None)
    app.config["SECRET_KEY"] = SECRET_KEY

    if hasattr(app, "before_first_request"):
        app.before_first_request(create_tables)
    app.url_value_preprocessor(count_args)
    app.before_request(load_user)
    app.route("/")(index)
    app.route("/login", methods=["POST"])(login)
    app.route("/fail")(fail)
    app.errorhandler(500)(apologize)
    if broken:
        app.after_request(break_down)
    app.after_request(add_header)
    app.teardown_request(close_cursor)
    app.teardown_appcontext(close_database)
    return app


def create_tables():
    pass


def count_args(_endpoint, args):
    g.args = len(args or ())


def load_user():
    if "username" in session:
        g.user = session["username"]


def index():
    if "user" in g:
        return "Hello, {}!".format(g.user)
    return "You are not logged in."


def login():
    name = request.form["username"]
    session["username"] = name
    after_this_request(welcome)
    return "Welcome, {}!".format(name)


def welcome(response):
    response.headers["X-Welcome"] = "yes"
    return response


def fail():
    int("seven")
    return "never said"


def apologize(_error):
    return "Something went wrong. It is not your fault.", 500


def break_down(response):
    raise RuntimeError("the header cannot be made")


def add_header(response):
    response.headers["X-App"] = "tutorial"
    return response


def close_cursor(_error):
    pass


def close_database(_error):
    pass


# How each function is registered, which a trace says before its name.
HOOKS = {
    create_tables: "before_first_request",
    count_args: "url_value_preprocessor",
    load_user: "before_request",
    index: "view",
    login: "view",
    fail: "view",
    apologize: "errorhandler",
    welcome: "after_this_request",
    break_down: "after_request",
    add_header: "after_request",
    close_cursor: "teardown_request",
    close_database: "teardown_appcontext",
}
