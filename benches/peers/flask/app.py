"""Flask with its own session: JSON in a cookie, signed (HMAC-SHA1, itsdangerous). Served by gunicorn, with two workers.

As Flask's and gunicorn's documentation have it. Workers with threads, because only they keep a connection open for the next
request, and because the others would leave 30 of 32 waiting requests in the queue; with one thread per worker a request costs
the same.
"""

import time

from flask import Flask, session

app = Flask(__name__)
app.secret_key = b"sixty-four bytes that only a benchmark would call a secret key.."


@app.get("/login")
def login():
    session["n"] = 41
    session["username"] = "jack"
    return "welcome"


@app.get("/counter")
def counter():
    session["n"] += 1
    return f"{session['username']} {session['n']}"


@app.get("/hello")
def hello():
    return "Hello, World!"


@app.get("/sleep/<int:ms>")
def sleep(ms):
    time.sleep(min(ms, 10_000) / 1000)
    return "slept"
