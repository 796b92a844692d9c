"""Long-lived child processes that answer one scenario a line: the two oracles and the Rust runner."""

import json
import os
import selectors
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
ORACLE = HERE / "oracle.py"
SECONDS = 20


class Child:
    """One such process. One that dies or stays silent is started again; its answer is an error."""

    def __init__(self, command):
        self._command = [str(word) for word in command]
        self._process = None

    def ask(self, scenario):
        """The result of one scenario."""
        if self._process is None:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        try:
            self._process.stdin.write(json.dumps(scenario).encode() + b"\n")
            self._process.stdin.flush()
            return json.loads(self._read_line())
        except (OSError, ValueError) as error:
            self.close()
            return {"id": scenario.get("id"), "error": f"the process died or was silent: {error}"}

    def _read_line(self):
        """One line of the answer. Reads the file itself: a buffered reader could hold what `select` waits for."""
        output = self._process.stdout.fileno()
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(SECONDS):
                    raise ValueError(f"no answer in {SECONDS} seconds")
                chunk = os.read(output, 1 << 16)
                if not chunk:
                    raise ValueError("the process ended")
                line += chunk
        return line

    def close(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()
            self._process = None


def run_file(command, scenarios, results):
    """Starts a command on a whole file of scenarios; gives the process."""
    with open(scenarios, "rb") as source, open(results, "wb") as target:
        return subprocess.Popen([str(word) for word in command], stdin=source, stdout=target)
