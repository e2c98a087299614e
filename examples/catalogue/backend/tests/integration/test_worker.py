import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi.testclient import TestClient
from redis import Redis
from rq import Queue

from catalogue.jobs import QUEUE

ROOT = Path(__file__).parents[2]


@contextmanager
def worker() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", "catalogue.worker"], cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(what: str, holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.05)


def test_a_worker_indexes_new_and_forgotten_items_and_finishes_its_job(
    admin: TestClient, redis: Redis
) -> None:
    queue = Queue(QUEUE, connection=redis)
    admin.post("/api/items", json={"category": "garden", "name": "Spade"})
    redis.flushdb()  # the jobs are gone
    with worker() as process:
        wait_for(
            "every item is indexed",
            lambda: all(item["word_count"] for item in admin.get("/api/items").json()),
        )
        new = {"category": "garden", "name": "Rake", "description": "Twelve teeth."}
        assert admin.post("/api/items", json=new).json()["word_count"] is None

        def indexed() -> bool:
            newest = admin.get("/api/items").json()[0]
            return (newest["search_slug"], newest["word_count"]) == ("garden-rake", 3)

        wait_for("the newest item is indexed", indexed)
        queue.enqueue("tests.integration.slow.job")
        queue.enqueue("tests.integration.slow.job")
        wait_for("the slow job has started", lambda: redis.get("slow") == b"started")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert redis.get("slow") == b"finished"
    assert queue.count == 1, "the second job stays in the queue for the next worker"
