"""The words that random scenarios are made of: texts, values, paths, cookies. All draw on one `random.Random`."""

import datetime
import hashlib
import uuid
from urllib.parse import quote

from flask.sessions import session_json_serializer
from itsdangerous import TimestampSigner, URLSafeTimedSerializer
from markupsafe import Markup

PLAIN_TEXTS = ["a", "user", "jack", "hello", "shop", "42", "hello world", "page two", "x" * 30]
ODD_TEXTS = [
    "",
    " ",
    "née",
    "日本語",
    "🍶 carafe",
    "e\u0301",
    "שלום",
    "Ж" * 20,
    "a;b",
    "a,b",
    "a=b&c=d",
    'say "hi"',
    "back\\slash",
    "<b>bold</b>",
    "&amp;",
    "100%",
    "%41",
    "a+b",
    "line\nbreak",
    "tab\there",
    "\x01\x7f",
    "\u2028",
    "it's",
    "~tilde",
    "#hash",
    "?what",
    "../up",
]
SESSION_KEYS = ["user", "n", "cart", "seen", "ключ", "a b"]
G_KEYS = ["db", "user", "n", "started"]
ARGUMENT_KEYS = ["q", "page", "tag", "é"]
FORM_KEYS = ["name", "q", "csrf", "ü"]
COOKIE_NAMES = ["theme", "lang", "x", "tracking-id"]
HEADER_NAMES = ["X-Token", "X-Trace", "Accept-Language"]
CATEGORIES = ["message", "error", "info", "ошибка"]
ABORT_CODES = [
    400,
    401,
    403,
    404,
    405,
    406,
    408,
    409,
    410,
    411,
    412,
    413,
    414,
    415,
    416,
    417,
    418,
    421,
    422,
    423,
    424,
    428,
]
ABORT_CODES += [429, 431, 451, 500, 501, 502, 503, 504, 505]
COMMON_ABORT_CODES = [400, 401, 403, 404, 404, 404, 409, 410, 418, 500, 503]
RETURN_CODES = [200, 200, 200, 201, 202, 204, 206, 299, 304, 400, 404, 418, 500]
ERROR_NAMES = ["AppError", "DbError", "AuthError"]
REDIRECT_CODES = [301, 302, 302, 302, 303, 305, 307, 308]
LOCATIONS = [
    "/",
    "/login?next=/cart",
    "relative",
    "../up",
    "https://example.com/ü?q=ü#ü",
    "//example.com/x",
    "/日本/a b?x=<y>",
    "https://пример.рф/",
    "/100%",
    "/%C3%A9",
    "?only=query",
    "",
]
KEYS = ["adavafa", "dev", "ключ", "k" * 80]
OLD_KEYS = ["old-key", "older-key", "старый"]
UUIDS = [
    "12345678-1234-5678-1234-567812345678",
    "00000000-0000-0000-0000-000000000000",
    "ABCDEF01-2345-6789-abcd-ef0123456789",
]


