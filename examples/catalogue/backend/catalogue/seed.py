"""The admin user and the first categories: python -m catalogue.seed

Run it as often as you like: what is there stays, and the admin's password becomes ADMIN_PASSWORD.
"""

import logging
import sys

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from catalogue import jobs, logs, settings
from catalogue.cache import Cache, connect
from catalogue.database import make_engine
from catalogue.models import Category, Item, User
from catalogue.samples import SAMPLES
from catalogue.security import ADMIN, check_password, hash_password
from catalogue.text import slugify

log = logging.getLogger("catalogue.seed")


def main() -> int:
    logs.configure()
    try:
        password = settings.required("ADMIN_PASSWORD")
        config = settings.load()
    except settings.SettingsError as error:
        log.error("nothing was seeded: %s", error)
        return 2
    engine = make_engine(config.database_url)
    with Session(engine) as session, connect(config.redis_url) as redis:
        try:
            admin = seed_admin(session, password)
            added = seed_categories(session)
            session.commit()
        except SQLAlchemyError as error:
            log.error("nothing was seeded, is the database migrated? %s", error)
            return 1
        cache = Cache(redis, config.revision)
        cache.invalidate("categories")
        cache.invalidate("items")
        jobs.enqueue_forgotten(redis, session)
    log.info("admin user %s, %d categories added", admin, added)
    return 0


def seed_admin(session: Session, password: str) -> str:
    user = session.scalar(select(User).where(User.name == ADMIN))
    if user is None:
        session.add(User(name=ADMIN, password_hash=hash_password(password)))
        return "added"
    if check_password(user.password_hash, password):
        return "unchanged"
    user.password_hash = hash_password(password)
    return "got a new password"


def seed_categories(session: Session) -> int:
    """Sample items come only with a new category: one that an admin removed stays away."""
    there = set(session.scalars(select(Category.slug)))
    missing = [sample for sample in SAMPLES if slugify(sample.name) not in there]
    for sample in missing:
        category = Category(
            slug=slugify(sample.name), name=sample.name, description=sample.description
        )
        session.add(category)
        for name, description in sample.items:
            session.add(Item(category=category, name=name, description=description))
    return len(missing)


if __name__ == "__main__":
    sys.exit(main())
