"""Fills the functions of a random app with ops.

What an op may be depends on the kind of place that its function is registered at; how often it is, on the features
that the app was given.
"""

import json

from generate_shape import CONVERTERS, Variable
from vocabulary import (
    ABORT_CODES,
    ARGUMENT_KEYS,
    CATEGORIES,
    COMMON_ABORT_CODES,
    COOKIE_NAMES,
    ERROR_NAMES,
    FORM_KEYS,
    G_KEYS,
    HEADER_NAMES,
    LOCATIONS,
    REDIRECT_CODES,
    RETURN_CODES,
    SESSION_KEYS,
)

SESSION_OPS = {
    "session_set": 6,
    "session_get": 4,
    "session_all": 2,
    "session_pop": 1.5,
    "session_permanent": 1.2,
    "session_touch": 0.5,
    "session_clear": 0.4,
}
FEATURES = {
    # feature: (how many apps have it, its ops)
    "session": (0.8, SESSION_OPS),
    "g": (0.5, {"g_set": 3, "g_get": 3, "g_pop": 1}),
    "flash": (0.4, {"flash": 4, "get_flashed": 3}),
    "url_for": (0.5, {"url_for": 5}),
    "request": (0.7, {"request": 8}),
    "contexts": (0.3, {"contexts": 1, "app_context": 1.5, "request_context": 1.5}),
    "after": (0.25, {"after_this_request": 2}),
}
RESPONSE_OPS = {"set_header": 7, "set_cookie": 8, "delete_cookie": 2, "set_status": 1}

TEARDOWNS = ("teardown_request", "teardown_app_request", "teardown_appcontext")
AFTERS = ("after_request", "after_app_request", "after_this_request")

# How many ops a function of a kind has before its end.
OP_COUNTS = {"routes": {0: 1, 1: 2, 2: 3, 3: 3, 4: 2, 6: 1}, "other": {0: 4, 1: 4, 2: 2, 3: 1}}

# How a function ends, in calm weather. In a storm all errors are four times as likely.
ENDINGS = {
    "routes": {"return": 75, "return_json": 10, "redirect": 7, "abort": 3, "raise": 2.5, "nothing": 0.5},
    "error_handlers": {"return": 78, "return_json": 10, "redirect": 5, "abort": 2, "raise": 2, "nothing": 2},
    "before_request": {"nothing": 180, "return": 4, "redirect": 3, "return_json": 1, "abort": 2.5, "raise": 2.5},
    "other": {"nothing": 120, "abort": 1, "raise": 1.2},
}
ENDINGS["before_app_request"] = ENDINGS["before_request"]

REQUEST_ATTRIBUTES = (
    "endpoint path full_path method blueprint blueprints view_args url base_url url_root script_root host scheme"
    " is_secure url_rule is_json mimetype json json data"
).split()
REQUEST_KEYS = {
    "args": ARGUMENT_KEYS,
    "args_list": ARGUMENT_KEYS,
    "form": FORM_KEYS,
    "cookies": COOKIE_NAMES,
    "header": [*HEADER_NAMES, "Host", "Content-Type", "x-token", "x_token"],
}
CONTENT_HEADERS = [
    {"X-App": "carafe"},
    {"Content-Type": "text/plain"},
    {"Content-Type": "application/xml; charset=utf-8", "X-App": "1"},
    {"content-type": "text/css"},
    [["X-Two", "1"], ["X-Two", "2"]],
    {"Location": "/élan vital"},
    {"Content-Length": "3"},
    {"Set-Cookie": "raw=1; Path=/"},
    {"Vary": "Accept"},
    {"Vary": "cookie, Accept"},
    {"X-Number": 5, "X-Flag": True},
    {"X-Text": "日本"},
    {},
]


