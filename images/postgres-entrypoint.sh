#!/bin/sh
# The interface of the official image, as far as Shipway uses it: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB.
set -e
[ "$1" = postgres ] || exec "$@"
user=${POSTGRES_USER:-postgres} database=${POSTGRES_DB:-${POSTGRES_USER:-postgres}}
as() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
install -d -o postgres -g postgres -m 700 "$PGDATA"
install -d -o postgres -g postgres /run/postgresql
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  [ -n "$POSTGRES_PASSWORD" ] || { echo "POSTGRES_PASSWORD is not set" >&2; exit 1; }
  printf '%s\n' "$POSTGRES_PASSWORD" > /tmp/password; chown postgres /tmp/password
  as initdb -U "$user" --pwfile=/tmp/password --no-sync -A scram-sha-256 >/dev/null
  rm /tmp/password
  printf 'local all all trust\nhost all all all scram-sha-256\n' > "$PGDATA/pg_hba.conf"
  [ "$database" = postgres ] ||
    echo "CREATE DATABASE \"$database\" OWNER \"$user\"" | as postgres --single -j postgres >/dev/null
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups "$@" -c listen_addresses='*'
