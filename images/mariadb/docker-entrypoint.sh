#!/bin/bash
# Makes the system tables when the data folder is empty, then becomes the server: the official image's contract, as far
# as tests use it. What it doesn't know it refuses.
set -euo pipefail

data=/var/lib/mysql
password=${MARIADB_ROOT_PASSWORD:-${MYSQL_ROOT_PASSWORD:-}}
database=${MARIADB_DATABASE:-${MYSQL_DATABASE:-}}

refuse() { echo "Error: $*" >&2; exit 1; }
text() { local quoted=${1//\\/\\\\}; printf "'%s'" "${quoted//\'/\'\'}"; }

make_cluster() {
    [ -z "${MARIADB_USER:-${MYSQL_USER:-}}" ] || refuse "this stand-in doesn't know MARIADB_USER"
    [ -n "$password" ] || refuse "Database is uninitialized and password option is not specified. Set MARIADB_ROOT_PASSWORD."
    mariadb-install-db --datadir="$data" --auth-root-authentication-method=normal --skip-test-db >/dev/null
    statements | mariadbd --bootstrap --datadir="$data"
}

statements() {
    echo "FLUSH PRIVILEGES;"
    echo "ALTER USER root@localhost IDENTIFIED BY $(text "$password");"
    echo "CREATE USER root@'%' IDENTIFIED BY $(text "$password");"
    echo "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;"
    [ -z "$database" ] || echo "CREATE DATABASE \`${database//\`/\`\`}\`;"
}

if [ "${1:0:1}" = - ]; then
    set -- mariadbd "$@"
fi
if [ "$1" = mariadbd ] && [ "$(id -u)" = 0 ]; then
    find "$data" \! -user mysql -exec chown mysql '{}' +
    exec setpriv --reuid mysql --regid mysql --init-groups "${BASH_SOURCE[0]}" "$@"
fi
if [ "$1" = mariadbd ]; then
    [ -d "$data/mysql" ] || make_cluster
    set -- "$@" --datadir="$data" --bind-address=0.0.0.0 --socket=/run/mysqld/mysqld.sock
fi
exec "$@"
