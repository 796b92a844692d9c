"""A Flask app with Flask-Session, which sharing.rs drives: one JSON line for each JSON line.

The first line is its config. Where Flask-Session takes a client object, the config has a URL, and the
client is made here. Every other line is a visit: a path and a cookie; the answer has the status, the
text, and what became of the cookie.
"""

import hashlib
import json
import sys
import warnings

import values
from flask import Flask, request, session
from flask_session import Session

warnings.simplefilter("ignore")


def client(config):
    """Puts the client objects where the config has URLs."""
    kind = config["SESSION_TYPE"]
    if kind == "redis":
        import redis

        url = config["SESSION_REDIS"]
        if not url.startswith("redis+cluster://"):
            config["SESSION_REDIS"] = redis.Redis.from_url(url)
    elif kind == "memcached":
        from pymemcache.client.base import Client
        from pymemcache.client.hash import HashClient

        servers = config["SESSION_MEMCACHED"]
        one = len(servers) == 1
        # By default it does not wait until memcached has stored a session, and another server may ask too soon.
        waits = {"default_noreply": False}
        config["SESSION_MEMCACHED"] = Client(servers[0], **waits) if one else HashClient(servers, **waits)
    elif kind == "cachelib":
        from cachelib import FileSystemCache

        options = config["SESSION_CACHELIB"]
        options["hash_method"] = getattr(hashlib, options["hash_method"])
        config["SESSION_CACHELIB"] = FileSystemCache(**options)
    elif kind == "mongodb":
        import pymongo

        config["SESSION_MONGODB"] = pymongo.MongoClient(config["SESSION_MONGODB"])
    elif kind == "sqlalchemy":
        from flask_sqlalchemy import SQLAlchemy

        config["SQLALCHEMY_DATABASE_URI"] = config["SESSION_SQLALCHEMY"]
        config["SESSION_SQLALCHEMY"] = SQLAlchemy()


def make_app(config):
    app = Flask("flask")
    app.secret_key = "adavafa"
    # What a test makes fail on purpose need not be told on its terminal.
    app.logger.disabled = config.pop("QUIET", False)
    client(config)
    app.config.update(config)
    if config["SESSION_TYPE"] == "sqlalchemy":
        config["SESSION_SQLALCHEMY"].init_app(app)
    Session(app)
    url = str(config.get("SESSION_REDIS"))
    if url.startswith("redis+cluster://"):
        import redis

        # Flask-Session passes over a client that is no redis.Redis, but takes one afterwards.
        host, port = url.removeprefix("redis+cluster://").split(",")[0].split(":")
        app.session_interface.client = redis.RedisCluster(host=host, port=int(port))

    @app.get("/")
    def hello():
        return "hello"

    @app.get("/permanent/<int:flag>")
    def permanent(flag):
        session.permanent = bool(flag)
        return "done"

    @app.get("/pop/<key>")
    def pop(key):
        return session.pop(key, "")

    @app.get("/get/<key>")
    def get(key):
        return session.get(key, "")

    @app.get("/set/<key>/<value>")
    def set_(key, value):
        session[key] = value
        return "set"

    @app.get("/login/<name>")
    def login(name):
        app.session_interface.regenerate(session)
        session["user"] = name
        return "welcome"

    @app.get("/logout")
    def logout():
        session.clear()
        return "bye"

    @app.get("/fill")
    def fill():
        values.fill(session, request.args.get("format", "msgpack"))
        return "filled"

    @app.get("/look")
    def look():
        items = {str(key): repr(value) for key, value in session.items()}
        return json.dumps(items, sort_keys=True)

    @app.get("/json")
    def json_():
        return json.dumps(dict(session), sort_keys=True)

    return app


def main():
    answers = sys.stdout
    sys.stdout = sys.stderr
    app = None
    for line in sys.stdin:
        question = json.loads(line)
        if app is None:
            app = make_app(question)
            answer = {"configured": True}
        else:
            flask = app.test_client(use_cookies=False)
            headers = {}
            if question["cookie"]:
                headers["Cookie"] = f"session={question['cookie']}"
            response = flask.get(question["path"], headers=headers)
            answer = {
                "status": response.status_code,
                "text": response.text,
                "set_cookie": response.headers.get("Set-Cookie"),
                "vary": response.headers.get("Vary"),
            }
        print(json.dumps(answer), file=answers, flush=True)


main()
