"""Flask-Session's part in benches/stores.rs: flask_peer.py redis|memcached|cachelib|sqlalchemy|mongodb URL

Reads a number from each line, makes so many requests to the app's wsgi_app, and prints the nanoseconds of each.
"""

import sys
import time
import warnings

from flask import Flask, session
from flask_session import Session
from werkzeug.test import EnvironBuilder

warnings.simplefilter("ignore")


def client(kind, url):
    """What SESSION_REDIS and the like are set to."""
    if kind == "redis":
        import redis

        return redis.Redis.from_url(url)
    if kind == "memcached":
        from pymemcache.client.base import Client

        # By default it does not wait until a session is stored, and Carafe does.
        return Client(url, default_noreply=False)
    if kind == "cachelib":
        from cachelib import FileSystemCache

        return FileSystemCache(url)
    if kind == "mongodb":
        import pymongo

        # A server by itself acknowledges what is in its memory only, unless it is asked, as Carafe does.
        return pymongo.MongoClient(url, journal=True, directConnection=True)
    from flask_sqlalchemy import SQLAlchemy

    return SQLAlchemy()


def make_app(kind, url):
    app = Flask("bench")
    app.config.update({"SESSION_TYPE": kind, f"SESSION_{kind.upper()}": client(kind, url)})
    if kind == "sqlalchemy":
        app.config["SQLALCHEMY_DATABASE_URI"] = url
        app.config["SESSION_SQLALCHEMY"].init_app(app)
    Session(app)

    @app.get("/login")
    def login():
        session["count"] = 41
        session["username"] = "jack"
        return "welcome"

    @app.get("/counter")
    def counter():
        session["count"] = session.get("count", 0) + 1
        return f"visit {session['count']}"

    return app


def request(app, environ):
    """One request, to the last byte of the answer."""
    answer = []
    body = app.wsgi_app(environ, lambda status, headers, exc_info=None: answer.append((status, headers)))
    text = b"".join(body)
    body.close()
    return answer[0], text


def main():
    app = make_app(*sys.argv[1:])
    (_, headers), _ = request(app, EnvironBuilder(path="/login").get_environ())
    cookie = dict(headers)["Set-Cookie"].split(";")[0]
    expected = 41
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            environ = EnvironBuilder(path="/counter", headers={"Cookie": cookie}).get_environ()
            begin = time.perf_counter_ns()
            _, text = request(app, environ)
            times.append(time.perf_counter_ns() - begin)
            expected += 1
            assert text == f"visit {expected}".encode(), text
        print(*times, flush=True)


main()
