"""A job that takes a while, for the worker of test_worker.py."""

import os
import time

from redis import Redis


def job() -> None:
    with Redis.from_url(os.environ["REDIS_URL"]) as redis:
        redis.set("slow", "started")
        time.sleep(0.5)
        redis.set("slow", "finished")
