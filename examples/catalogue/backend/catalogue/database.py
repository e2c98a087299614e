"""The connection to PostgreSQL."""

from sqlalchemy import URL, Engine, create_engine, make_url

# A request never waits longer than this for the database (milliseconds).
STATEMENT_TIMEOUT = 5_000


def driver_url(address: str) -> URL:
    """Maps the plain address (postgresql://user:pw@host:5432/name) to the psycopg 3 driver."""
    return make_url(address).set(drivername="postgresql+psycopg")


def make_engine(address: str) -> Engine:
    return create_engine(
        driver_url(address),
        pool_pre_ping=True,  # a restarted database costs no request
        pool_size=10,
        max_overflow=10,
        pool_timeout=5,
        connect_args={"connect_timeout": 3, "options": f"-c statement_timeout={STATEMENT_TIMEOUT}"},
    )
