"""The background worker: python -m catalogue.worker

SIGTERM is a warm shutdown: the job at hand is finished, then the process exits with 0.
"""

import logging
import secrets
import socket
import sys
from types import FrameType

from redis import Redis
from rq import Queue, Worker
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from catalogue import jobs, logs, settings
from catalogue.database import make_engine

PREFIX = "catalogue-worker-"

log = logging.getLogger("catalogue.worker")


class CatalogueWorker(Worker):
    stopping = False

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.stopping = True
        log.info("asked to stop: a job at hand is finished first")
        super().request_stop(signum, frame)


def main() -> int:
    logs.configure()
    try:
        config = settings.load()
        redis = Redis.from_url(config.redis_url)
        catch_up(redis, config.database_url)
    except (settings.SettingsError, SQLAlchemyError) as error:
        log.error("cannot start: %s", error)
        return 2
    worker = CatalogueWorker([Queue(jobs.QUEUE, connection=redis)], name=name(), connection=redis)
    log.info("waiting for jobs")
    worker.work(logging_level="WARNING")  # RQ has six lines for each job, the job itself has one
    # RQ also returns when Redis is gone for good: then the engine has to start the worker again.
    return 0 if worker.stopping else 1


def catch_up(redis: Redis, database_url: str) -> None:
    engine = make_engine(database_url)
    with Session(engine) as session:
        if count := jobs.enqueue_forgotten(redis, session):
            log.info("enqueued %d items that no worker had seen", count)
    engine.dispose()  # a job's process must not share this connection


def name() -> str:
    """Starts as `probe` expects it, ends at random: RQ refuses a name that a killed worker left."""
    return f"{PREFIX}{socket.gethostname()}-{secrets.token_hex(4)}"


if __name__ == "__main__":
    sys.exit(main())
