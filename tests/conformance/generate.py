"""Writes random scenarios as JSON lines: `generate.py --seed S --count N`.

A scenario depends on its seed and its number only, so that number 812 of seed 7 is the same whatever the count. Most
of a scenario works, as in a real app; one in four is stormy, with errors everywhere.

It is made in steps: the config, the shape of the app (`generate_shape.py`: blueprints, routes, functions without ops),
then the ops (`generate_ops.py`, which needs to know every route for `url_for`), and last the requests.
"""

import argparse
import json
import random
from urllib.parse import quote

from generate_ops import OpMaker
from generate_shape import ShapeMaker
from vocabulary import COOKIE_NAMES, HEADER_NAMES, KEYS, OLD_KEYS, CookieForge, Vocabulary


def make_config(words):
    """A config. Each of the keys that change what a client sees is there now and then."""
    config = {"SECRET_KEY": words.one(KEYS)}
    if words.chance(0.04):
        config["SECRET_KEY"] = words.one([None, ""])
    choices = {
        "SECRET_KEY_FALLBACKS": (0.15, [OLD_KEYS[:1], OLD_KEYS, []]),
        "PERMANENT_SESSION_LIFETIME": (0.35, [60, 3600, 86400, 0]),
        "SESSION_REFRESH_EACH_REQUEST": (0.2, [False, False, True]),
        "SESSION_COOKIE_NAME": (0.1, ["sid", "__Host-session", "s.e-s_s"]),
        "SESSION_COOKIE_DOMAIN": (0.08, ["example.com", ".example.com", "example.com", "localhost", None]),
        "SESSION_COOKIE_PATH": (0.08, ["/shop", "/a b", "/é", None]),
        "SESSION_COOKIE_HTTPONLY": (0.08, [False, True]),
        "SESSION_COOKIE_SECURE": (0.08, [True, False]),
        "SESSION_COOKIE_SAMESITE": (0.1, ["Lax", "Strict", "None", "lax", None]),
        "SESSION_COOKIE_PARTITIONED": (0.05, [True]),
        "APPLICATION_ROOT": (0.08, ["/shop", "/", "/a/b"]),
        "SERVER_NAME": (0.12, ["localhost", "example.com", "localhost:5000", "shop.example:8080", "Bücher.example"]),
        "PREFERRED_URL_SCHEME": (0.08, ["https", "http"]),
        "TESTING": (0.08, [True, False]),
        "DEBUG": (0.06, [True, False]),
        "PROPAGATE_EXCEPTIONS": (0.07, [True, False, None]),
        "TRAP_HTTP_EXCEPTIONS": (0.04, [True]),
        "MAX_CONTENT_LENGTH": (0.2, [0, 5, 10, 10, 1000, None]),
    }
    for key, (probability, values) in choices.items():
        if words.chance(probability):
            config[key] = words.one(values)
    return config


