"""Accessories that a project's packages need, and the variables by which its code finds them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from shipway.domain.image import base_name
from shipway.drafting.dependencies import Project
from shipway.drafting.draft import AccessoryDraft, Draft
from shipway.drafting.platforms.declared import IMAGES, accessory

_PACKAGES = {
    "postgres": (
        "psycopg", "psycopg2", "psycopg2-binary", "asyncpg", "pg8000", "aiopg", "pg", "postgres", "pg-promise", "@neondatabase/serverless",
        "github.com/lib/pq", "github.com/jackc/pgx", "github.com/go-pg/pg", "gorm.io/driver/postgres", "ext-pgsql", "ext-pdo_pgsql", "postgresql",
        "r2dbc-postgresql", "quarkus-jdbc-postgresql",
    ),
    "mysql": (
        "mysqlclient", "pymysql", "aiomysql", "asyncmy", "mysql-connector-python", "mysql", "mysql2", "mariadb", "trilogy",
        "github.com/go-sql-driver/mysql", "gorm.io/driver/mysql", "ext-mysqli", "ext-pdo_mysql", "mysql-connector-j", "mysql-connector-java",
        "mariadb-java-client",
    ),
    "redis": (
        "redis", "rq", "django-rq", "django-redis", "channels-redis", "celery[redis]", "dramatiq[redis]", "arq", "flask-rq2", "aioredis", "huey[redis]",
        "ioredis", "bull", "bullmq", "bee-queue", "connect-redis", "@nestjs/bull", "@nestjs/bullmq", "sidekiq", "resque", "redis-rails",
        "github.com/redis/go-redis", "github.com/go-redis/redis", "github.com/gomodule/redigo", "github.com/hibiken/asynq", "predis/predis",
        "ext-redis", "laravel/horizon", "spring-boot-starter-data-redis",
    ),
    "rabbitmq": (
        "pika", "aio-pika", "celery[librabbitmq]", "dramatiq[rabbitmq]", "amqplib", "amqp-connection-manager", "bunny", "sneakers",
        "github.com/rabbitmq/amqp091-go", "github.com/streadway/amqp", "php-amqplib/php-amqplib", "spring-boot-starter-amqp",
    ),
    "mongo": (
        "pymongo", "motor", "mongoengine", "beanie", "mongoose", "mongodb", "@nestjs/mongoose", "mongoid", "go.mongodb.org/mongo-driver",
        "mongodb/mongodb", "mongodb/laravel-mongodb", "spring-boot-starter-data-mongodb",
    ),
    "memcached": ("pymemcache", "python-memcached", "pylibmc", "dalli", "memjs", "github.com/bradfitz/gomemcache"),
}  # fmt: skip
_NAMED = {  # in settings
    "postgres": r"provider\s*=\s*\"postgres(ql)?\"|django\.db\.backends\.postgresql|adapter:\s*postgresql",
    "mysql": r"provider\s*=\s*\"mysql\"|django\.db\.backends\.mysql|adapter:\s*(mysql2|trilogy)",
}
_FILES = (  # drivers of SQLite
    "sqlite3", "better-sqlite3", "aiosqlite", "github.com/mattn/go-sqlite3", "modernc.org/sqlite", "github.com/glebarez/sqlite", "gorm.io/driver/sqlite",
)  # fmt: skip
_NAMES = {"postgres": "db", "mysql": "db"}
_USUAL = {
    "postgres": "DATABASE_URL", "mysql": "DATABASE_URL", "redis": "REDIS_URL", "rabbitmq": "AMQP_URL", "mongo": "MONGODB_URI", "memcached": "MEMCACHED_SERVERS",
}  # fmt: skip
_SCHEMES = {
    "postgres": r"(?:jdbc:)?(?:postgres(?:ql)?|postgis|psql)(?:\+\w+)?://", "mysql": r"(?:jdbc:)?(?:mysql2?|mariadb|trilogy)(?:\+\w+)?://",
    "redis": r"rediss?://", "rabbitmq": r"amqps?://|pyamqp://", "mongo": r"mongodb(?:\+srv)?://", "memcached": r"memcached?://",
}  # fmt: skip
# Variables whose name says which address they hold.
_VARIABLES = {
    "postgres": r"(\w+_)?(DATABASE|DB|POSTGRES|POSTGRESQL|PG|SQLALCHEMY_DATABASE)_?(URL|URI|DSN)",
    "mysql": r"(\w+_)?(DATABASE|DB|MYSQL|MARIADB|SQLALCHEMY_DATABASE)_?(URL|URI|DSN)",
    "redis": r"(\w+_)?(REDIS|VALKEY|CACHE|CELERY_BROKER|BROKER|QUEUE|RQ)_?(URL|URI|DSN)",
    "rabbitmq": r"(\w+_)?(RABBITMQ|RABBIT|AMQP|CLOUDAMQP|CELERY_BROKER|BROKER)_?(URL|URI|DSN)",
    "mongo": r"(\w+_)?(MONGO|MONGODB|DATABASE|DB)_?(URL|URI|DSN)",
    "memcached": r"(MEMCACHED?|MEMCACHIER)_?(URL|SERVERS?)",
}
_PARTS = {
    "host": r"HOST(NAME)?|SERVER", "port": r"PORT", "database": r"DB|NAME|DATABASE|DBNAME|DB_NAME", "user": r"USER(NAME)?", "password": r"PASSWORD|PASS|PASSWD|PWD",
}  # fmt: skip
_PREFIX = {
    "postgres": r"(?:\w+_)?(?:POSTGRES|POSTGRESQL|PG|DB|DATABASE|SQL)", "mysql": r"(?:\w+_)?(?:MYSQL|MARIADB|DB|DATABASE|SQL)", "redis": r"(?:\w+_)?REDIS",
    "rabbitmq": r"(?:\w+_)?(?:RABBITMQ|AMQP)", "mongo": r"(?:\w+_)?MONGO(?:DB)?", "memcached": r"MEMCACHED?",
}  # fmt: skip


@dataclass
class Variables:
    """What samples and code say about an app's variables."""

    samples: dict[str, str] = field(default_factory=dict)  # values in files such as .env.example
    read: dict[str, str] = field(default_factory=dict)  # by the code: name, and the file
    held: set[str] = field(default_factory=set)  # those that accessories provide, or that repeat their address
    environment: dict[str, str] = field(default_factory=dict)  # parts of addresses
    secrets: list[str] = field(default_factory=list)
    todo: list[str] = field(default_factory=list)


