"""The images' own health checks: python -m catalogue.probe [worker]

Imports little: the engine starts it every few seconds.
"""

import http.client
import os
import socket
import sys


def main() -> int:
    role = worker if sys.argv[1:] == ["worker"] else web
    try:
        problem = role()
    except Exception as error:
        problem = str(error)
    if problem:
        print(problem, file=sys.stderr)
    return 1 if problem else 0


def web() -> str:
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=4)
    connection.request("GET", "/api/healthz")
    answer = connection.getresponse()
    return "" if answer.status == 200 else f"{answer.status}: {answer.read(500).decode()}"


def worker() -> str:
    """A worker is healthy while it is registered: RQ renews that as long as it turns."""
    from redis import Redis

    mine = f"rq:worker:catalogue-worker-{socket.gethostname()}-".encode()
    with Redis.from_url(os.environ["REDIS_URL"], socket_timeout=2) as redis:
        registered = redis.smembers("rq:workers")
    return "" if any(key.startswith(mine) for key in registered) else "no worker is registered"


if __name__ == "__main__":
    sys.exit(main())
