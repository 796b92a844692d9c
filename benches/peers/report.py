"""The results as Markdown: tables of medians, what became of the goals, and where Carafe loses. Read next: plot.py."""

import re
import statistics
import textwrap

from contestants import FLOOR, TITLES

BEGIN = "<!-- peers: begin; written by benches/peers/run -->"
END = "<!-- peers: end -->"
CARAFE = ["carafe-declared", "carafe"]
SHORT = {
    "hyper": "bare hyper", "hyper-timeout": "bare hyper with a timeout", "carafe-declared": "declared", "carafe": "undeclared",
    "axum": "axum", "actix": "actix", "tower-sessions": "tower-sessions", "rocket": "Rocket", "flask": "Flask",
}  # fmt: skip
# A difference below this is noise.
NOISE = {"cpu": 1.03, "rate": 1.03, "p99": 1.2, "bytes": 1.03}


# Numbers


def median(values):
    """Of those that there are."""
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def of(rounds, key):
    return median(round[key] for round in rounds)


def ratio(rounds, floor, key):
    """The median of the rounds' ratios: what disturbed one round disturbed both."""
    pairs = [(a[key], b[key]) for a, b in zip(rounds, floor) if a[key] and b[key]]
    return median(a / b for a, b in pairs)


def ratios(results, path, key="cpu", against=FLOOR):
    """{name: {connections: ratio}}, for all that both were measured at."""
    rows = results.get(path, {})
    if against not in rows:
        return {}
    return {name: {count: value for count, rounds in row.items()
                   if (value := ratio(rounds, rows[against][count], key)) is not None}
            for name, row in rows.items()}  # fmt: skip


def spread(results):
    """How far apart the middle half of the rounds' ratios is, in percent of their median, in the median cell."""
    cells = []
    rows = results.get("counter", {})
    for name, row in rows.items():
        for count, rounds in row.items():
            if name == FLOOR or FLOOR not in rows or len(rounds) < 4:
                continue
            values = [a["cpu"] / b["cpu"] for a, b in zip(rounds, rows[FLOOR][count]) if a["cpu"] and b["cpu"]]
            low, middle, high = statistics.quantiles(values, n=4)
            cells.append((high - low) / middle * 100)
    return median(cells)


# Text


def micro(seconds):
    return "–" if seconds is None else f"{seconds * 1e6:.1f} µs"


def milli(seconds):
    if seconds is None:
        return "no answer"
    return f"{seconds * 1e3:.{0 if seconds >= 0.1 else 1 if seconds >= 0.01 else 2}f} ms"


def times(value):
    return "–" if value is None else f"{value:.0f}" if value >= 10 else f"{value:.2f}"


def span(values, text=times):
    """`1.02` to `1.10`, or one of them."""
    low, high = text(min(values)), text(max(values))
    return low if low == high else f"{low} to {high}"


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def rows_of(results, scenario, cells):
    return [[TITLES[name], *cells(name, row)] for name, row in results[scenario].items()]


# Sections


def about(results):
    machine, versions = results["machine"], results["versions"]
    versions = ", ".join(f"{name} {version}" for name, version in versions.items())
    run = f"""`benches/peers/run` on {machine["date"]}, at commit `{machine["commit"]}`, in {results["minutes"]:.0f} minutes:
{machine["cores"]} cores of an {machine["cpu"]}, Linux {machine["kernel"]}, Rust {machine["rustc"]}, wrk {machine["wrk"]}
with one thread, on the same cores. {versions}. All in Rust with `lto = "fat"` and one codegen unit, two workers each (Carafe and
Flask have threads for views that wait as well)."""
    peers = """Each peer is a small program in the way of its own documentation, at its best settings:
[benches/peers](../benches/peers) holds them, with a word on how each keeps its session. *Bare hyper* is the floor: the same signed
cookie and JSON by hand, no router, no timeouts; the row below it adds tokio's timer for slow headers, which Carafe and
actix have and `axum::serve` does not. *Routes declared* are those with `.blocking(false)`; *nothing declared* is an app that nobody
annotated. tower-sessions keeps its session in memory and signs nothing, Rocket encrypts."""
    how = f"""{results["rounds"]} rounds of {results["seconds"]} s in turns, medians; a ratio is the median of the rounds' ratios."""
    if (apart := spread(results)) is not None:
        how += f" The middle half of a ratio's rounds spans {apart:.0f} % of it, in the median cell."
    how += " Latencies are wrk's, which counts a pause once for each request that it kept away."
    how += f" The machine's load was {results['load'][0]:.1f} before the first round."
    return "\n\n".join(map(fill, (run, peers, how)))


def fill(paragraph):
    """One that holds numbers, in lines as long as the document's."""
    return textwrap.fill(" ".join(paragraph.split()), 120, break_long_words=False, break_on_hyphens=False)