class OpMaker:
    """Fills one shape."""

    def __init__(self, words, shape, stormy):
        self.words = words
        self.shape = shape
        self.error_factor = 4 if stormy else 1
        self.feature_ops = {}
        for probability, ops in FEATURES.values():
            if words.chance(probability):
                self.feature_ops.update(ops)
        self.uses_response = words.chance(0.5)
        self.endpoints = {route.endpoint: route for route in shape.routes}
        self.function_count = 0

    def fill(self):
        for kind, fn in self.shape.functions:
            # In place: two rules of one function share the list.
            if self.takes_body(fn) and self.words.chance(0.75):
                fn["ops"].append(self.read_body())
            fn["ops"] += self.ops(kind)

    def takes_body(self, fn):
        return bool({"POST", "PUT", "patch"} & set(fn.get("methods", [])))

    def read_body(self):
        """An op that looks at what the client sent."""
        attribute = self.words.weighted({"form": 5, "json": 4, "data": 2})
        return ["request", "form", self.words.one(FORM_KEYS)] if attribute == "form" else ["request", attribute]

    def ops(self, kind, depth=0, nested=False):
        """The ops of a function, or (`nested`) of a context that it pushes. `depth` counts both."""
        weights = self.weights(kind, depth)
        count = self.words.weighted(OP_COUNTS.get(kind, OP_COUNTS["other"])) if weights else 0
        ops = [self.op(self.words.weighted(weights), kind, depth) for _ in range(count)]
        if kind == "url_value_preprocessors" and self.words.chance(0.6):
            ops.append(["pop_value", self.words.one(self.variable_names())])
        return ops + self.ending(kind, nested)

    def weights(self, kind, depth):
        """What may be in a function of a kind, and how often."""
        weights = dict(self.feature_ops)
        if kind in AFTERS and self.uses_response:
            weights.update(RESPONSE_OPS)
        if kind == "teardown_appcontext" and depth == 0 and not self.words.chance(0.03):
            # No request is there any more. Now and then a function overlooks that.
            weights = {op: weight for op, weight in weights.items() if op in ("g_get", "g_set", "contexts", "url_for")}
        # A context pushed in a teardown function would run that function again when it is popped, without end.
        if depth > 1 or kind in TEARDOWNS:
            weights.pop("request_context", None)
        if depth > 1 or kind == "teardown_appcontext":
            weights.pop("app_context", None)
        if depth > 1:  # or scenarios would grow without end
            weights.pop("after_this_request", None)
        return weights

    def op(self, name, kind, depth):
        make = getattr(self, name, None)
        if name in ("app_context", "request_context", "after_this_request"):
            return make(kind, depth)
        return make()

    # How functions end

    def ending(self, kind, nested):
        weights = dict(ENDINGS.get(kind, ENDINGS["other"]))
        for error in ("abort", "raise"):
            weights[error] *= self.error_factor
        if nested:  # seldom from inside of a `with`
            weights = {**weights, "nothing": 40 * sum(weights.values())}
        name = self.words.weighted(weights)
        if name == "nothing":
            return []
        if name == "return":
            return [self.return_(kind)]
        return [getattr(self, name)()]

    def return_(self, kind):
        words = self.words
        body = self.words.weighted({"text": 90, "object": 4, "list": 1, "null": 0.5, "number": 0.5})
        texts = [f"{kind} {words.text()}"]
        choices = {"text": texts, "object": [{"b": 1, "a": [None, "é"]}, {}], "list": [[1, "two"], []], "null": [None], "number": [0, 5]}
        body = words.one(choices[body])
        if kind == "error_handlers":
            status = words.one([400, 404, 500, 503, 200])
            return ["return", body, status] if words.chance(0.85) else ["return", body]
        if words.chance(0.8):
            return ["return", body]
        if words.chance(0.6):
            return ["return", body, words.one(RETURN_CODES)]
        return ["return", body, words.one([*RETURN_CODES, None]), self.one_copy(CONTENT_HEADERS)]

    def one_copy(self, things):
        thing = self.words.one(things)
        return dict(thing) if isinstance(thing, dict) else list(thing)

    def return_json(self):
        return ["return_json", self.words.json()]

    def redirect(self):
        return ["redirect", self.words.one(LOCATIONS), self.words.one(REDIRECT_CODES)]

    def abort(self):
        codes = {"common": 60, "any": 15, "unknown": 1}
        kind = self.words.weighted(codes)
        return [
            "abort",
            self.words.one({"common": COMMON_ABORT_CODES, "any": ABORT_CODES, "unknown": [402, 599]}[kind]),
        ]

    def raise_(self):
        return ["raise", self.words.one(ERROR_NAMES), self.words.text()]

    # The session, g, flashes

    def session_set(self):
        return ["session_set", self.words.one(SESSION_KEYS), self.words.session_value()]

    def session_get(self):
        return ["session_get", self.words.one(SESSION_KEYS)]

    def session_pop(self):
        return ["session_pop", self.words.one(SESSION_KEYS)]

    def session_all(self):
        return ["session_all"]

    def session_clear(self):
        return ["session_clear"]

    def session_permanent(self):
        return ["session_permanent", self.words.one([True, True, True, False, False, 1, 0])]

    def session_touch(self):
        return ["session_touch"]

    def g_set(self):
        return ["g_set", self.words.one(G_KEYS), self.words.json(1)]

    def g_get(self):
        return ["g_get", self.words.one(G_KEYS)]

    def g_pop(self):
        return ["g_pop", self.words.one(G_KEYS)]

    def flash(self):
        message = self.words.text()
        return ["flash", message, self.words.one(CATEGORIES)] if self.words.chance(0.7) else ["flash", message]

    def get_flashed(self):
        return ["get_flashed", self.words.some(CATEGORIES, 2)] if self.words.chance(0.4) else ["get_flashed"]

    # The response

    def set_header(self):
        if self.words.chance(0.04):
            return ["set_header", "X-Split", self.words.one(["a\r\nSet-Cookie: b=c", "a\nb", "a\rb"])]
        headers = [
            ["X-After", "1"],
            ["X-After", "two words"],
            ["Content-Type", "text/plain"],
            ["Cache-Control", "no-store"],
        ]
        headers += [
            ["Vary", "Accept"],
            ["vary", "Cookie"],
            ["X-Empty", ""],
            ["Location", "/a b"],
            ["Content-Length", "2"],
        ]
        return ["set_header", *self.words.one(headers)]

    def set_status(self):
        return ["set_status", self.words.one(RETURN_CODES)]

    def set_cookie(self):
        op = ["set_cookie", self.words.one(COOKIE_NAMES), self.words.text(0.6)]
        choices = {
            "max_age": [0, 1, 60, 3600, -1],
            "path": ["/shop", "/a b;c", "/é", "/%41", None],
            "domain": ["example.com", ".example.com", "example.com:8080", "bücher.example", "localhost"],
            "secure": [True, False],
            "httponly": [True, False],
            "samesite": ["Lax", "strict", "None", None],
        }
        options = {key: self.words.one(values) for key, values in choices.items() if self.words.chance(0.25)}
        if options or self.words.chance(0.3):
            op.append(options)
        return op

    def delete_cookie(self):
        return ["delete_cookie", self.words.one(COOKIE_NAMES)]

    def after_this_request(self, kind, depth):
        self.function_count += 1
        fn = {"name": f"x{self.function_count}", "ops": self.ops("after_this_request", depth + 1)}
        return ["after_this_request", fn]

    # Asking

    def request(self):
        if self.words.chance(0.4):
            attribute = self.words.one(list(REQUEST_KEYS))
            return ["request", attribute, self.words.one(REQUEST_KEYS[attribute])]
        return ["request", self.words.one(REQUEST_ATTRIBUTES)]

    def contexts(self):
        return ["contexts"]

    def app_context(self, kind, depth):
        return ["app_context", self.nested_ops(kind, depth)]

    def request_context(self, kind, depth):
        path = self.words.one(self.shape.routes).path(self.words)
        if self.words.chance(0.4):
            path += "?" + self.words.odd_query()
        return ["request_context", path, self.nested_ops(kind, depth)]

    def nested_ops(self, kind, depth):
        ops = self.ops(kind, depth + 1, nested=True)
        return (
            ops
            if ops or self.words.chance(0.3)
            else [self.words.one([["contexts"], ["request", "url"], ["g_get", "user"]])]
        )

    def variable_names(self):
        names = [variable.name for route in self.shape.routes for variable in route.variables()]
        return names or ["page"]

    def url_for(self):
        if self.words.chance(0.04):
            return ["url_for", self.words.one(["nowhere", "admin.nowhere", ".nowhere", ""]), {}]
        route = self.words.one(list(self.endpoints.values()))
        endpoint = route.endpoint
        if "." in endpoint and self.words.chance(0.3):
            endpoint = "." + endpoint.rpartition(".")[2]
        values = {}
        for variable in route.variables():
            if not self.words.chance(0.06):
                values[variable.name] = self.url_value(variable)
        if self.words.chance(0.4):
            extra = {"text": 10, "3": 4, "1.5": 3, "true": 3, "null": 3, '["a", "é"]': 3, "[]": 0.3, "[1, null]": 1}
            value = self.words.weighted(extra)
            values[self.words.one([*ARGUMENT_KEYS, "page"])] = (
                self.words.text() if value == "text" else json.loads(value)
            )
        self.add_url_options(values)
        return ["url_for", endpoint, values] if values or self.words.chance(0.5) else ["url_for", endpoint]

    def url_value(self, variable: Variable):
        if self.words.chance(0.1):
            return self.words.one([self.words.text(), 5, None, "7"])
        return self.words.usual(CONVERTERS[variable.converter][0])[1]

    def add_url_options(self, values):
        if self.words.chance(0.15):
            values["_anchor"] = self.words.text()
        if self.words.chance(0.2):
            values["_external"] = self.words.chance(0.8)
        if self.words.chance(0.1):
            values["_scheme"] = self.words.weighted({"https": 5, "http": 3, "ws": 1, "": 0.3})
            if self.words.chance(0.85):
                values["_external"] = True
        if self.words.chance(0.1):
            values["_method"] = self.words.one(["GET", "POST", "PUT", "DELETE"])


# `raise` and `return` are Python's own words.
setattr(OpMaker, "raise", OpMaker.raise_)
