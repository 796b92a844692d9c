"""What is compared: how each server is built, started, asked, and what it uses. Read next: scenarios.py."""

import contextlib
import http.client
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

THREADS = "2"
SECRET_KEY = "sixty-four bytes that only a benchmark would call a secret key.."
TICK = os.sysconf("SC_CLK_TCK")

ASYNC = {"async": "/sleep/50", "blocking": "/block/50", "offloaded": "/offload/50"}
SYNC = {"blocking": "/sleep/50"}


@dataclass(frozen=True)
class Contestant:
    """One row of the tables."""

    name: str
    title: str
    # The workspace that builds it, "" for a Python program; and the program with its options.
    workspace: str
    command: list
    # How its views can wait for 50 ms.
    waits: dict = field(default_factory=dict)

    def __hash__(self):
        return hash(self.name)


def peer(name, title, waits=ASYNC, options=()):
    program = name.removesuffix("-timeout")
    command = [f"release/peer-{program}", "--bind", "127.0.0.1:0", "--threads", THREADS, *options]
    return Contestant(name, title, "peers", command, waits)


def carafe(name, title, options=()):
    command = ["carafe/release/examples/counter", "--bind", "127.0.0.1:0", "--secret-key", SECRET_KEY]
    return Contestant(name, title, "carafe", [*command, "--threads", THREADS, *options], SYNC)


FLASK = ["venv/bin/gunicorn", "--config", "../flask/gunicorn.conf.py", "--chdir", "../flask"]
FLOOR = "hyper"
ALL = [
    peer(FLOOR, "bare hyper, by hand"),
    peer("hyper-timeout", "bare hyper, header timeout", {}, ["--header-timeout"]),
    carafe("carafe-declared", "**Carafe**, routes declared", ["--inline"]),
    carafe("carafe", "**Carafe**, nothing declared"),
    peer("axum", "axum, `SignedCookieJar`"),
    peer("actix", "actix-web, actix-session"),
    peer("tower-sessions", "axum, tower-sessions in memory"),
    peer("rocket", "Rocket, private cookies"),
    Contestant("flask", "Flask, gunicorn", "", [*FLASK, "--bind", "127.0.0.1:0", "app:app"], SYNC),
]
TITLES = {contestant.name: contestant.title for contestant in ALL}


def chosen(names):
    """Those that are named, or all."""
    if not names:
        return ALL
    names = names.split(",")
    unknown = set(names) - set(TITLES)
    if unknown:
        sys.exit(f"no contestant is called {', '.join(unknown)}; they are {', '.join(TITLES)}")
    return [contestant for contestant in ALL if contestant.name in names]


def build(wanted, root, target):
    """Builds what can be built, and says what cannot."""
    target.mkdir(exist_ok=True)
    workspaces = {contestant.workspace for contestant in wanted}
    made = set()
    if "peers" in workspaces and cargo("the peers", ["--workspace", "--locked"], root / "benches" / "peers", target, {}):
        made.add("peers")
    if "carafe" in workspaces:
        # The peers' profile, which Cargo.toml has for benches only.
        profile = {"LTO": "fat", "CODEGEN_UNITS": "1", "DEBUG": "false"}
        profile = {f"CARGO_PROFILE_RELEASE_{key}": value for key, value in profile.items()}
        if cargo("Carafe", ["--features", "server", "--example", "counter"], root, target / "carafe", profile):
            made.add("carafe")
    if "" in workspaces:
        venv(target / "venv", root / "benches" / "peers" / "flask" / "requirements.txt")
        made.add("")
    return [contestant for contestant in wanted if contestant.workspace in made]


def cargo(what, options, folder, target, profile):
    print(f"building {what}", flush=True)
    command = ["cargo", "build", "--release", "--target-dir", str(target), *options]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **profile})
    if done.returncode != 0:
        print(f"NOT COMPARED: {what} did not build", file=sys.stderr)
    return done.returncode == 0


