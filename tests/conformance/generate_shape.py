"""The shape of a random app: its blueprints, routes and functions, still without ops."""

from dataclasses import dataclass, field
from urllib.parse import quote

from vocabulary import ERROR_NAMES, UUIDS

# Per converter as it stands in a rule: values that it takes, as (text in a path, value for url_for), and texts that it
# refuses.
CONVERTERS = {
    "": (
        [("jack", "jack"), ("née", "née"), ("a b", "a b"), ("a.b;c", "a.b;c"), ("100%", "100%"), ("日本", "日本")],
        ["a/b"],
    ),
    "string": ([("x", "x"), ("~y", "~y")], [""]),
    "string(length=2)": ([("de", "de"), ("éé", "éé")], ["deu", "d"]),
    "string(minlength=2, maxlength=4)": ([("abc", "abc")], ["a", "abcde"]),
    "int": ([("7", 7), ("0", 0), ("007", "007"), ("٣", 3), ("9" * 20, 10**20 - 1)], ["x", "-3", "1.5"]),
    "int(min=1, max=99)": ([("1", 1), ("99", 99)], ["0", "100"]),
    "int(fixed_digits=3)": ([("012", 12), ("345", 345)], ["12", "1234"]),
    "int(signed=True)": ([("-3", -3), ("4", 4)], ["--3", "+3"]),
    "float": ([("1.5", 1.5), ("12.50", 12.5), ("100000000000000000000.0", 1e20), ("0.1", "0.1")], ["1", ".5", "1e5"]),
    "float(signed=True, max=10)": ([("-2.25", -2.25)], ["10.5"]),
    "path": ([("a/b", "a/b"), ("a", "a"), ("né/e.txt", "né/e.txt"), ("a//b", "a//b"), ("x/", "x/")], [""]),
    "uuid": ([(text, text) for text in UUIDS], ["1234", UUIDS[0][:-1]]),
    'any(about, help, "c d")': ([("about", "about"), ("help", "help"), ("c d", "c d")], ["abou", "cd"]),
}
CONVERTER_WEIGHTS = {name: 4 if name in ("", "int") else 1 for name in CONVERTERS}

STATIC_SEGMENTS = ["cart", "user", "list", "a", "b", "héllo", "日本", "a b", "x.html", "v1", "item-1", "~me"]
BLUEPRINT_NAMES = ["admin", "shop", "api", "blog", "inner", "deep"]


@dataclass
class Variable:
    """A variable part of a rule."""

    converter: str
    name: str

    def rule(self):
        return f"<{self.converter}:{self.name}>" if self.converter else f"<{self.name}>"


@dataclass
class Route:
    """A rule with all its prefixes, so that paths and URLs can be made for it."""

    endpoint: str
    segments: list  # of lists of str and Variable
    trailing_slash: bool
    methods: list

    def variables(self):
        return [part for segment in self.segments for part in segment if isinstance(part, Variable)]

    def path(self, words, bad=False):
        """A percent-encoded path that matches, or (as far as it has variables) one that should not."""
        variables = self.variables()
        wrong = words.one(variables) if bad and variables else None
        text = ""
        for segment in self.segments:
            text += "/"
            for part in segment:
                if isinstance(part, str):
                    text += quote(part)
                elif part is wrong:
                    text += quote(words.one(CONVERTERS[part.converter][1]))
                else:
                    text += quote(words.usual(CONVERTERS[part.converter][0])[0])
        return text + "/" if self.trailing_slash or not text else text


@dataclass
class Shape:
    """An app without ops. `functions` lists every fn with the kind of place that it is registered at."""

    app: dict = field(default_factory=dict)
    blueprints: list = field(default_factory=list)
    routes: list = field(default_factory=list)
    functions: list = field(default_factory=list)


# How many functions a place has, as weights; the letter is how their names start.
HOOKS = {
    "before_request": ("b", {0: 4, 1: 4, 2: 2}),
    "after_request": ("a", {0: 4, 1: 4, 2: 2}),
    "teardown_request": ("t", {0: 5, 1: 4, 2: 1}),
    "url_value_preprocessors": ("p", {0: 8, 1: 3, 2: 1}),
}
# Flask 1.1.4 runs a blueprint's teardown functions after the app's, 3.1.3 before them. Where both are there, the stages
# of a request cannot be compared; so blueprints have them less often.
QUIET_HOOKS = {**HOOKS, "teardown_request": ("t", {0: 8, 1: 1, 2: 0.5})}
APP_HOOKS = {
    "before_first_request": ("f", {0: 6, 1: 3, 2: 1}),
    "teardown_appcontext": ("c", {0: 6, 1: 3, 2: 1}),
}
BLUEPRINT_HOOKS = {
    "before_app_request": ("ba", {0: 8, 1: 1}),
    "after_app_request": ("aa", {0: 8, 1: 1}),
    "teardown_app_request": ("ta", {0: 8, 1: 1}),
}
HANDLED_CODES = [400, 403, 404, 404, 404, 405, 410, 413, 418, 500, 500]
HANDLED_TYPES = [*ERROR_NAMES, "HTTPException", "Exception"]
METHODS = [
    ["GET"],
    ["GET", "POST"],
    ["GET", "POST"],
    ["POST"],
    ["PUT", "DELETE"],
    ["get", "patch"],
    ["GET", "OPTIONS"],
    ["HEAD"],
]


