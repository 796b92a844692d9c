"""What is measured, always in turns: a round asks every server once, in an order that changes. Read next: report.py."""

import contextlib
import random
import re
import signal
import socket
import subprocess
import sys
import time

import contestants

IDLE = 10_000
# Connections that ask for /hello while others wait, or are idle.
FEW = 16
MILLION = 1_000_000
ORDER = random.Random(0)


def wrk(server, path, connections, seconds):
    """The command line. One thread: it is not what should fill the machine."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency"]
    if path == "/counter":
        command += ["-H", f"Cookie: {server.cookie}"]
    return [*command, server.url + path]


def read(output):
    """wrk's report, in requests, seconds and seconds."""
    units = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}

    done = re.search(r"(\d+) requests in", output)

    def latency(percent):
        found = re.search(rf"^\s+{percent}%\s+([\d.]+)(us|ms|s|m)\s*$", output, re.M)
        return float(found[1]) * units[found[2]] if found and done and int(done[1]) else None

    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    return {
        "requests": int(done[1]) if done else 0,
        "rate": float(rate[1]) if rate else 0.0,
        "p50": latency(50),
        "p99": latency(99),
        "failed": int(failed[1]) if failed else 0,
        "broken": sum(map(int, broken.groups())) if broken else 0,
    }


def ask(server, path, connections, seconds):
    """One turn of one server, with the processor time that it took."""
    before = server.cpu()
    output = subprocess.run(wrk(server, path, connections, seconds), capture_output=True, text=True, check=True).stdout
    # At once: what it does with requests that wrk left behind is not counted, as they are not.
    used = server.cpu() - before
    server.settle()
    result = read(output)
    if result["failed"]:
        print(f"{server.name} {path}: {result['failed']} answers are errors", file=sys.stderr)
    return {**result, "cpu": used / result["requests"] if result["requests"] else None}


def check_answers(servers):
    """A server that answers wrongly is compared with nobody."""
    for server in servers:
        for path, expected in [("/counter", "jack 42"), ("/hello", "Hello, World!")]:
            status, cookie, text = server.get(path, server.cookie)
            if (status, text) != (200, expected):
                sys.exit(f"{server.name} answers {path} with {status} {text!r} and not with {expected!r}")
            if path == "/counter" and not cookie:
                sys.exit(f"{server.name} does not save its session")
        # So that wrk's turns begin with the same session again.
        server.cookie = server._login()
    # What the floor does is what Carafe does: each opens the other's cookie.
    same = [server for server in servers if server.name.startswith(("hyper", "carafe"))]
    for server, other in zip(same, same[1:] + same[:1]):
        status, _, text = server.get("/counter", other.cookie)
        if text != "jack 42":
            sys.exit(f"{server.name} does not open the cookie of {other.name}: {status} {text!r}")


def turns(what, servers, rounds):
    """Round by round, in another order each."""
    for turn in range(rounds):
        print(f"{what}, round {turn + 1} of {rounds}", flush=True)
        yield from ORDER.sample(servers, len(servers))


def requests(servers, path, connections, rounds, seconds):
    """Processor time, requests per second and latency: {name: {connections: [result of a round]}}."""
    results = {server.name: {str(count): [] for count in connections} for server in servers}
    for server in servers:
        # Untimed: caches, allocators, and what a server learns of its routes.
        ask(server, path, 64, 1)
    pairs = [(server, count) for server in servers for count in connections]
    for server, count in turns(path, pairs, rounds):
        results[server.name][str(count)].append(ask(server, path, count, seconds))
    return results


@contextlib.contextmanager
def sleepers(server, path, count):
    """So many requests at a time that wait in their views; yields a list that gets what became of them."""
    # wrk ends when it is told to.
    process = subprocess.Popen(wrk(server, path, count, 600), stdout=subprocess.PIPE, text=True)
    outcome = []
    try:
        time.sleep(0.5)
        yield outcome
    finally:
        process.send_signal(signal.SIGINT)
        outcome.append(read(process.communicate()[0]))
        server.settle()


