#!/bin/bash
# Makes the system tables when the data folder is empty, then becomes the server: the official image's contract, as far
# as Shipway uses it. What it doesn't know it refuses.
set -euo pipefail

data=/var/lib/mysql
first() { for name; do if [ -n "${!name:-}" ]; then echo "${!name}"; return; fi; done; }
password=$(first MARIADB_ROOT_PASSWORD MYSQL_ROOT_PASSWORD)
random=$(first MARIADB_RANDOM_ROOT_PASSWORD MYSQL_RANDOM_ROOT_PASSWORD)
database=$(first MARIADB_DATABASE MYSQL_DATABASE)
user=$(first MARIADB_USER MYSQL_USER)
secret=$(first MARIADB_PASSWORD MYSQL_PASSWORD)

refuse() { echo "Error: $*" >&2; exit 1; }
text() { local quoted=${1//\\/\\\\}; printf "'%s'" "${quoted//\'/\'\'}"; }
name() { printf '`%s`' "${1//\`/\`\`}"; }

make_cluster() {
    [ -z "$random" ] || password=$(head -c 24 /dev/urandom | base64)
    [ -n "$password" ] || refuse "Database is uninitialized and password option is not specified. Set MARIADB_ROOT_PASSWORD."
    local file
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in *.sql | *'/*') ;; *) refuse "this stand-in doesn't run $file" ;; esac
    done
    cp -a /usr/share/mysql/made/. "$data"
    statements | mariadbd --bootstrap --datadir="$data"
}

statements() {
    echo "FLUSH PRIVILEGES;"
    echo "ALTER USER root@localhost IDENTIFIED BY $(text "$password");"
    echo "CREATE USER root@'%' IDENTIFIED BY $(text "$password");"
    echo "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;"
    [ -z "$database" ] || echo "CREATE DATABASE $(name "$database");"
    [ -z "$user" ] || echo "CREATE USER $(text "$user")@'%' IDENTIFIED BY $(text "$secret");"
    [ -z "$user" ] || [ -z "$database" ] || echo "GRANT ALL ON $(name "${database//_/\\_}").* TO $(text "$user")@'%';"
    cat /docker-entrypoint-initdb.d/*.sql 2>/dev/null || true
}

if [ "${1:0:1}" = - ]; then
    set -- mariadbd "$@"
fi
if [ "$1" = mysqld ]; then
    set -- mariadbd "${@:2}"
fi
if [ "$1" = mariadbd ] && [ "$(id -u)" = 0 ]; then
    find "$data" \! -user mysql -exec chown mysql '{}' +
    exec setpriv --reuid mysql --regid mysql --init-groups "${BASH_SOURCE[0]}" "$@"
fi
if [ "$1" = mariadbd ]; then
    [ -d "$data/mysql" ] || make_cluster
    # As the official image's configuration says.
    set -- "$@" --datadir="$data" --socket=/run/mysqld/mysqld.sock --skip-name-resolve --host-cache-size=0
    case " $* " in *" --bind-address"*) ;; *) set -- "$@" --bind-address=0.0.0.0 ;; esac
fi
exec "$@"
