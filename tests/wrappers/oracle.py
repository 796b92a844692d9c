"""Answers questions about Werkzeug and Flask for tests/wrappers_oracle.rs.

One JSON object a line in ({"op": name, ...arguments}), one a line out: {"ok": answer} or {"err": type}.
"""

import datetime
import json
import sys
import warnings

import flask
import flask.testing
import werkzeug.exceptions
import werkzeug.http
import werkzeug.routing.exceptions
import werkzeug.sansio.http
import werkzeug.urls
import werkzeug.utils
from werkzeug.urls import _urlencode as urlencode

warnings.simplefilter("ignore")
app = flask.Flask("oracle")


class Clock(datetime.datetime):
    unix = 0

    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(cls.unix, tz)


werkzeug.http.datetime = Clock


def attempt(f):
    try:
        return f()
    except Exception as error:
        return {"error": type(error).__name__}


def dump_cookie(now, **arguments):
    Clock.unix = now
    return werkzeug.http.dump_cookie(**arguments)


def parse_cookie(header):
    return list(werkzeug.sansio.http.parse_cookie(header).items(multi=True))


def http_date(unix):
    return werkzeug.http.http_date(unix)


def parse_date(text):
    date = werkzeug.http.parse_date(text)
    return None if date is None else int(date.timestamp())


def parse_qsl(text):
    from urllib.parse import parse_qsl

    return parse_qsl(text, keep_blank_values=True, errors="werkzeug.url_quote")


def options_header(text):
    value, options = werkzeug.http.parse_options_header(text)
    return [value, list(options.items())]


def exception(code, description, extra):
    if extra == "redirect":
        error = werkzeug.routing.exceptions.RequestRedirect(description)
    elif extra in ("key", "show_key"):
        error = werkzeug.exceptions.BadRequestKeyError(description)
        error.show_exception = extra == "show_key"
    else:
        classes = werkzeug.exceptions.default_exceptions
        error = classes[code](description=description)
        if extra == "retry" and hasattr(error, "retry_after"):
            error.retry_after = 7
        if extra == "methods" and code == 405:
            error.valid_methods = ["GET", "HEAD"]
    return {
        "class": type(error).__name__,
        "name": error.name,
        "text": attempt(lambda: str(error)),
        "response": wsgi(error.get_response(), "GET"),
    }


def wsgi(response, method):
    body, status, headers = response.get_wsgi_response({"REQUEST_METHOD": method})
    headers = sorted([k.lower(), v] for k, v in headers)
    return [int(status.split()[0]), headers, b"".join(body).decode("latin1")]


def redirect(location, code):
    return wsgi(werkzeug.utils.redirect(location, code, flask.Response), "GET")


def response(body, status, headers, method, vary):
    made = flask.Response(body, status)
    for name, value in headers:
        made.headers.add(name, value)
    for name in vary:
        made.vary.add(name)
    return wsgi(made, method)


def request(builder, form_first, force, silent, debug):
    body = builder.pop("body")
    environ = flask.testing.EnvironBuilder(
        app, **builder, data=None if body is None else body.encode("latin1")
    ).get_environ()
    made = flask.Request(environ)
    answer = {
        name: attempt(lambda: getattr(made, name))
        for name in (
            "method path root_path script_root full_path url base_url root_url url_root host_url host"
            " scheme is_secure is_json mimetype mimetype_params content_length content_type"
        ).split()
    }
    answer["query_string"] = attempt(lambda: made.query_string.decode())
    answer["args"] = attempt(lambda: list(made.args.items(multi=True)))
    answer["cookies"] = attempt(lambda: list(made.cookies.items(multi=True)))
    answer["x"] = made.headers.get("X-Test")
    if form_first:
        answer["form"] = attempt(lambda: list(made.form.items(multi=True)))
    answer["data"] = attempt(lambda: made.data.decode("latin1"))
    answer["get_data"] = attempt(lambda: made.get_data().decode("latin1"))
    answer["form_after"] = attempt(lambda: list(made.form.items(multi=True)))
    answer["values"] = attempt(lambda: list(made.values.items(multi=True)))
    with app.app_context():
        app.debug = debug

        def get_json():
            try:
                return made.get_json(force=force, silent=silent)
            except werkzeug.exceptions.HTTPException as error:
                return [error.code, error.description]

        answer["json"] = attempt(get_json)
    return answer


def main():
    simple = {
        "iri_to_uri": lambda text: werkzeug.urls.iri_to_uri(text),
        "uri_to_iri": lambda text: werkzeug.urls.uri_to_iri(text),
        "urlencode": lambda pairs: urlencode(werkzeug.datastructures.MultiDict(pairs)),
        "list_header": lambda text: werkzeug.http.parse_list_header(text),
    }
    for line in sys.stdin:
        question = json.loads(line)
        op = question.pop("op")
        try:
            answer = {"ok": (simple.get(op) or globals()[op])(**question)}
        except Exception as error:
            answer = {"err": type(error).__name__, "message": str(error)}
        print(json.dumps(answer), flush=True)


main()
