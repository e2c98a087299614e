#!/bin/bash
# Makes a cluster when the data folder is empty, then becomes the server: the official image's contract, no more.
set -euo pipefail

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

make_cluster() {
    if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
        echo "Error: Database is uninitialized and superuser password is not specified. Set POSTGRES_PASSWORD." >&2
        exit 1
    fi
    local auth=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
    # A crash before the first checkpoint loses an empty cluster: nothing worth an fsync of each file.
    initdb --no-sync --username "$user" --pwfile <(printf '%s\n' "${POSTGRES_PASSWORD:-unused}") \
        --auth-local trust --auth-host "$auth" --encoding UTF8 --locale C.UTF-8 >/dev/null
    echo "host all all all $auth" >> "$PGDATA/pg_hba.conf"
    if [ "$database" != postgres ]; then
        echo "CREATE DATABASE \"$database\"" | postgres --single -F -D "$PGDATA" postgres >/dev/null
    fi
}

if [ "${1:0:1}" = - ]; then
    set -- postgres "$@"
fi
if [ "$1" = postgres ] && [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA"
    chmod 0700 "$PGDATA"
    find "$PGDATA" \! -user postgres -exec chown postgres '{}' +
    exec setpriv --reuid postgres --regid postgres --init-groups "$BASH_SOURCE" "$@"
fi
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
    make_cluster
fi
exec "$@"
