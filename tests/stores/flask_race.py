"""A Flask app with Flask-Session, and two requests on one session: recorded_races.rs asks for races.

The first line is the URL of a Redis. Every other line is a race: the path of a slow request, that of a
quick one which comes and goes while the slow one is in its view, and whether SESSION_REFRESH_EACH_REQUEST
is on. The answer is what both are answered, and what the session holds at the end.
"""

import json
import sys
import threading
import warnings

import redis
from flask import Flask, request, session
from flask_session import Session

warnings.simplefilter("ignore")
meeting = threading.Barrier(2)


def make_app(url):
    app = Flask("race")
    app.config.update(
        SESSION_TYPE="redis",
        SESSION_REDIS=redis.Redis.from_url(url),
        SESSION_PERMANENT=False,
    )
    Session(app)

    @app.before_request
    def in_the_view():
        if request.query_string == b"slow":
            meeting.wait()
            meeting.wait()

    @app.get("/look")
    def look():
        return f"{len(session)} things"

    @app.get("/set/<key>")
    def set_(key):
        session[key] = True
        return "set"

    @app.get("/logout")
    def logout():
        session.clear()
        return "bye"

    @app.get("/all")
    def all_():
        return json.dumps({key: value for key, value in session.items() if key != "_permanent"})

    return app


def race(app, slow, quick):
    browser = app.test_client()
    browser.get("/set/jack")
    cookie = {"Cookie": f"session={browser.get_cookie('session').value}"}

    def visit(path):
        return app.test_client(use_cookies=False).get(path, headers=cookie)

    answers = {}
    thread = threading.Thread(target=lambda: answers.update(slow=visit(f"{slow}?slow")))
    thread.start()
    meeting.wait()
    answers["quick"] = visit(quick)
    meeting.wait()
    thread.join()
    statuses = [answers["quick"].status_code, answers["slow"].status_code]
    return {"statuses": statuses, "session": visit("/all").text}


app = make_app(json.loads(sys.stdin.readline()))
print("{}", flush=True)
for line in sys.stdin:
    slow, quick, refresh = json.loads(line)
    app.config["SESSION_REFRESH_EACH_REQUEST"] = refresh
    print(json.dumps(race(app, slow, quick)), flush=True)