def kind_of(item: AccessoryDraft) -> str:
    """The kind as this module names it."""
    return item.kind if item.kind != "other" else {"mongodb": "mongo"}.get(base_name(item.image), base_name(item.image))


def sqlite(variables: Variables, texts: str) -> bool:
    """Whether the settings name a file as the database and no server."""
    values = " ".join(variables.samples.values())
    if re.search("|".join((_SCHEMES["postgres"], _SCHEMES["mysql"])), values):
        return False
    chosen = variables.samples.get("DB_CONNECTION") or variables.samples.get("DATABASE_CLIENT") or ""
    return bool(
        re.search(r"sqlite", values + chosen)
        or re.search(
            r"sqlite(\+\w+)?:///|django\.db\.backends\.sqlite3|provider\s*=\s*\"sqlite\"|adapter:\s*sqlite3", texts
        )
    )


def server(projects: list[Project], variables: Variables, texts: str, draft: Draft) -> str | None:
    """What the migrations are for: postgres, mysql or sqlite; None if nothing says it."""
    for item in draft.accessories:
        if item.kind in ("postgres", "mysql"):
            return item.kind
    if sqlite(variables, texts) and not any(_evident(kind, variables) for kind in ("postgres", "mysql")):
        return "sqlite"
    kinds = [kind for kind in ("postgres", "mysql") if _why(kind, projects, variables)]
    if len(kinds) == 2:
        kinds.remove(_other(variables, texts))
    return kinds[0] if kinds else None