def requests(results):
    """Three tables of /counter, one of /hello."""
    parts = []
    if "counter" in results:
        counts = [str(count) for count in results["connections"]]
        relative = ratios(results, "counter")

        def cpu(name, row):
            if name == FLOOR or name not in relative:
                return [micro(of(row[count], "cpu")) for count in counts]
            return [times(relative[name].get(count)) for count in counts]

        head = ["`/counter`, connections:", *counts]
        parts += [
            "### A session read, changed and signed",
            "![Processor time per request, and the wait for /hello while others wait](benchmarks-peers.svg)",
            "Processor time of the server per request, user and system, from `/proc`; below the floor, as a ratio to it:",
            table(head, rows_of(results, "counter", cpu)),
            "Requests per second:",
            table(head, rows_of(results, "counter", lambda _, row: [f"{of(row[count], 'rate'):,.0f}" for count in counts])),
            "99 of 100 are answered within:",
            table(head, rows_of(results, "counter", lambda _, row: [milli(of(row[count], "p99")) for count in counts])),
        ]
    if "hello" in results:
        relative = ratios(results, "hello")

        def hello(name, row):
            ((count, rounds),) = row.items()
            against = times(relative.get(name, {}).get(count))
            return [micro(of(rounds, "cpu")), against, f"{of(rounds, 'rate'):,.0f}", milli(of(rounds, "p99"))]

        head = ["`/hello`, 64 connections", "processor time", "ratio", "requests/s", "p99"]
        parts += ["### A short text, no session", table(head, rows_of(results, "hello", hello))]
    return parts


def waiting(results):
    if "waiting" not in results:
        return []

    def cells(name, row):
        def one(way):
            if way not in row:
                return "–"
            return f"{milli(of(row[way], 'p50'))}, {milli(of(row[way], 'p99'))}"

        return [one(way) for way in ("quiet", "blocking", "offloaded", "async")]

    head = ["`/hello`, 16 connections: p50, p99", "nobody waits", "views that block", "handed to a pool by hand", "async"]
    text = """### While others wait

`/hello` while 32 requests at a time wait for 50 ms in their views. *Views that block* call `thread::sleep`, as a synchronous
database driver would: that is all that there is in Carafe and Flask, and what must not be done in async code. There it is
*handed to a pool by hand* (`spawn_blocking`, `web::block`), or the driver is *async*."""
    return [text, table(head, rows_of(results, "waiting", cells)), crowd(results)]


def crowd(results):
    """200 at a time."""
    lines = []
    for name in CARAFE:
        if (result := results["crowd"].get(name)) is not None:
            bad = result["failed"] + result["broken"]
            lines.append(f"{SHORT[name]}, {result['rate']:,.0f} answers per second, {bad} of them errors")
    return f"200 such requests at a time, in Carafe's pool of 32: {'; '.join(lines)}." if lines else ""


def idle(results):
    if "idle" not in results:
        return []

    def cells(name, rounds):
        opened, asked = of(rounds, "open"), 10_000
        p99 = [of([round[key] for round in rounds], "p99") for key in ("without", "with")]
        held = "–" if opened < asked / 2 else f"{of(rounds, 'bytes') / 1024:.1f} KiB"
        return [held, f"{opened:,.0f}", *map(milli, p99)]

    head = ["10,000 idle connections", "memory of one", "still open", "`/hello` p99 without", "with them"]
    text = """### Connections that do nothing

Memory is what a fresh server's processes hold more (`Pss`) once each of 10,000 connections has had an answer; the kernel's
own for a socket is not in it."""
    return [text, table(head, rows_of(results, "idle", cells))]


def memory(results):
    if "long" not in results:
        return []
    rows = []
    for name, points in results["long"].items():
        half = next(point for point in points if point[0] >= points[-1][0] / 2)
        held = [f"{point[1] / 2**20:.1f} MiB" for point in (points[0], half, points[-1])]
        rows.append([TITLES[name], f"{points[-1][0]:,}", *held])
    head = ["memory, `/counter`", "requests", "before", "after half of them", "after all"]
    text = """### A million requests

Memory of the server's processes (`Pss`). Before it, connections that ask once each fill the heaps that glibc keeps for every thread."""
    return [text, table(head, rows)]


# What it comes to


