#!/bin/bash
# Makes a cluster when the data folder is empty, then becomes the server: the official image's contract, as far as
# Shipway uses it. What it doesn't know it refuses.
set -euo pipefail

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
auth=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}

refuse() { echo "Error: $*" >&2; exit 1; }
name() { printf '"%s"' "${1//\"/\"\"}"; }
text() { printf "'%s'" "${1//\'/\'\'}"; }

make_cluster() {
    [ -z "${POSTGRES_INITDB_ARGS:-}" ] || refuse "this stand-in doesn't know POSTGRES_INITDB_ARGS"
    [ -z "$(ls /docker-entrypoint-initdb.d)" ] || refuse "this stand-in doesn't run /docker-entrypoint-initdb.d"
    if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "$auth" != trust ]; then
        refuse "Database is uninitialized and superuser password is not specified. Set POSTGRES_PASSWORD."
    fi
    # initdb takes a second; a copy of what it made when the image was built, a tenth.
    cp -a /usr/share/postgresql/*/cluster/. "$PGDATA"
    echo "host all all all $auth" >> "$PGDATA/pg_hba.conf"
    local problems
    problems=$(statements | postgres --single -j -F -D "$PGDATA" postgres 2>&1 | grep -E 'ERROR|FATAL|PANIC') || return 0
    refuse "the cluster could not be made: $problems"
}

statements() { # before anyone can connect; an empty line ends each
    # The first role can't be renamed by ALTER ROLE, which refuses to rename the one that calls it.
    printf 'UPDATE pg_authid SET rolname = %s WHERE oid = 10;\n\n' "$(text "$user")"
    if [ -n "${POSTGRES_PASSWORD:-}" ]; then
        printf 'ALTER ROLE %s PASSWORD %s;\n\n' "$(name "$user")" "$(text "$POSTGRES_PASSWORD")"
    fi
    if [ "$database" != postgres ]; then
        printf 'CREATE DATABASE %s;\n\n' "$(name "$database")"
    fi
}

if [ "${1:0:1}" = - ]; then
    set -- postgres "$@"
fi
if [ "$1" = postgres ] && [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA"
    chmod 0700 "$PGDATA"
    find "$PGDATA" \! -user postgres -exec chown postgres '{}' +
    exec setpriv --reuid postgres --regid postgres --init-groups "${BASH_SOURCE[0]}" "$@"
fi
case "$* " in
    *" --version "* | *" -V "* | *" --help "*) ;;
    postgres\ *) [ -s "$PGDATA/PG_VERSION" ] || make_cluster ;;
esac
exec "$@"