def venv(folder, requirements):
    """A virtual environment, made anew when the requirements have changed."""
    copy = folder / "requirements.txt"
    if copy.exists() and copy.read_text() == requirements.read_text():
        return
    print("installing Flask", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements]
    subprocess.run(pip, check=True)
    copy.write_text(requirements.read_text())


def versions(root, target):
    """Of everything that was compared, from the lock file and from pip."""
    lock = (root / "benches" / "peers" / "Cargo.lock").read_text()
    packages = re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', lock)
    # The newest, where a lock file has two: Rocket brings an older hyper.
    found = {name: version for name, version in packages}
    names = ["hyper", "tokio", "axum", "axum-extra", "actix-web", "actix-session", "rocket", "tower-sessions"]
    result = {name: found[name] for name in names if name in found}
    python = target / "venv" / "bin" / "python"
    if python.exists():
        code = "from importlib.metadata import version as v; print(v('flask'), v('gunicorn'))"
        flask = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        result |= {"Flask": flask[0], "gunicorn": flask[1]}
    return result


class Server:
    """A contestant that runs, with a session of its own."""

    def __init__(self, contestant, target):
        self.contestant = contestant
        self.name = contestant.name
        logs = target / "logs"
        logs.mkdir(exist_ok=True)
        path = logs / f"{self.name}.log"
        with open(path, "wb") as log:
            # A group of its own: Ctrl-C is ours to pass on.
            self.process = subprocess.Popen(
                [str(target / contestant.command[0]), *contestant.command[1:]],
                cwd=target, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        try:
            self.url = self._announced(path)
            self.address = (urlsplit(self.url).hostname, urlsplit(self.url).port)
            self.cookie = self._login()
        except BaseException:
            self.stop()
            raise

    def _announced(self, path):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = re.search(r"listening on (http://\S+)\n", path.read_text(errors="replace"))
            if found:
                return found[1]
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        sys.exit(f"{self.name} does not start:\n{path.read_text(errors='replace')}")

    def get(self, path, cookie=None):
        """Status, cookie and text of one answer."""
        connection = http.client.HTTPConnection(*self.address, timeout=30)
        try:
            connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
            response = connection.getresponse()
            kept = (response.getheader("Set-Cookie") or "").split(";")[0]
            return response.status, kept, response.read().decode()
        finally:
            connection.close()

    def _login(self):
        return self.get("/login")[1]

    def processes(self):
        """Its process and those that it started."""
        found = [self.process.pid]
        for pid in found:
            # A process that ends meanwhile has no children.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                for task in os.listdir(f"/proc/{pid}/task"):
                    children = Path(f"/proc/{pid}/task/{task}/children").read_text().split()
                    found.extend(map(int, children))
        return found

    def cpu(self):
        """Seconds of processor time, user and system, of all its processes and their threads."""
        ticks = 0
        for pid in self.processes():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / TICK

    def memory(self):
        """Bytes that it holds: what its processes share is counted once."""
        total = 0
        for pid in self.processes():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                text = Path(f"/proc/{pid}/smaps_rollup").read_text()
                total += int(re.search(r"^Pss:\s+(\d+) kB", text, re.M)[1]) * 1024
        return total

    def settle(self):
        """Waits until it has dealt with the connections that wrk left, for at most ten seconds."""
        deadline = time.monotonic() + 10
        before = self.cpu()
        while time.monotonic() < deadline:
            time.sleep(0.05)
            now = self.cpu()
            if now == before:
                return
            before = now

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            # Its own group, made above.
            os.killpg(self.process.pid, 9)
            self.process.wait()


@contextlib.contextmanager
def running(wanted, target):
    """All of these at once: those that nobody asks use no processor."""
    with contextlib.ExitStack() as stack:
        servers = []
        for contestant in wanted:
            server = Server(contestant, target)
            stack.callback(server.stop)
            servers.append(server)
        yield servers
