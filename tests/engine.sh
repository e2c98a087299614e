#!/usr/bin/env bash
# Run a command beside others as if on a machine of its own: with a Docker Engine, a loopback and processes of its own.
# usage, as root: engine.sh 'IMAGE …' COMMAND …; the images are taken from this machine's engine. Nothing reaches out.
# When the command ends, and also where this script is killed, all of it goes.
set -euo pipefail

main() {
  FOLDER=$(mktemp -d /var/tmp/shipway-engine-XXXXXX)
  mkdir "$FOLDER/cgroup" "$FOLDER/tmp" "$FOLDER/data"
  chmod 711 "$FOLDER" && chmod 1777 "$FOLDER/tmp" # some tests act as somebody else
  trap clean EXIT
  setpriv --pdeathsig KILL unshare --net --mount --uts --pid --fork --kill-child --mount-proc \
    bash "$0" --inside "$FOLDER" "$@"
}

clean() {
  local path name; name=$(basename "$FOLDER")
  for path in /sys/fs/cgroup/"$name" /sys/fs/cgroup/*/"$name"; do
    [ ! -d "$path" ] || find "$path" -depth -type d -exec rmdir {} + || true
  done
  rm -rf "$FOLDER"
}

inside() { # FOLDER IMAGES COMMAND ...
  local folder=$1 outer=${DOCKER_HOST:-unix:///var/run/docker.sock} _
  hostname engine
  ip link set lo up
  mkdir -p /run/docker && mount -t tmpfs none /run/docker
  # A network namespace wants a /sys of its own, which would hide the cgroups.
  mount --rbind /sys/fs/cgroup "$folder/cgroup"
  mount -t sysfs sysfs /sys
  mount --rbind "$folder/cgroup" /sys/fs/cgroup
  # In memory where there is plenty: thousands of small files come and go.
  if [ "$(awk '/MemAvailable/ {print $2}' /proc/meminfo)" -ge 12000000 ]; then
    mount -t tmpfs -o mode=711 none "$folder/data"
    mount -t tmpfs -o mode=1777 none "$folder/tmp"
  fi
  export DOCKER_HOST=unix://$folder/docker.sock TMPDIR=$folder/tmp
  # Each start of a container starts short processes of dockerd and runc: they end before they would collect garbage.
  GOGC=400 dockerd --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/pid" --host "$DOCKER_HOST" \
    --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$(basename "$folder")" >"$folder/log" 2>&1 &
  for _ in $(seq 300); do
    docker version >/dev/null 2>&1 && break
    sleep 0.1
  done
  # shellcheck disable=SC2086  # a list of images
  docker --host "$outer" save $2 | docker load --quiet >/dev/null || { tail -n 5 "$folder/log"; exit 1; }
  "${@:3}"
}

if [ "$1" = --inside ]; then inside "${@:2}"; else main "$@"; fi
