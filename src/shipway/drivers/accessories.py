"""What Shipway knows about common accessories: a value for each `kind` of a plan, and the volumes of well-known images.

To add a kind: describe it here, and name it in the plan language (`planfile.sections`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from shipway.domain.accessory import AccessoryKind, ChangeLog, External, Kinds, Shell
from shipway.domain.data_version import Versions
from shipway.domain.database import FILE_KIND
from shipway.domain.image import base_name
from shipway.domain.volumes import DataFolder
from shipway.drivers import libpq
from shipway.drivers.mysql_client import CLIENT
from shipway.drivers.sqlite_program import program

_POSTGRES_DATA = "/var/lib/postgresql/data"
_POSTGRES_18 = "/var/lib/postgresql"  # of the volume, from version 18 on
_MYSQL_DATA = "/var/lib/mysql"
_MYSQL_CLIENT = (
    CLIENT + 'exec $client --host="$DB_HOST" --port="$DB_PORT" --user="$DB_USER" '
    '${DB_START:+--init-command="$DB_START"} "$@" "$DB_NAME"'
)
_REDIS_CLIENT = (
    '[ -z "$DB_PASSWORD" ] || export REDISCLI_AUTH="$DB_PASSWORD"; unset DB_PASSWORD; '
    'exec redis-cli -h "$DB_HOST" -p "$DB_PORT" ${DB_USER:+--user "$DB_USER"} ${DB_TLS:+--tls} '
    '${DB_NAME:+-n "$DB_NAME"} "$@"'
)


def _redis_client(parameters: Mapping[str, str]) -> Mapping[str, str]:
    return {"DB_TLS": "1"} if parameters["scheme"] == "rediss" else {}


KINDS: Kinds = {
    "postgres": AccessoryKind(
        port=5432,
        url="postgresql://{user}:{password}@{host}:{port}/{database}",
        user="POSTGRES_USER",
        password="POSTGRES_PASSWORD",
        database="POSTGRES_DB",
        # By TCP: while the image initializes, it runs a server that only listens on the socket.
        health='pg_isready -q -h 127.0.0.1 -U "$POSTGRES_USER"',
        data=DataFolder(_POSTGRES_DATA, variable="PGDATA"),
        versions=Versions(
            variables={"PG_MAJOR": "PostgreSQL", "PG_VERSION": "PostgreSQL"},
            tags={"": "PostgreSQL"},
            file="PG_VERSION",
            single_from=10,
        ),
        shell=Shell(
            ("psql",),
            {
                "PGHOST": "{host}",
                "PGPORT": "{port}",
                "PGUSER": "{user}",
                "PGPASSWORD": "{password}",
                "PGDATABASE": "{database}",
            },
            read_only={"PGOPTIONS": "-c default_transaction_read_only=on"},
        ),
        external=External("postgres:{version}", ("postgresql", "postgres", "postgis"), libpq.of_parameters),
        change_log=ChangeLog(13, ("wal_level=minimal", "max_wal_senders=0", "max_replication_slots=0")),
    ),
    "mysql": AccessoryKind(
        port=3306,
        url="mysql://{user}:{password}@{host}:{port}/{database}",
        user="MYSQL_USER",
        password="MYSQL_PASSWORD",
        database="MYSQL_DATABASE",
        variables={"MYSQL_RANDOM_ROOT_PASSWORD": "yes"},
        # The user may create the databases of a restore, and see which session holds a lock.
        setup={
            "/docker-entrypoint-initdb.d/shipway.sql": "GRANT ALL ON `shipway\\_%`.* TO '{user}'@'%';\n"
            "GRANT PROCESS ON *.* TO '{user}'@'%';\n"
        },
        # By TCP: while the image initializes, it runs a server that only listens on the socket.
        health='"$(command -v mariadb-admin || command -v mysqladmin)" ping -h 127.0.0.1 --silent',
        data=DataFolder(_MYSQL_DATA, option="--datadir"),
        versions=Versions(
            variables={"MARIADB_VERSION": "MariaDB", "MYSQL_VERSION": "MySQL"},
            tags={"mysql": "MySQL", "mariadb": "MariaDB"},
        ),
        shell=Shell(
            ("sh", "-c", _MYSQL_CLIENT, "db"),
            {
                "DB_HOST": "{host}",
                "DB_PORT": "{port}",
                "DB_USER": "{user}",
                "MYSQL_PWD": "{password}",
                "DB_NAME": "{database}",
            },
            read_only={"DB_START": "SET SESSION TRANSACTION READ ONLY"},
        ),
        external=External(
            "mysql:{version}", ("mysql", "mysql2", "mariadb"), lambda parameters: {}, ping=("-e", "SELECT 1")
        ),
    ),
    "redis": AccessoryKind(
        port=6379,
        url="redis://{host}:{port}/0",
        health="redis-cli ping | grep -q PONG",
        shell=Shell(("redis-cli", "-h", "{host}", "-p", "{port}")),
        external=External(
            "redis:{version}",
            ("redis", "rediss"),
            _redis_client,
            Shell(
                ("sh", "-c", _REDIS_CLIENT, "db"),
                {
                    "DB_HOST": "{host}",
                    "DB_PORT": "{port}",
                    "DB_USER": "{user}",
                    "DB_PASSWORD": "{password}",
                    "DB_NAME": "{database}",
                },
            ),
            ping=("ping",),
            pong="PONG",
        ),
    ),
    "other": AccessoryKind(),
    FILE_KIND: AccessoryKind(
        shell=Shell(program("client"), {"DB_FILE": "{database}"}, read_only={"DB_READ_ONLY": "1"})
    ),
}
# Volumes of well-known images, if the image itself can't be inspected.
_VOLUMES: Mapping[str, str] = {
    "mysql": _MYSQL_DATA, "mariadb": _MYSQL_DATA, "redis": "/data", "valkey": "/data", "rabbitmq": "/var/lib/rabbitmq",
    "mongo": "/data/db", "influxdb": "/var/lib/influxdb2",
}  # fmt: skip
_VARIABLES: Mapping[tuple[str, ...], Mapping[str, str]] = {  # by volumes
    (_POSTGRES_DATA,): {"PGDATA": _POSTGRES_DATA},
    (_POSTGRES_18,): {"PGDATA": f"{_POSTGRES_18}/18/docker"},
}


def known_volumes(image: str) -> tuple[str, ...]:
    """Return the paths of the volumes that a well-known image declares; empty if unknown."""
    name = base_name(image)
    if name in ("postgres", "postgis"):
        version = re.match(r"(\d+)", image.split("@")[0].rpartition("/")[2].partition(":")[2])
        return (_POSTGRES_18 if version and int(version[1]) >= 18 else _POSTGRES_DATA,)
    return (_VOLUMES[name],) if name in _VOLUMES else ()


def known_variables(image: str) -> Mapping[str, str]:
    """Return the variables of a well-known image that name folders."""
    return _VARIABLES.get(known_volumes(image), {})