def find(
    projects: list[Project], variables: Variables, images: dict[str, tuple[str, str]], draft: Draft, texts: str
) -> None:
    """Add what is needed and not there yet, with the variables that hold the addresses."""
    wanted = {kind: why for kind in _PACKAGES if (why := _why(kind, projects, variables))}
    for kind, pattern in _NAMED.items():
        if match := re.search(pattern, texts):
            wanted.setdefault(kind, f"`{' '.join(match[0].split())}` in the settings")
    if "postgres" in wanted and "mysql" in wanted:
        del wanted[_other(variables, texts)]
    drivers = [project for project in projects if any(name in project.packages for name in _FILES)]
    named = bool(_candidates("postgres", variables, set()) or _candidates("mysql", variables, set()))
    if (
        drivers
        and {"postgres", "mysql"} & {*wanted}
        and not named
        and not any(_evident(kind, variables) for kind in ("postgres", "mysql"))
    ):
        file = _at(drivers[0], next(name for name in _FILES if name in drivers[0].packages))
        draft.notes.append(
            f"{file} has drivers for SQLite and for a server, and nothing says which one is used: no database was added"
        )
        wanted = {kind: why for kind, why in wanted.items() if kind not in ("postgres", "mysql")}
    broker = next((project for project in projects if "celery" in project.packages), None)
    if (
        broker
        and not {"redis", "rabbitmq"} & {*wanted}
        and not any(kind_of(item) in ("redis", "rabbitmq") for item in draft.accessories)
    ):
        named_broker = (
            "rabbitmq" if re.search(r"amqp://", texts) else "redis" if re.search(r"redis://", texts) else None
        )
        if named_broker:
            wanted[named_broker] = f"{_at(broker, 'celery')} has celery"
        else:
            draft.notes.append(
                f"{_at(broker, 'celery')} has celery, but nothing names its broker: add an accessory for it"
            )
    by_driver = any(_driver(project) for project in projects)
    if not by_driver and server(projects, variables, texts, draft) == "sqlite":
        wanted = {kind: why for kind, why in wanted.items() if kind not in ("postgres", "mysql")}
    for kind, why in wanted.items():
        if all(kind_of(item) != kind for item in draft.accessories):
            _add(kind, why, images, draft)
    declared = [name for service in draft.services for name in (*service.secrets, *service.environment)]
    for name in declared:
        variables.read.setdefault(name, "")
    rails = next((project for project in projects if "rails" in project.packages), None)
    if rails:
        variables.read.setdefault("DATABASE_URL", _at(rails, "rails"))
    for item in draft.accessories:
        _address(item, variables, draft)


def _driver(project: Project) -> bool:
    return any(name in project.packages for kind in ("postgres", "mysql") for name in _PACKAGES[kind])


def _why(kind: str, projects: list[Project], variables: Variables) -> str:
    for project in projects:
        name = next((name for name in _PACKAGES[kind] if name in project.packages), None)
        if name:
            return f"{_at(project, name.partition('[')[0])} has {name}"
    if kind not in ("postgres", "mysql", "redis"):
        return ""
    chosen = {"pgsql": "postgres", "postgres": "postgres", "mysql": "mysql", "mariadb": "mysql"}
    for name in (
        "DB_CONNECTION",
        "QUEUE_CONNECTION",
        "CACHE_STORE",
        "CACHE_DRIVER",
        "SESSION_DRIVER",
        "DB_ENGINE",
        "DATABASE_CLIENT",
    ):
        value = variables.samples.get(name, "")
        if chosen.get(value, value) == kind or (kind in value and "." in value):
            return f"{name}={value} in a sample of settings"
    prisma = next(
        (name for name, value in variables.samples.items() if re.match(_SCHEMES[kind], value) and kind != "redis"), None
    )
    return f"{prisma} in a sample of settings" if prisma else ""


def _at(project: Project, package: str) -> str:
    file = project.sources.get(package, project.file)
    return file if project.folder == "." else f"{project.folder}/{file}"


def _evident(kind: str, variables: Variables) -> bool:
    return any(re.match(_SCHEMES[kind], value) for value in variables.samples.values())


def _other(variables: Variables, texts: str) -> str:
    """Of the two database servers, the one that is not used."""
    if _evident("mysql", variables) and not _evident("postgres", variables):
        return "postgres"
    if variables.samples.get("DB_CONNECTION") in ("mysql", "mariadb") or re.search(
        r"backends\.mysql|provider\s*=\s*\"mysql\"|adapter:\s*(mysql2|trilogy)", texts
    ):
        return "postgres"
    return "mysql"


def _add(kind: str, why: str, named: dict[str, tuple[str, str]], draft: Draft) -> None:
    image, file = named.get(kind, (IMAGES[kind], ""))
    image = re.sub(r"-(alpine|bookworm|bullseye|slim)[\d.]*$", "", image)
    taken = {item.name for item in draft.services} | {item.name for item in draft.accessories}
    name = _NAMES.get(kind, kind)
    name = next(
        option
        for option in (name, "database" if name == "db" else f"{name}-server", f"{kind}-accessory")
        if option not in taken
    )
    item = accessory(name, kind, image, None, why)
    item.why.append(f"version from {file}" if file else f"no file names a version: {image}")
    draft.accessories.append(item)