def goals(results):
    """Each goal, and whether it was met."""
    rows = []

    def goal(text, measured, met):
        rows.append([text, measured, "met" if met else "**missed**"])

    def cpu_goal(text, name, against, limit):
        values = list(ratios(results, "counter", against=against).get(name, {}).values())
        if values:
            met = sum(value <= limit for value in values)
            measured = span(values, lambda value: f"{value:.3f}" if value < 0.1 else times(value))
            rows.append([text, measured, "met" if met == len(values) else f"**missed** at {len(values) - met} of {len(values)}"])

    cpu_goal("processor time of `/counter`, declared: at most 1.10 of bare hyper", "carafe-declared", FLOOR, 1.10)
    cpu_goal("undeclared: at most 1.40", "carafe", FLOOR, 1.40)
    for name in CARAFE:
        cpu_goal(f"{SHORT[name]}: at most 0.80 of actix", name, "actix", 0.80)
        cpu_goal(f"{SHORT[name]}: at most 0.80 of axum", name, "axum", 0.80)
        cpu_goal(f"{SHORT[name]}: under 1/35 (0.029) of Flask", name, "flask", 1 / 35)
    for name in CARAFE:
        row = results.get("waiting", {}).get(name)
        if row and (value := ratio(row["blocking"], row["quiet"], "p99")):
            goal(f"`/hello` p99 while 32 wait, {SHORT[name]}: at most twice", times(value), value <= 2)
        crowd = results.get("crowd", {}).get(name)
        if crowd:
            bad = crowd["failed"] + crowd["broken"]
            goal(f"200 at a time in a pool of 32, {SHORT[name]}: all finish", f"{bad} errors", bad == 0 and crowd["requests"] >= 200)
        rounds = results.get("idle", {}).get(name)
        if rounds:
            value = median(round["with"]["p99"] / round["without"]["p99"] for round in rounds if round["with"]["p99"])
            if value:
                goal(f"`/hello` p99 beside 10,000 idle connections, {SHORT[name]}: at most twice", times(value), value <= 2)
        points = results.get("long", {}).get(name)
        if points:
            early = max(bytes for done, bytes in points if done <= points[-1][0] / 2)
            value = points[-1][1] / early
            goal(f"memory after a million requests, {SHORT[name]}: that of the first half", times(value), value <= 1.05)
    if not rows:
        return []
    return ["### The goals of this comparison", table(["goal", "measured", "result"], rows)]


def losses(results):
    """Who is ahead of Carafe, in what, and by how much."""
    rows = []
    ours = [name for name in CARAFE if name in results["names"]]

    def compare(what, key, factors):
        """`factors(mine, other)`: how many times as good the other is, at each point."""
        cells = []
        for mine in ours:
            ahead = []
            for other in results["names"]:
                if other in CARAFE:
                    continue
                behind = [value for value in factors(mine, other) if value is not None and value > NOISE[key]]
                if behind:
                    ahead.append(f"{SHORT[other]} ({span(behind)})")
            cells.append(", ".join(ahead) or "nobody")
        rows.append([what, *cells])

    def cost(scenario, key):
        return lambda mine, other: ratios(results, scenario, key, other).get(mine, {}).values()

    def gain(scenario, key):
        return lambda mine, other: [1 / value for value in cost(scenario, key)(mine, other)]

    for scenario in ("counter", "hello"):
        if scenario in results:
            compare(f"`/{scenario}`, processor time", "cpu", cost(scenario, "cpu"))
            compare(f"`/{scenario}`, requests per second", "rate", gain(scenario, "rate"))
            compare(f"`/{scenario}`, p99", "p99", cost(scenario, "p99"))
    if "waiting" in results:
        def best(name):
            ways = results["waiting"].get(name, {})
            found = [of(ways[way], "p99") for way in ways if way != "quiet"]
            return min((value for value in found if value), default=None)

        compare("`/hello`, p99 while 32 wait, each in its best way", "p99", lambda mine, other: [
            best(mine) / best(other) if best(mine) and best(other) else None])  # fmt: skip
    if "idle" in results:
        def bytes_of(name):
            rounds = results["idle"].get(name)
            return of(rounds, "bytes") if rounds and of(rounds, "open") == 10_000 else None

        compare("memory of an idle connection", "bytes", lambda mine, other: [
            bytes_of(mine) / bytes_of(other) if bytes_of(mine) and bytes_of(other) else None])  # fmt: skip
    if not rows or not ours:
        return []
    text = """### Where Carafe loses

Who is ahead of it, and how many times as good at the connection counts where it is; what differs by less than 3 % (p99: 20 %)
is left out, as noise."""
    always = """Beyond numbers: a request that waits takes a thread, so that as many can wait at once as the pool has threads, where async
code has thousands waiting in two. There is no HTTP/2, no TLS, no WebSocket, which most of the peers have."""
    return [text, table(["", *(TITLES[name] + ": ahead are" for name in ours)], rows), always]


def markdown(results):
    """What stands between the markers."""
    parts = [about(results), *requests(results), *waiting(results), *idle(results), *memory(results)]
    parts += [*losses(results), *goals(results)]
    return "\n\n".join(part for part in parts if part) + "\n"


def insert(path, text):
    """Between the markers; at the end of the document, the first time."""
    document = path.read_text()
    if BEGIN not in document:
        document = f"{document.rstrip()}\n\n## Among its peers\n\n{BEGIN}\n{END}\n"
    pattern = re.escape(BEGIN) + r".*?" + re.escape(END)
    path.write_text(re.sub(pattern, lambda _: f"{BEGIN}\n{text}{END}", document, flags=re.S))