def waiting(servers, rounds, seconds):
    """/hello while 32 requests at a time wait for 50 ms in their views: {name: {way: [result]}}; without them, "quiet"."""
    waiters = [server for server in servers if server.contestant.waits]
    results = {server.name: {} for server in waiters}
    for server in turns("/hello while others wait", waiters, rounds):
        ways = results[server.name]
        ways.setdefault("quiet", []).append(ask(server, "/hello", FEW, seconds))
        for way, path in server.contestant.waits.items():
            with sleepers(server, path, 32) as outcome:
                result = ask(server, "/hello", FEW, seconds)
            result["slept"] = outcome[0]["rate"]
            ways.setdefault(way, []).append(result)
    return results


def crowd(servers, seconds):
    """200 requests at a time that wait for 50 ms in Carafe's pool of 32: do all of them get an answer?"""
    ours = [server for server in servers if server.contestant.workspace == "carafe"]
    return {server.name: ask(server, server.contestant.waits["blocking"], 200, seconds) for server in ours}


def connect(server, count):
    """Connections that have asked once, and keep quiet; those that got an answer."""
    request = f"GET /hello HTTP/1.1\r\nHost: {server.address[0]}\r\n\r\n".encode()
    opened = []
    for _ in range(count):
        connection = socket.create_connection(server.address, timeout=10)
        connection.sendall(request)
        opened.append(connection)
        # An answer now and then, so that no queue of connections overflows.
        if len(opened) % 100 == 0:
            with contextlib.suppress(OSError):
                connection.recv(4096, socket.MSG_PEEK)
    deadline = time.monotonic() + 10
    answered = []
    for connection in opened:
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            connection.recv(4096, socket.MSG_PEEK)
            answered.append(connection)
        except OSError:
            connection.close()
    return answered


def still_open(connections):
    count = 0
    for connection in connections:
        connection.setblocking(False)
        try:
            # What is left of the answer, if anything is; then nothing, or the end.
            while connection.recv(4096):
                pass
        except BlockingIOError:
            count += 1
        except OSError:
            pass
    return count


def idle(wanted, target, rounds, seconds):
    """10,000 connections that do nothing: {name: [memory of one, /hello without and with them]}. Each server is a fresh
    one: an allocator that once held more would hide what a connection takes."""
    results = {contestant.name: [] for contestant in wanted}
    for contestant in turns(f"{IDLE} idle connections", wanted, rounds):
        with contestants.running([contestant], target) as [server]:
            ask(server, "/hello", FEW, 1)
            without = ask(server, "/hello", FEW, seconds)
            before = server.memory()
            connections = connect(server, IDLE)
            held = server.memory() - before
            with_them = ask(server, "/hello", FEW, seconds)
            results[contestant.name].append({
                "answered": len(connections),
                "open": still_open(connections),
                "bytes": held / max(1, len(connections)),
                "without": without,
                "with": with_them,
            })  # fmt: skip
            for connection in connections:
                connection.close()
    return results


def memory(wanted, target):
    """Memory in the course of a million requests to /counter: {name: [[requests, bytes]]}; Flask is asked for a tenth. Before the
    first point, a few seconds of connections that ask once each: glibc keeps a heap for each thread, and a
    connection that one opens and another closes makes all of them grow until each has what it needs."""
    results = {}
    for contestant in wanted:
        print(f"a million requests: {contestant.name}", flush=True)
        most = MILLION // 10 if contestant.name == "flask" else MILLION
        with contestants.running([contestant], target) as [server]:
            *once, url = wrk(server, "/counter", 64, 10)
            subprocess.run([*once, "-H", "Connection: close", url], capture_output=True, check=True)
            server.settle()
            done, points = 0, [[0, server.memory()]]
            while done < most:
                done += ask(server, "/counter", 64, 2)["requests"]
                points.append([done, server.memory()])
        results[contestant.name] = points
    return results