def _address(item: AccessoryDraft, variables: Variables, draft: Draft) -> None:
    kind = kind_of(item)
    if kind not in _VARIABLES:
        return
    candidates = _candidates(
        kind, variables, {other.provides or "" for other in draft.accessories if other is not item}
    )
    if item.provides is None and candidates:
        item.provides = _best(candidates, kind, variables)
        file = variables.read.get(item.provides)
        item.why.append(f"{item.provides} is its address" + (f" in {file}" if file else " in a sample of settings"))
    if item.provides:
        variables.held.add(item.provides)
    parts = _parts(kind, variables)
    if item.provides is None and parts:
        _by_parts(item, kind, parts, variables)
    elif item.provides or candidates:
        variables.held |= {*parts.values()}
        rest = [name for name in candidates if name != item.provides]
        variables.held |= {*rest}
        if rest:
            variables.todo.append(
                f"{', '.join(rest)}: {item.name} provides {item.provides}; read that variable instead"
            )
    if item.provides and item.provides in variables.samples:
        _scheme(item, kind, variables)


def _candidates(kind: str, variables: Variables, others: set[str]) -> list[str]:
    """Variables that hold an address of that kind, by their value or by their name."""
    by_value = [name for name, value in variables.samples.items() if re.match(_SCHEMES[kind], value)]
    names = {**variables.read, **variables.samples}
    by_name = [name for name in names if re.fullmatch(_VARIABLES[kind], name) and not _elsewhere(name, kind, variables)]
    return [name for name in dict.fromkeys([*by_value, *by_name]) if name not in others]


def _elsewhere(name: str, kind: str, variables: Variables) -> bool:
    """Whether a sample gives the variable another kind of address."""
    value = variables.samples.get(name, "")
    return "://" in value and not re.match(_SCHEMES[kind], value)


def _best(candidates: list[str], kind: str, variables: Variables) -> str:
    """The one that the code reads and a sample has, then the usual name."""

    def rank(name: str) -> tuple[bool, bool, bool, int]:
        return name not in variables.read, name not in variables.samples, name != _USUAL[kind], candidates.index(name)

    return min(candidates, key=rank)


def _scheme(item: AccessoryDraft, kind: str, variables: Variables) -> None:
    scheme = variables.samples[item.provides or ""].partition("://")[0]
    given = {"postgres": "postgresql", "mysql": "mysql", "redis": "redis"}.get(kind)
    if given and ("+" in scheme or scheme.startswith("jdbc:") or scheme in ("mysql2", "trilogy", "rediss")):
        variables.todo.append(f"{item.provides} began with {scheme}://; Shipway provides {given}://")


def _parts(kind: str, variables: Variables) -> dict[str, str]:
    """Variables with parts of an address, by part."""
    found: dict[str, str] = {}
    for name in {**variables.samples, **variables.read}:
        if name.endswith(("_URL", "_URI")):
            continue
        for part, pattern in _PARTS.items():
            if re.fullmatch(rf"{_PREFIX[kind]}_?(?:{pattern})", name) and not (
                part == "host" and "://" in variables.samples.get(name, "")
            ):
                found.setdefault(f"{part} {name}", name)
    return found if any(key.startswith("host ") for key in found) else {}


def _by_parts(item: AccessoryDraft, kind: str, parts: dict[str, str], variables: Variables) -> None:
    """The code reads host, user and password each on its own."""
    for key, name in parts.items():
        part = key.split(" ")[0]
        variables.held.add(name)
        if part in ("host", "port") or kind in ("postgres", "mysql"):
            item.forms[name] = part
    item.why.append(f"{', '.join(parts.values())} hold its address")


KINDS = tuple(_PACKAGES)


def speaks(project: Project, kind: str) -> bool:
    """Whether a project has a package for a kind of accessory."""
    return (
        any(name in project.packages for name in _PACKAGES.get(kind, ()))
        or (kind in ("redis", "rabbitmq") and "celery" in project.packages)
        or (
            kind in ("postgres", "mysql")
            and any(project.has(name) for name in ("@prisma/client", "django", "laravel/framework", "rails"))
        )
    )
