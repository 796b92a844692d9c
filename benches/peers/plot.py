"""The results as a drawing: SVG by hand, in colours that can be read on light and on dark."""

import math
from html import escape

from contestants import FLOOR, TITLES
from report import CARAFE, of, ratios

WIDTH = 860
LEFT = 250
RIGHT = 70
ROW = 26
INK = "#757a81"
FAINT = "#9aa0a655"
OURS = "#cf6a1c"
OTHERS = "#4c87c2"
STYLE = f"""<style>
text {{ font: 13px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; fill: {INK} }}
.head {{ font-size: 15px; font-weight: 600 }}
.small {{ font-size: 11.5px }}
.ours {{ font-weight: 600; fill: {OURS} }}
</style>"""


def text(x, y, words, kind="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def line(x1, y1, x2, y2, colour, width=1.0):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def mark(shape, x, y, colour):
    """A hollow ring, a dot, a diamond, a square."""
    if shape == "ring":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="none" stroke="{colour}" stroke-width="1.6"/>'
    if shape == "dot":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>'
    if shape == "diamond":
        return f'<path d="M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z" fill="{colour}"/>'
    return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{colour}"/>'


def colour(name):
    return OURS if name in CARAFE else OTHERS


def label(name, y):
    words = TITLES[name].replace("**", "").replace("`", "")
    return text(LEFT - 14, y + 4.5, words, "ours" if name in CARAFE else "", "end")


def cost(results, top):
    """Processor time of /counter as a ratio to bare hyper: one dot for each number of connections. A server that is far off
    gets an arrow and its numbers."""
    relative = {name: list(row.values()) for name, row in ratios(results, "counter").items() if name != FLOOR and row}
    near = [value for row in relative.values() for value in row if value < 6]
    most = max(2.0, math.ceil(max(near, default=1) * 2) / 2)
    scale = (WIDTH - LEFT - RIGHT) / most
    counts = ", ".join(map(str, results["connections"]))
    parts = [
        text(14, top + 6, "Processor time per request, times that of bare hyper (shorter is better)", "head"),
        text(14, top + 25, f"/counter: a signed session read, changed, signed anew. A dot each for {counts} connections", "small"),
    ]
    first, bottom = top + 52, top + 52 + ROW * len(relative)
    steps = 0.5 if most <= 6 else 1
    for tick in range(int(most / steps) + 1):
        x = LEFT + tick * steps * scale
        parts.append(line(x, first - 12, x, bottom - 8, INK if tick * steps == 1 else FAINT, 1.4 if tick * steps == 1 else 1))
        parts.append(text(x, bottom + 8, "1 = hyper" if tick * steps == 1 else f"{tick * steps:g}", "small", "middle"))
    for row, (name, values) in enumerate(relative.items()):
        y = first + ROW * row
        parts.append(label(name, y))
        low, high = min(values), max(values)
        if high > most:
            end = WIDTH - RIGHT
            parts.append(line(LEFT, y, end, y, colour(name), 3))
            parts.append(f'<path d="M{end} {y - 6:.1f}l10 6l-10 6z" fill="{colour(name)}"/>')
            parts.append(text(end + 16, y + 4.5, f"{low:.0f}–{high:.0f}"))
            continue
        parts.append(line(LEFT, y, LEFT + high * scale, y, colour(name) + "66", 3))
        parts += [mark("dot", LEFT + value * scale, y, colour(name)) for value in values]
    return parts, bottom + 30


WAYS = [
    ("quiet", "ring", "nobody waits"),
    ("async", "square", "async views wait"),
    ("offloaded", "diamond", "views wait in a pool by hand"),
    ("blocking", "dot", "views block"),
]


def waits(results, top):
    """The p99 of /hello while others wait, on a logarithmic scale."""
    rows = results["waiting"]
    found = {name: {way: of(row[way], "p99") for way, _, _ in WAYS if way in row} for name, row in rows.items()}
    values = [value for row in found.values() for value in row.values() if value]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    scale = (WIDTH - LEFT - RIGHT) / max(1, high - low)
    parts = [text(14, top + 6, "/hello while 32 requests at a time wait for 50 ms: p99 (further left is better)", "head")]
    x = 20
    for _, shape, words in WAYS:
        parts += [mark(shape, x, top + 24, INK), text(x + 12, top + 28, words, "small")]
        x += 42 + 6.6 * len(words)
    first, bottom = top + 56, top + 56 + ROW * len(found)
    for power in range(low, high + 1):
        x = LEFT + (power - low) * scale
        parts.append(line(x, first - 12, x, bottom - 8, FAINT))
        seconds = 10.0**power
        words = f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1e3:g} ms"
        parts.append(text(x, bottom + 8, words, "small", "middle"))
    for row, (name, ways) in enumerate(found.items()):
        y = first + ROW * row
        parts += [label(name, y), line(LEFT, y, WIDTH - RIGHT, y, FAINT)]
        for way, shape, _ in WAYS:
            if way not in ways:
                continue
            if ways[way] is None:
                parts.append(text(WIDTH - RIGHT + 6, y + 4.5, "no answer", "small"))
            else:
                parts.append(mark(shape, LEFT + (math.log10(ways[way]) - low) * scale, y, colour(name)))
    return parts, bottom + 24


def svg(results):
    parts, y = [], 24
    if ratios(results, "counter"):
        drawn, y = cost(results, y)
        parts += drawn
    if results.get("waiting"):
        drawn, y = waits(results, y + 14)
        parts += drawn
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y:.0f}" width="{WIDTH}" height="{y:.0f}" role="img">\n'
        f"<title>Carafe among its peers</title>\n{STYLE}\n{body}\n</svg>\n"
    )
