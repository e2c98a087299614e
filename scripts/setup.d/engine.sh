# A Docker Engine that answers, and a client that can build with BuildKit.

engine() {
  have docker || install docker.io
  if docker version >/dev/null 2>&1; then return; fi
  have dockerd || install docker.io
  have iptables || install iptables
  say "starting the Docker Engine"
  if [ -d /run/systemd/system ]; then root systemctl start docker; else start_dockerd; fi
  local _
  for _ in $(seq 150); do
    if docker version >/dev/null 2>&1; then return; fi
    sleep 0.2
  done
  if docker version 2>&1 | grep -q 'permission denied'; then
    fail "the Docker Engine refuses you: add yourself to its group (sudo usermod -aG docker $USER) and log in again"
  fi
  fail "the Docker Engine did not start within 30 s; its log: /var/log/dockerd.log"
}

start_dockerd() { # where there is no systemd
  root sh -c 'rm -f /var/run/docker.pid; setsid nohup dockerd >/var/log/dockerd.log 2>&1 </dev/null &'
}

builder() { # the client that builds: buildx where it is, else a client that still has BuildKit inside
  if docker buildx version >/dev/null 2>&1; then docker buildx build --load "$@"; return; fi
  local client
  for client in $(type -ap docker) /usr/bin/docker; do
    if [ -x "$client" ] && [ "$("$client" version --format '{{.Client.Version}}' | cut -d. -f1)" -lt 23 ]; then
      DOCKER_BUILDKIT=1 "$client" build "$@"; return
    fi
  done
  install docker.io
  DOCKER_BUILDKIT=1 /usr/bin/docker build "$@"
}
