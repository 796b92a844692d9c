"""The one command: random scenarios and the hand-written ones, on both Flasks and on Carafe, compared.

    run.py --runner target/release/examples/conformance --python313 P --python114 P --seed 1 --count 1000

Prints every first difference, shrinks the first few of them into `target/conformance/`, and ends with a summary line.
The exit code is 1 where anything differs. `--fresh` takes a seed that nobody has tried, and prints it.
"""

import argparse
import json
import os
import secrets
import sys
from pathlib import Path

from children import HERE, ORACLE, run_file
from compare import Tally, compare_files, describe_request
from generate import make_scenario
from shrink import Contest, shrink

MOST_SHRUNK = 3
MOST_SHOWN = 20


def write_scenarios(path, seed, count):
    """The hand-written scenarios, then the random ones, in one file."""
    with open(path, "w", encoding="utf-8") as target:
        for file in sorted((HERE / "scenarios").glob("*.jsonl")):
            target.writelines(
                line for line in file.read_text(encoding="utf-8").splitlines(keepends=True) if line.strip()
            )
        for number in range(count):
            target.write(json.dumps(make_scenario(seed, number)) + "\n")


def run_all(scenarios, commands):
    """Runs the commands at the same time; gives their files of results. Fails where an oracle fails."""
    results = [scenarios.with_name(f"{name}.jsonl") for name in commands]
    processes = [run_file(command, scenarios, path) for command, path in zip(commands.values(), results)]
    for name, process in zip(commands, processes):
        if process.wait() != 0:
            print(f"{name} ended with code {process.returncode}")
            if name != "carafe":
                sys.exit(2)
    return results


def save_shrunk(number, scenario, arguments, directory):
    """Shrinks one scenario that differs and keeps it."""
    contest = Contest(arguments.runner, arguments.python313, arguments.python114)
    smaller, difference = shrink(scenario, contest)
    contest.close()
    path = directory / f"difference-{number}.jsonl"
    path.write_text(json.dumps(smaller, ensure_ascii=False) + "\n", encoding="utf-8")
    requests = ", ".join(map(describe_request, smaller["requests"]))
    print(f"Smaller: {path} ({requests})\n{difference}\n")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runner", required=True, nargs="+", help="the compiled Rust example, as a command")
    for version in ("313", "114"):
        variable = f"CARAFE_PYTHON{version}"
        help_text = f"a Python with that Flask (or ${variable})"
        default = os.environ.get(variable)
        parser.add_argument(f"--python{version}", default=default, required=default is None, help=help_text)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--fresh", action="store_true", help="a new seed")
    parser.add_argument("--directory", type=Path, default=HERE.parent.parent / "target" / "conformance")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    seed = secrets.token_hex(4) if arguments.fresh else arguments.seed
    print(f"Seed {seed}")
    directory = arguments.directory
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("difference-*.jsonl"):
        old.unlink()
    scenarios = directory / "scenarios.jsonl"
    write_scenarios(scenarios, seed, arguments.count)
    commands = {
        "flask313": [arguments.python313, ORACLE],
        "flask114": [arguments.python114, ORACLE],
        "carafe": arguments.runner,
    }
    results = run_all(scenarios, commands)

    tally = Tally()
    for scenario, *_, difference in compare_files(scenarios, *results, tally):
        if tally.differences <= MOST_SHOWN:
            print(f"{scenario.get('id')}: {difference}\n")
        if tally.differences <= MOST_SHRUNK:
            save_shrunk(tally.differences, scenario, arguments, directory)
    print(tally)
    sys.exit(1 if tally.differences else 0)


if __name__ == "__main__":
    main()