class ShapeMaker:
    """Makes one shape."""

    def __init__(self, words):
        self.words = words
        self.shape = Shape()
        self.counts = {}
        self.blueprint_names = list(BLUEPRINT_NAMES)
        words.rng.shuffle(self.blueprint_names)

    def make(self):
        self.add_scaffold(self.shape.app, "", [], self.words.rng.randint(1, 4))
        self.add_hooks(self.shape.app, APP_HOOKS)
        for _ in range(self.words.weighted({0: 5, 1: 3, 2: 2})):
            self.shape.blueprints.append(self.blueprint("", [], depth=1))
        return self.shape

    def fn(self, kind, letter, **keys):
        """A new function, whose ops are filled in later."""
        self.counts[letter] = self.counts.get(letter, 0) + 1
        fn = {"name": f"{letter}{self.counts[letter]}", **keys, "ops": []}
        self.shape.functions.append((kind, fn))
        return fn

    def add_hooks(self, description, hooks):
        for key, (letter, weights) in hooks.items():
            functions = [self.fn(key, letter) for _ in range(self.words.weighted(weights))]
            if functions:
                description[key] = functions

    def add_scaffold(self, description, endpoint_prefix, prefix_segments, route_count):
        self.add_hooks(description, HOOKS if not endpoint_prefix else QUIET_HOOKS)
        self.add_error_handlers(description, "error_handlers", self.words.weighted({0: 4, 1: 3, 2: 2, 4: 1}))
        description["routes"] = []
        for _ in range(route_count):
            description["routes"] += self.routes(endpoint_prefix, prefix_segments)

    def add_error_handlers(self, description, key, count):
        handled = []
        for _ in range(count):
            handled.append(self.words.one(self.words.one([HANDLED_CODES, HANDLED_TYPES])))
        if handled:
            description[key] = [self.fn("error_handlers", "h", on=on) for on in dict.fromkeys(handled)]

    # Blueprints

    def blueprint(self, endpoint_prefix, prefix_segments, depth):
        """A blueprint, with others in it down to the third level."""
        name = self.blueprint_names.pop()
        description = {"name": name}
        segments = self.url_prefix(description, name, prefix_segments)
        endpoint_prefix += f"{name}."
        self.add_scaffold(description, endpoint_prefix, segments, self.words.rng.randint(1, 2))
        self.add_hooks(description, BLUEPRINT_HOOKS)
        self.add_error_handlers(description, "app_error_handlers", self.words.weighted({0: 8, 1: 1}))
        if depth < 3 and self.words.chance(0.35) and self.blueprint_names:
            description["blueprints"] = [self.blueprint(endpoint_prefix, segments, depth + 1)]
        return description

    def url_prefix(self, description, name, segments):
        """Gives a blueprint its prefix; returns the segments of all prefixes so far."""
        kind = self.words.weighted({"name": 8, "none": 2, "slash": 1, "two": 1, "variable": 2})
        if kind == "none":
            return segments
        if kind == "variable":
            variable = Variable(self.words.one(["", "int", "string(length=2)"]), f"{name}_key")
            description["url_prefix"] = f"/{variable.rule()}"
            return [*segments, [variable]]
        description["url_prefix"] = {"name": f"/{name}", "slash": f"/{name}/", "two": f"/{name}/é"}[kind]
        return [*segments, [name], ["é"]] if kind == "two" else [*segments, [name]]

    # Routes

    def routes(self, endpoint_prefix, prefix_segments):
        """One route, or two rules of one function (with a default on the first of them)."""
        segments = [self.segment(number) for number in range(self.words.weighted({0: 1, 1: 5, 2: 4, 3: 1}))]
        slash = not segments or self.words.chance(0.4)
        options = {}
        if self.words.chance(0.5):
            options["methods"] = self.words.one(METHODS)
        if self.words.chance(0.15):
            options["strict_slashes"] = self.words.chance(0.3)

        def rule(parts, **more):
            return self.add_route(endpoint_prefix, prefix_segments, parts, slash, {**options, **more})

        if self.words.chance(0.1):
            first = rule(segments, defaults={"page": 1})
            second = {**first, "rule": rule_text([*segments, [Variable("int", "page")]], slash)}
            del second["defaults"]
            self.note_route(
                endpoint_prefix + first["name"],
                [*prefix_segments, *segments, [Variable("int", "page")]],
                slash,
                options,
            )
            return [first, second]
        if self.words.chance(0.08):
            return [rule(segments, defaults={"format": self.words.one(["html", None, 3])})]
        return [rule(segments)]

    def add_route(self, endpoint_prefix, prefix_segments, segments, slash, options):
        fn = self.fn("routes", "v", rule=rule_text(segments, slash), **options)
        self.note_route(endpoint_prefix + fn["name"], [*prefix_segments, *segments], slash, options)
        return fn

    def note_route(self, endpoint, segments, slash, options):
        self.shape.routes.append(Route(endpoint, segments, slash, options.get("methods")))

    def segment(self, number):
        """One segment of a rule: a word, a variable, or a mixture of both."""
        variable = Variable(self.words.weighted(CONVERTER_WEIGHTS), f"{self.words.one('xyz')}{number}")
        kind = self.words.weighted({"word": 10, "variable": 8, "mixed": 1, "two": 0.5})
        if kind == "word":
            return [self.words.one(STATIC_SEGMENTS)]
        if kind == "variable" or variable.converter == "path":
            return [variable]
        if kind == "mixed":
            return self.words.one([["item-", variable], [variable, ".html"]])
        return [variable, "-", Variable("int", f"n{number}")]


def rule_text(segments, slash):
    """A rule, as `route` takes it."""
    texts = ["".join(part if isinstance(part, str) else part.rule() for part in segment) for segment in segments]
    return "/" + "/".join(texts) + ("/" if slash and texts else "")
