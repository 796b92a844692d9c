"""Stands in for the Rust runner: answers with Flask 3.1.3's results and Flask 1.1.4's stages, and one fault.

    fake_runner.py PYTHON313 PYTHON114 [FAULT]

It shows what `compare.py`, `shrink.py` and `run.py` do with a runner that is right, or wrong in one way.
"""

import json
import sys

from children import ORACLE, Child


def lose_flashes(response):
    """Forgets that message_flashed was sent."""
    response["events"] = [event for event in response["events"] if event != ["signal", "message_flashed"]]


def lose_vary(response):
    """Forgets Vary."""
    if "headers" in response:
        response["headers"] = [header for header in response["headers"] if header[0] != "Vary"]


def lose_save_session(response):
    """Leaves one stage out."""
    response["stages"] = [stage for stage in response.get("stages", []) if stage[1] != "save_session"]


FAULTS = {"none": lambda response: None, "flash": lose_flashes, "vary": lose_vary, "stage": lose_save_session}


def merged(new, old, fault):
    """Both Flasks' results as one."""
    for response, old_response in zip(new.get("responses", []), old.get("responses", [])):
        if "stages" in old_response:
            response["stages"] = old_response["stages"]
        fault(response)
    return new


def main():
    python313, python114, *fault = sys.argv[1:]
    fault = FAULTS[fault[0] if fault else "none"]
    new, old = Child([python313, ORACLE]), Child([python114, ORACLE])
    for line in sys.stdin:
        scenario = json.loads(line)
        print(json.dumps(merged(new.ask(scenario), old.ask(scenario), fault)), flush=True)


if __name__ == "__main__":
    main()