class Vocabulary:
    """Random texts and values."""

    def __init__(self, rng):
        self.rng = rng

    def chance(self, probability):
        return self.rng.random() < probability

    def one(self, things):
        return self.rng.choice(things)

    def usual(self, things):
        """Mostly the first of the things."""
        return things[0] if self.chance(0.5) else self.one(things)

    def weighted(self, weights):
        """A key of a dict of weights."""
        return self.rng.choices(list(weights), list(weights.values()))[0]

    def some(self, things, most):
        """Up to `most` different things, in their order."""
        count = min(self.rng.randint(0, most), len(things))
        return [things[index] for index in sorted(self.rng.sample(range(len(things)), count))]

    def text(self, odd=0.2):
        return self.one(ODD_TEXTS if self.chance(odd) else PLAIN_TEXTS)

    def noise(self, length):
        """Text that zlib cannot shorten much."""
        return "".join(self.rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", k=length))

    def number(self):
        kind = self.weighted({"small": 6, "large": 1, "huge": 0.3, "float": 2})
        if kind == "small":
            return self.rng.randint(-3, 100)
        if kind == "large":
            return self.one([2**31, 2**53 + 1, -(2**63), 2**63 - 1])
        if kind == "huge":
            return self.one([2**64, -(2**70)])
        return self.one([0.5, -0.0, 1.0, 3.14, 1e16, 1e22, 1.5e-7, 123456789.125, 5e-324])

    def json(self, depth=2):
        """Any JSON value, with a few that look like the tags of Flask's session serializer."""
        kinds = {"text": 5, "number": 3, "bool": 1, "null": 0.7}
        if depth:
            kinds.update({"list": 1.2, "dict": 1.2, "tag": 0.3})
        kind = self.weighted(kinds)
        if kind == "text":
            return self.text()
        if kind == "number":
            return self.number()
        if kind == "bool":
            return self.chance(0.5)
        if kind == "null":
            return None
        if kind == "list":
            return [self.json(depth - 1) for _ in range(self.rng.randint(0, 3))]
        if kind == "tag":
            tag = self.one([" t", " di", " b", " m", " u", " d", " x", " t__"])
            return {tag: self.one([[1, 2], "text", {"a": 1}, None])}
        return {self.text(0.2): self.json(depth - 1) for _ in range(self.rng.randint(0, 3))}

    def session_value(self):
        """Mostly small. Now and then so large that the cookie is compressed, or passes a browser's limit."""
        kind = self.weighted({"json": 12, "compressible": 1, "noise": 0.5, "large": 0.25})
        if kind == "compressible":
            return self.text() * self.rng.randint(5, 200)
        if kind == "noise":
            return self.noise(self.rng.randint(30, 300))
        if kind == "large":
            return self.noise(self.rng.randint(3000, 5000))
        return self.json()

    def odd_query(self):
        """A query string as a client may write one."""
        parts = []
        for _ in range(self.rng.randint(0, 4)):
            key, value = self.one(ARGUMENT_KEYS), self.text()
            parts.append(
                self.weighted(
                    {
                        f"{quote(key)}={quote(value)}": 8,
                        f"{quote(key)}={quote(value, safe='').replace('%20', '+')}": 2,
                        quote(key): 0.5,
                        f"{quote(key)}=": 0.5,
                        "=x": 0.2,
                        "": 0.3,
                        "q=%zz": 0.2,
                        "q=%ff": 0.2,
                        "q=a;page=b": 0.2,
                    }
                )
            )
        return "&".join(parts)

    def form(self):
        """A urlencoded form."""
        pairs = [(self.one(FORM_KEYS), self.text()) for _ in range(self.rng.randint(1, 4))]
        return "&".join(f"{quote(key)}={quote(value, safe='').replace('%20', '+')}" for key, value in pairs)



# Session cookies that other hands have signed


class SignerAt(TimestampSigner):
    """A signer whose clock stands at `now`."""

    now = 0

    def get_timestamp(self):
        return self.now


class JustText:
    """A serializer that signs a text as it is."""

    @staticmethod
    def dumps(text):
        return str(text)  # itsdangerous asks what it makes of a dict, too


# What an app that has the key for something else may sign.
NO_SESSIONS = ["", "{", "[]", "null", "1", '"x"', '[["n",1]]', '[1]', '{"n":{" b":1}}', '{"n":{" u":"x"}}']


def sign_session(payload, key, digest, now, serializer=session_json_serializer):
    """The text of a session cookie, as Flask signs it."""
    signer_at_now = type("SignerAtNow", (SignerAt,), {"now": now})
    serializer = URLSafeTimedSerializer(
        key,
        salt="cookie-session",
        serializer=serializer,
        signer=signer_at_now,
        signer_kwargs={"key_derivation": "hmac", "digest_method": getattr(hashlib, digest)},
    )
    return serializer.dumps(payload)


class CookieForge:
    """Makes session cookies, good and bad, for a client to send."""

    def __init__(self, words, config, digest):
        self.words = words
        self.key = config.get("SECRET_KEY") or "adavafa"
        self.fallbacks = config.get("SECRET_KEY_FALLBACKS") or []
        self.lifetime = config.get("PERMANENT_SESSION_LIFETIME", 31 * 24 * 3600)
        self.digest = digest

    def payload(self):
        payload = {key: self.words.session_value() for key in self.words.some(SESSION_KEYS, 3)} or {"user": "jack"}
        if self.words.chance(0.3):
            payload["_permanent"] = True
        if self.words.chance(0.3):
            payload["_flashes"] = [("message", "from before"), ("error", "née")]
        if self.words.chance(0.2):
            payload["cart"] = self.words.one(
                [
                    (1, ("two", 3.5)),
                    b"\x00bytes\xff",
                    Markup("<b>safe</b>"),
                    uuid.UUID(UUIDS[0]),
                    datetime.datetime(2020, 2, 29, 12, 30, 5, tzinfo=datetime.timezone.utc),
                    {"nested": [(), {" t": 1}]},
                ]
            )
        return payload

    def cookie(self, now):
        """A cookie for a request at `now`."""
        payload = self.payload()
        kind = self.words.weighted(
            {
                "fresh": 4,
                "aged": 2,
                "fallback": 4 if self.fallbacks else 0,
                "foreign": 1,
                "digest": 1,
                "mangled": 3,
                "junk": 1,
                "no session": 0.5,
            }
        )
        if kind == "aged":
            now -= self.lifetime + self.words.one([-1, 0, 1, -self.lifetime - 100])
        if kind == "fallback":
            return sign_session(payload, self.words.one(self.fallbacks), self.digest, now)
        if kind == "foreign":
            return sign_session(payload, "someone else's key", self.digest, now)
        if kind == "digest":
            other = self.words.one([name for name in ("sha1", "sha256", "sha512") if name != self.digest])
            return sign_session(payload, self.key, other, now)
        if kind == "no session":
            return sign_session(self.words.one(NO_SESSIONS), self.key, self.digest, now, JustText)
        if kind == "junk":
            return self.words.one(["", "junk", "a.b.c", "..", ".", "eyJ9.x.y", '"quoted"', "=", "%2e"])
        cookie = sign_session(payload, self.key, self.digest, now)
        return self.mangled(cookie) if kind == "mangled" else cookie

    def mangled(self, cookie):
        """A good cookie with something wrong about it."""
        position = self.words.rng.randrange(len(cookie))
        payload, time, signature = cookie.rsplit(".", 2)
        return self.words.one(
            [
                cookie[:position],
                cookie[:position] + ("A" if cookie[position] != "A" else "B") + cookie[position + 1 :],
                cookie + "A",
                cookie + "=",
                f"{payload}.{time}",
                f"{payload}.{signature}",
                f"{payload}..{signature}",
                f"{payload}.{time}.{signature.lower()}",
                f".{cookie}",
                f'"{cookie}"',
            ]
        )