class RequestMaker:
    """Makes the requests of a scenario."""

    def __init__(self, words, config, digest, routes):
        self.words = words
        self.config = config
        self.routes = routes
        self.forge = CookieForge(words, config, digest)
        self.lifetime = self.forge.lifetime
        self.base_url = self.make_base_url()

    def make_base_url(self):
        """The scenario's usual base URL, or None for the default one."""
        server_name = self.config.get("SERVER_NAME")
        if server_name and self.words.chance(0.9):
            return f"{self.words.one(['http', 'https'])}://{server_name}"
        if self.words.chance(0.15):
            return self.words.one(
                [
                    "https://localhost",
                    "https://example.com:8443",
                    "http://example.com:80/",
                    "https://example.com:443",
                    "http://LOCALHOST",
                    "HTTPS://Bücher.example/",
                    "http://[::1]:8080",
                    "http://localhost/shop",
                    "http://localhost:5000/a%20b/",
                    "https://example.com/caf%C3%A9",
                ]
            )
        return None

    def requests(self, now):
        """One to eight requests, the first of them at `now`."""
        count = self.words.weighted({1: 1, 2: 2, 3: 3, 4: 3, 5: 3, 6: 2, 7: 1, 8: 1})
        requests = []
        for _ in range(count):
            if requests and self.words.chance(0.25):
                request = self.again(self.words.one(requests))
            else:
                request = self.request()
            now += self.add_time(request)
            self.add_cookies(request, now)
            requests.append(request)
        return requests

    def again(self, request):
        """The same request once more, with the jar as it is by then."""
        return {key: value for key, value in request.items() if key not in ("advance", "set_jar", "drop_cookies")}

    def request(self):
        route = self.words.one(self.routes)
        request = {"path": self.path(route)}
        method = self.method(route)
        if method != "GET":
            request["method"] = method
        if self.base_url is not None:
            request["base_url"] = self.base_url
        headers = [[name, self.words.one(["1", "abc, def", "en;q=0.5"])] for name in self.words.some(HEADER_NAMES, 1)]
        if self.words.chance(0.03):
            headers.append(["Host", self.words.one(["example.com", "other.example:8080", "LOCALHOST", "a b"])])
        if headers:
            request["headers"] = headers
        if self.words.chance(0.7 if method in ("POST", "PUT", "PATCH", "DELETE") else 0.03):
            self.add_body(request)
        return request

    def path(self, route):
        kind = self.words.weighted({"good": 84, "bad value": 5, "slash": 5, "double": 2, "elsewhere": 3, "root": 1})
        path = route.path(self.words, bad=kind == "bad value")
        if kind == "slash":
            path = path[:-1] if path.endswith("/") and len(path) > 1 else path + "/"
        elif kind == "double":
            position = self.words.one([index for index, char in enumerate(path) if char == "/"] or [0])
            path = path[:position] + "/" * self.words.rng.randint(1, 2) + path[position:]
        elif kind == "elsewhere":
            path = f"/{quote(self.words.text())}" + self.words.one(["", "/", "/deeper"])
        elif kind == "root":
            path = self.words.one(["/", "/", ""])
        if self.words.chance(0.3):
            path += "?" + self.words.odd_query()
        return path

    def method(self, route):
        allowed = [method.upper() for method in route.methods] if route.methods else ["GET"]
        if self.words.chance(0.86):
            return self.words.one(allowed)
        return self.words.one(["GET", "HEAD", "HEAD", "OPTIONS", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "BREW"])

    def add_body(self, request):
        kind = self.words.weighted({"json": 4, "bad json": 1, "form": 4, "text": 1, "untyped": 0.5})
        if kind == "json":
            request["body"] = json.dumps(self.words.json(), ensure_ascii=self.words.chance(0.5))
            request["content_type"] = self.words.one(
                ["application/json", "application/json; charset=utf-8", "application/vnd.api+json", "text/json"]
            )
        elif kind == "bad json":
            request["body"] = self.words.one(["{", "", "{'a': 1}", '{"a": 1,}', "nul", '"open', "[1] 2", "\ufeff{}"])
            request["content_type"] = "application/json"
        elif kind == "form":
            request["body"] = self.words.form()
            request["content_type"] = "application/x-www-form-urlencoded"
        else:
            request["body"] = self.words.text() * self.words.rng.randint(1, 20)
            if kind == "text":
                request["content_type"] = self.words.one(["text/plain", "Text/Plain; charset=utf-8"])

    def add_time(self, request):
        """Lets time pass before a request; gives the seconds."""
        if not self.words.chance(0.4):
            return 0
        advance = self.words.one([1, 1, 30, 60, self.lifetime - 1, self.lifetime, self.lifetime + 1])
        request["advance"] = max(advance, 0)
        return request["advance"]

    def add_cookies(self, request, now):
        if self.words.chance(0.04):
            request["drop_cookies"] = True
        if self.words.chance(0.05):
            request["cookies"] = False
            if self.words.chance(0.5):
                cookie = self.words.one(
                    ["theme=dark; lang=en", 'x="a\\073b"; theme', "a=1; a=2;; =b;c", "lang=%C3%A9; x=é"]
                )
                request.setdefault("headers", []).append(["Cookie", cookie])
        jar = {}
        if self.words.chance(0.15):
            jar[self.config.get("SESSION_COOKIE_NAME", "session")] = self.forge.cookie(now)
        if self.words.chance(0.08):
            jar[self.words.one(COOKIE_NAMES)] = self.words.one(
                ["dark", "", '"a b"', '"\\303\\251"', "é", "a=b", '"open', "a b", "1,2", "%3B"]
            )
        if jar:
            request["set_jar"] = jar


def make_scenario(seed, number):
    """Scenario `number` of a seed."""
    words = Vocabulary(random.Random(f"{seed}/{number}"))
    config = make_config(words)
    digest = words.one(["sha1", "sha256", "sha512"])
    now = words.one([1700000000, 1700000000, 1234567890, 2000000000])
    shape = ShapeMaker(words).make()
    OpMaker(words, shape, stormy=words.chance(0.25)).fill()
    requests = RequestMaker(words, config, digest, shape.routes).requests(now)
    scenario = {"id": f"{seed}-{number}", "now": now, "stages": True, "session_digest": digest, "config": config}
    return {**scenario, "app": shape.app, "blueprints": shape.blueprints, "requests": requests}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", default="1")
    parser.add_argument("--count", type=int, default=1000)
    arguments = parser.parse_args()
    for number in range(arguments.count):
        print(json.dumps(make_scenario(arguments.seed, number)))


if __name__ == "__main__":
    main()
