# SETTINGS: the whole file of settings.
running() { timeout 20 docker version >/dev/null 2>&1; }
await() { for _ in $(seq 60); do if running; then return 0; fi; sleep 1; done; return 1; }
file=/etc/docker/daemon.json
mkdir -p /etc/docker
enable docker.service
before=
if [ -f "$file" ]; then
  before=$file.before-shipway
  [ -f "$before" ] || cp -p "$file" "$before"
  cp -p "$file" /run/shipway/daemon.json
fi
if [ "$(cat "$file" 2>/dev/null || true)" != "$SETTINGS" ]; then
  printf '%s\n' "$SETTINGS" | write "$file" 644
  if running; then
    # Containers survive a restart of the engine only once live-restore is in force, which needs no restart.
    service_do reload docker || kill -HUP "$(cat /var/run/docker.pid)"
    sleep 1
    service_do restart docker
  fi
fi
running || service_do start docker
if ! await; then
  if [ -n "$before" ]; then mv /run/shipway/daemon.json "$file"; else rm "$file"; fi
  service_do restart docker || true
  echo "the engine did not start with the new settings; the previous ones are in force again"
  exit 1
fi
rm -f /run/shipway/daemon.json
