"""gunicorn's settings: two workers, each with threads enough for 32 views that wait while others are served."""

workers = 2
worker_class = "gthread"
threads = 32
keepalive = 75
# So many connections a worker holds; all the others hold more than the 10,000 of the idle scenario.
worker_connections = 12_000
backlog = 4096


def when_ready(server):
    for listener in server.LISTENERS:
        host, port = listener.sock.getsockname()
        print(f"listening on http://{host}:{port}", flush=True)
