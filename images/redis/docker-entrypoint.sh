#!/bin/sh
# Becomes redis-server as the user redis, reachable from other containers: the official image's contract, no more.
set -eu

if [ "${1#-}" != "$1" ] || [ "${1%.conf}" != "$1" ]; then
    set -- redis-server "$@"
fi
if [ "$1" = redis-server ]; then
    # Protected mode would refuse every client that is not on the container's own loopback.
    case "${2:-}" in
        -v | --version | -h | --help) ;;
        *) set -- "$@" --protected-mode no ;;
    esac
    if [ "$(id -u)" = 0 ]; then
        find . \! -user redis -exec chown redis '{}' +
        exec setpriv --reuid redis --regid redis --init-groups "$@"
    fi
fi
exec "$@"
