#!/bin/sh
# Becomes redis-server as the user redis, reachable from other containers: the official image's contract, no more.
set -eu

if [ "${1#-}" != "$1" ] || [ "${1%.conf}" != "$1" ]; then
    set -- redis-server "$@"
fi
if [ "$1" = redis-server ]; then
    # Protected mode would refuse every client that is not on the container's own loopback.
    set -- "$@" --protected-mode no
    if [ "$(id -u)" = 0 ]; then
        find . \! -user redis -exec chown redis '{}' +
        exec setpriv --reuid redis --regid redis --init-groups "$@"
    fi
fi
exec "$@"
