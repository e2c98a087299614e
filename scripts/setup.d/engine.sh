# A running Docker Engine, and a client that can build with BuildKit.

LOG=/var/log/dockerd.log

engine() {
  have docker || install_docker
  answers || start_engine
  builder --help >/dev/null 2>&1 || install_builder
}

answers() { docker version >/dev/null 2>&1; }
runs() { root docker version >/dev/null 2>&1; }

start_engine() {
  [ -z "${DOCKER_HOST:-}" ] || fail "no Docker Engine answers at DOCKER_HOST=$DOCKER_HOST"
  need_root "starting the Docker Engine, or access to it,"
  if ! runs; then
    have dockerd || install_docker
    say "starting the Docker Engine"
    # On some machines, its package has already started it.
    runs || if [ -d /run/systemd/system ]; then root systemctl start docker; else start_dockerd; fi
    wait_for_engine
  fi
  answers || allow
}

install_docker() {
  local packages="docker.io"
  # If the client is a separate package, docker.io only recommends it.
  if ! have docker && in_apt docker-cli; then packages="$packages docker-cli"; fi
  # With AppArmor in the kernel, no container starts without its parser.
  if grep -qs Y /sys/module/apparmor/parameters/enabled && ! have apparmor_parser; then packages="$packages apparmor"; fi
  # shellcheck disable=SC2086  # a list of packages
  install $packages
}

start_dockerd() { # without systemd: detached, so that it outlives this shell
  # Left over if the machine was switched off: dockerd would take them for valid.
  pgrep -x dockerd >/dev/null || root rm -f /var/run/docker.pid /var/run/docker/containerd/containerd.pid
  # As with systemd each container, and the engine, has a share of the processor of its own. By default all containers together
  # have as much as the engine, which takes it from those that serve whenever it starts another one.
  # Each start of a container starts short processes of dockerd and runc: they end before they would collect garbage.
  root sh -c "GOGC=400 setsid nohup dockerd --cgroup-parent=/ >>$LOG 2>&1 </dev/null &"
}

wait_for_engine() {
  local _
  for _ in $(seq 300); do
    if runs; then return; fi
    sleep 0.2
  done
  root tail -n 10 "$LOG" >&2 2>/dev/null || true
  fail "the Docker Engine did not start within 60 s; see $LOG or journalctl -u docker"
}

allow() { # this user, who has sudo, to use the engine: at once by the socket's access list, later by the group
  local user; user=$(id -un)
  say "giving $user access to the Docker Engine (group docker, which is equivalent to root)"
  root usermod --append --groups docker "$user"
  have setfacl || install acl
  root setfacl --modify "user:$user:rw" /var/run/docker.sock
  answers || fail "the Docker Engine still denies access to $user: log out and in again, then run this again"
}

builder() { # arguments of `docker build`; uses buildx if installed, else a client with built-in BuildKit
  if docker buildx version >/dev/null 2>&1; then docker buildx build --load "$@"; return; fi
  local client
  for client in $(type -ap docker) /usr/bin/docker; do
    if [ -x "$client" ] && [ "$("$client" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')" -lt 23 ]; then
      DOCKER_BUILDKIT=1 "$client" build "$@"
      return
    fi
  done
  return 1
}

install_builder() { # newer clients need a plug-in; Debian 12's client has BuildKit built in
  local package
  for package in docker-buildx docker-buildx-plugin docker.io; do
    if in_apt "$package"; then install "$package"; break; fi
  done
  builder --help >/dev/null 2>&1 ||
    fail "no docker client on this machine can build with BuildKit: install docker-buildx or docker-buildx-plugin"
}
