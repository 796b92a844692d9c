"""Answers for tests/test_client_oracle.rs what Flask's test client does.

One JSON object a line in: the answers that the app gives, one after the other, and what is asked of the client.
One a line out: for each of these what the client gave, and the requests that the app got meanwhile.
"""

import json
import sys

import flask
from werkzeug.test import ClientRedirectError

KEYS = "X-Shop Cookie Content-Type".split()


def make_app(answers, requests):
    app = flask.Flask("oracle", static_folder=None)

    @app.before_request
    def answer():
        request = flask.request
        headers = [request.headers.get(key) for key in KEYS]
        requests.append([request.method, request.url, request.script_root, *headers])
        given = answers.pop(0) if answers else {"status": 200, "headers": []}
        response = flask.Response("", given["status"])
        for name, value in given["headers"]:
            response.headers.add(name, value)
        return response

    return app


def visit(client, visit):
    follow = visit.pop("follow")
    try:
        response = client.open(follow_redirects=follow, **visit)
    except (RuntimeError, ValueError) as error:
        return {"error": type(error).__name__}
    except ClientRedirectError:
        return {"error": "RuntimeError"}  # as docs/differences.md has it
    history = [[r.status_code, r.headers["Location"], len(r.history)] for r in response.history]
    return {"status": response.status_code, "history": history}


def jar(client):
    return [[c.key, c.value, c.domain, c.path, c.origin_only] for c in client._cookies.values()]


for line in sys.stdin:
    case = json.loads(line)
    requests = []
    client = make_app(case["answers"], requests).test_client()
    seen = []
    for asked in case["visits"]:
        seen.append([visit(client, asked), jar(client), list(requests)])
        requests.clear()
    print(json.dumps(seen), flush=True)
