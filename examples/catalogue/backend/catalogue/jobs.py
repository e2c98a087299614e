"""The work that a request doesn't wait for. `index_item` runs in the worker."""

import logging

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import settings
from catalogue.cache import Cache, connect
from catalogue.database import make_engine
from catalogue.models import Item
from catalogue.text import count_words, slugify

QUEUE = "catalogue"

log = logging.getLogger(__name__)


def index_item(item_id: int) -> None:
    """Writes an item's search slug and word count. Doing it twice changes nothing."""
    config = settings.load()
    engine = make_engine(config.database_url)
    try:
        with Session(engine) as session:
            item = session.get(Item, item_id)
            if item is None:  # deleted since it was enqueued
                return
            item.search_slug = slugify(f"{item.category.name} {item.name}")
            item.word_count = count_words(f"{item.name} {item.description}")
            session.commit()
    finally:
        engine.dispose()
    with connect(config.redis_url) as redis:
        Cache(redis, config.revision).invalidate("items")
    log.info("item %d is indexed", item_id)


def enqueue(redis: Redis, item_id: int) -> None:
    """Call it after the commit. A lost job is made up for when a worker next starts."""
    from rq import Queue, Retry  # only a write needs it: the API starts faster without

    try:
        Queue(QUEUE, connection=redis).enqueue(
            "catalogue.jobs.index_item", item_id, job_timeout=30, retry=Retry(max=3)
        )
    except RedisError as error:
        log.warning("jobs: item %d waits for the next start of a worker: %s", item_id, error)


def enqueue_forgotten(redis: Redis, session: Session) -> int:
    """Enqueues every item that no worker has seen; returns how many."""
    ids = session.scalars(select(Item.id).where(Item.word_count.is_(None))).all()
    for item_id in ids:
        enqueue(redis, item_id)
    return len(ids)
