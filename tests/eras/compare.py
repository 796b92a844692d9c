"""Has each Flask record its visits and answer questions, and checks that the book's files say the same.

    compare.py [--update] 1.0.4=path/to/python 1.1.4=... 2.2.5=... 3.1.3=...

The visits are record.py's, the questions questions.py's. Into `book/src/generated/eras` go, from one Flask,
`<version>.json`: the scenes with their steps; and from all, `<scene>.txt`: one tree with a column a Flask,
`answers.txt`: what a client got, and what changed in it, and `questions.txt`.
"""

import argparse
import difflib
import itertools
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILES = HERE.parent.parent / "book" / "src" / "generated" / "eras"

SHORT = {
    "first visit": "first",
    "returning visit": "returning",
    "view error": "view_error",
    "HTTP error": "http_error",
    "failing after_request": "after_error",
    "visit of a stranger": "stranger",
}


def told_by(python, script):
    run = subprocess.run([python, "-W", "ignore", HERE / script], stdout=subprocess.PIPE, check=True)
    return json.loads(run.stdout)


def as_json(scenes):
    """One line a step: a change is a change of few lines."""
    written = []
    for scene in scenes:
        head = {name: value for name, value in scene.items() if name != "steps"}
        steps = ",\n".join("      " + json.dumps(step) for step in scene["steps"])
        fields = "".join("    {}: {},\n".format(json.dumps(name), json.dumps(head[name])) for name in head)
        written.append('  {{\n{}    "steps": [\n{}\n    ]\n  }}'.format(fields, steps))
    return "[\n" + ",\n".join(written) + "\n]"


def words(step):
    text = "signal " + step["name"] if step["kind"] == "signal" else step["name"]
    return text + " ✗" if step.get("raises") else text


def cell(depth, shown):
    """How a Flask has a step that is shown at a depth: not at all, there, or nearer to one side."""
    if depth is None:
        return ""
    return "■" if depth == shown else "<" if depth < shown else ">"


def one_tree(title, scenes):
    """The trees of all Flasks laid over each other. A row is a step; a column says where it runs."""
    rows = []  # [words, depth, {version: depth}]
    for version, scene in scenes.items():
        steps = [(words(step), step["depth"]) for step in scene["steps"]]
        names = [row[0] for row in rows], [name for name, _ in steps]
        merged = []
        for change, a, b, c, d in difflib.SequenceMatcher(None, *names, autojunk=False).get_opcodes():
            if change == "equal":
                for row, (_, depth) in zip(rows[a:b], steps[c:d]):
                    row[2][version] = depth
                merged += rows[a:b]
            else:
                merged += rows[a:b]
                merged += [[name, depth, {version: depth}] for name, depth in steps[c:d]]
        rows = merged
    width = max(2 * depth + len(text) for text, depth, _ in rows) + 4
    lines = [title.ljust(width) + "  ".join(scenes)]
    for text, depth, depths in rows:
        cells = [cell(depths.get(version), depth) for version in scenes]
        mark = "  " if set(cells) == {"■"} else "* "
        lines.append(((mark + "  " * depth + text).ljust(width) + "  ".join(each.center(5) for each in cells)).rstrip())
    return "\n".join(lines)


def answer(scene):
    lines = [scene["status"]]
    lines += ["{}: {}".format(*pair) for pair in scene["headers"]]
    return lines + [""] + scene["body"].rstrip("\n").split("\n")


def answers(scenes):
    """What each client got: the first Flask's answer, and the later ones' changes of it."""
    blocks = []
    for place, scene in enumerate(next(iter(scenes.values()))):
        lines = ["━━ {}: {} ".format(scene["scene"], scene["request"]).ljust(80, "━"), ""]
        before = None
        for version in scenes:
            now = answer(scenes[version][place])
            if before is None:
                shown = now
            else:
                shown = [line for line in difflib.ndiff(before, now) if line[0] in "+-"] or ["the same"]
            for label, line in zip([version] + [""] * len(shown), shown):
                lines.append("{:<9}{}".format(label, line).rstrip())
            before = now
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def questions(answered):
    """Each question, with the answers in the order of the Flasks; one that all of some give stands once."""
    blocks = []
    for place, (question, _) in enumerate(next(iter(answered.values()))):
        lines, versions = [question], list(answered)
        while versions:
            said = answered[versions[0]][place][1]
            alike = list(itertools.takewhile(lambda version: answered[version][place][1] == said, versions))
            span = alike[0] if len(alike) == 1 else "{} to {}".format(alike[0], alike[-1])
            lines.append("  {:<16} {}".format(span, said))
            versions = versions[len(alike) :]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--update", action="store_true", help="write the files")
    parser.add_argument("flasks", nargs="+", metavar="version=python")
    options = parser.parse_args()

    eras, answered = {}, {}
    for flask in options.flasks:
        version, _, python = flask.partition("=")
        eras[version] = told_by(python, "record.py")
        answered[version] = told_by(python, "questions.py")
    files = {version + ".json": as_json(scenes) for version, scenes in eras.items()}
    for place, scene in enumerate(next(iter(eras.values()))):
        title = scene["scene"]
        files[SHORT[title] + ".txt"] = one_tree(scene["request"], {version: eras[version][place] for version in eras})
    files["answers.txt"] = answers(eras)
    files["questions.txt"] = questions(answered)

    differ = []
    for name, text in sorted(files.items()):
        path = FILES / name
        if not path.exists() or path.read_text(encoding="utf-8") != text + "\n":
            differ.append(name)
            if options.update:
                FILES.mkdir(parents=True, exist_ok=True)
                path.write_text(text + "\n", encoding="utf-8")
            elif path.exists():
                was = path.read_text(encoding="utf-8").splitlines()
                for line in difflib.unified_diff(was, text.splitlines(), name, "recorded now", lineterm=""):
                    print(line)
    steps = sum(len(scene["steps"]) for scenes in eras.values() for scene in scenes)
    print("{} Flasks, {} steps, {} files".format(len(eras), steps, len(files)))
    if options.update:
        print("written: {}".format(", ".join(differ) or "none, all was so already"))
    elif differ:
        sys.exit("not what Flask does now: {}. UPDATE=1 bash tests/eras/run writes them.".format(", ".join(differ)))


if __name__ == "__main__":
    main()
