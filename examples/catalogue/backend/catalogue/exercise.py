"""Use a running catalogue as its users do: python -m catalogue.exercise list|add|index

Shipway's proofs run it against copies, never against a public environment. `index` needs a worker.
"""

import http.client
import json
import secrets
import sys
import time
from typing import Any

from catalogue import settings

API = ("backend", 8000)
PATIENCE = 60.0  # seconds that a worker may take: a proof runs several releases side by side


def main() -> int:
    problem = {"list": list_items, "add": add_item, "index": index_item}[sys.argv[1]]()
    if problem:
        print(problem, file=sys.stderr)
    return 1 if problem else 0


def list_items() -> str:
    status, found = call("GET", "/api/items")
    return "" if status == 200 else f"the list of items: {status} {found}"


def add_item() -> str:
    """An admin adds an item, and it is in the list."""
    _, categories = call("GET", "/api/categories")
    new = {"category": categories[0]["slug"], "name": fresh_name(), "description": "By a proof."}
    status, made = call("POST", "/api/items", new)
    if status != 201:
        return f"a new item: {status} {made}"
    _, found = call("GET", "/api/items")
    return "" if any(item["id"] == made["id"] for item in found) else "the new item is not listed"


def index_item() -> str:
    """A worker writes what it found out about a new item."""
    # Not at the top: the others need none of it, and it takes longer than they do.
    from sqlalchemy import select
    from sqlalchemy.orm import Session

    from catalogue import jobs
    from catalogue.cache import connect
    from catalogue.database import make_engine
    from catalogue.models import Category, Item

    config = settings.load()
    engine = make_engine(config.database_url)
    with Session(engine) as session, connect(config.redis_url) as redis:
        category = session.scalars(select(Category).limit(1)).one()
        item = Item(category=category, name=fresh_name(), description="Two words.")
        session.add(item)
        session.commit()
        jobs.enqueue(redis, item.id)
        until = time.monotonic() + PATIENCE
        while item.word_count is None and time.monotonic() < until:
            session.rollback()  # an open transaction keeps migrations and the worker waiting
            time.sleep(0.1)
            session.refresh(item)
        return "" if item.word_count else f"no worker has indexed item {item.id}"


def call(method: str, path: str, body: object = None) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json"}
    if body is not None:
        from catalogue.security import ADMIN, Sessions

        token = Sessions(settings.required("SECRET_KEY")).issue(ADMIN)
        headers["Authorization"] = f"Bearer {token}"
    connection = http.client.HTTPConnection(*API, timeout=10)
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read() or b"null")


def fresh_name() -> str:
    return f"Proof {secrets.token_hex(4)}"


if __name__ == "__main__":
    sys.exit(main())
