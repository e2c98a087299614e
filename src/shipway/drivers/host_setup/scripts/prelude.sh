# Before every script that changes something. The output goes to a log, so that a lost connection ends nothing half-way;
# of a failure, the last lines are shown.
set -eu
umask 022
export LC_ALL=C DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin
mkdir -p -m 755 /run/shipway /etc/shipway
LOG=/var/log/shipway-host.log

service_do() { # ACTION SERVICE
  if [ -d /run/systemd/system ]; then systemctl "$1" "$2"; else service "$2" "$1"; fi
}
enable() { # SERVICE: at boot
  if command -v systemctl >/dev/null; then systemctl --quiet enable "$1"; else update-rc.d "${1%.*}" defaults; fi
}
write() { # PATH MODE: the input, complete or not at all
  cat >"$1.shipway-new"
  chmod "$2" "$1.shipway-new"
  mv "$1.shipway-new" "$1"
}
after() { # SECONDS COMMAND...: in the background, whatever becomes of this connection
  setsid sh -c 'sleep "$1"; shift; "$@"' sh "$@" </dev/null >>"$LOG" 2>&1 &
}
