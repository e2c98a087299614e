#!/usr/bin/env bash
# Bare hosts on one machine for tests: each is process 1 of namespaces of its own, with a root filesystem of its own (a
# fresh layer over ROOT) and an SSH server, as a provider hands it over. No service manager runs there.
# usage, as root: bare_hosts.sh FOLDER COUNT ROOT; prints `up PREFIX` when all answer: host N has the address PREFIX.1N
# Then a command a line (see `obey`), each answered with `ok` or `failed`. At the end of the input, and also where the
# process that gives it was killed, everything goes: processes, namespaces, links, cgroups, and FOLDER.
# FOLDER has, made by the caller: key.pub
set -u
FOLDER=$1 COUNT=$2 ROOT=$3
NAME=shipway-bare-$$ # of the cgroups
declare -a PID

main() {
  exec 3>&1 >"$FOLDER/log" 2>&1
  trap down EXIT
  up || { tail -n 5 "$FOLDER/log" "$FOLDER"/host*/log >&3; exit 1; }
  echo "up $PREFIX" >&3
  local line answer
  while read -r -a line; do
    if obey "${line[@]}" </dev/null; then answer=ok; else answer=failed; fi
    echo "$answer" >&3
  done
}

obey() { # COMMAND HOST
  case $1 in
    kill) gone "$2" ;;   # as if its power were cut
    start) start "$2" ;; # again, with the disk that it had; what a service manager would start doesn't
    new) gone "$2" && rm -rf "$FOLDER/host$2" && start "$2" ;; # as if it were installed again: also its key is another one
    *) false ;;
  esac
}

up() {
  # The bridge has a namespace of its own, so that no rule of this machine's firewall sees what passes it.
  setpriv --pdeathsig KILL unshare --net sleep infinity & PID[0]=$!
  separate "${PID[0]}" || return
  inside 0 ip link add br0 type bridge && inside 0 ip link set br0 up || return
  local number
  for number in $(seq 0 99); do # the first network that is free here
    PREFIX=10.214.$number
    ip -4 route show | grep -q "$PREFIX\." && continue
    ip link add "shipbare$number" type veth peer name port0 netns "${PID[0]}" && break
  done
  ip addr add "$PREFIX.1/24" dev "shipbare$number" && ip link set "shipbare$number" up && plug 0 || return
  for number in $(seq "$COUNT"); do start "$number" || return; done
}

start() { # HOST
  local disk=$FOLDER/host$1
  mkdir -p "$disk/upper" "$disk/work" "$disk/root" "$disk/engine" "$disk/cgroup"
  # With --pdeathsig and --kill-child no host outlives this script, whatever ends it.
  setpriv --pdeathsig KILL \
    unshare --net --mount --uts --pid --fork --kill-child \
    bash "$0" --inside "$FOLDER" "$1" "$ROOT" "$NAME" >>"$disk/log" 2>&1 </dev/null & PID[$1]=$!
  separate "${PID[$1]}" &&
    inside 0 ip link add "port$1" type veth peer name eth0 netns "${PID[$1]}" address "02:00:00:00:01:1$1" && plug "$1" &&
    inside "$1" ip addr add "$PREFIX.1$1/24" dev eth0 && inside "$1" ip link set eth0 up &&
    inside "$1" ip route add default via "$PREFIX.1" || return
  local _
  for _ in $(seq 100); do
    if ssh-keyscan -T 1 "$PREFIX.1$1" 2>/dev/null | grep -q .; then return; fi
    sleep 0.1
  done
  return 1
}

inside_host() { # FOLDER HOST ROOT CGROUP: what process 1 of a host does
  set -e
  local disk=$1/host$2 root=$1/host$2/root path
  hostname "host$2"
  ip link set lo up
  mount --make-rprivate /
  mount --rbind /sys/fs/cgroup "$disk/cgroup"
  mount -t overlay overlay -o "lowerdir=$3,upperdir=$disk/upper,workdir=$disk/work" "$root"
  mount -t proc proc "$root/proc"
  mount -t sysfs sysfs "$root/sys"
  mount --rbind "$disk/cgroup" "$root/sys/fs/cgroup"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs none "$root/run"
  mount -t tmpfs none "$root/tmp"
  mkdir -p "$root/var/lib/docker" "$root/run/sshd" "$root/root/.ssh" "$root/home/admin/.ssh"
  mount --bind "$disk/engine" "$root/var/lib/docker" # no layers over layers
  if [ ! -e "$root/etc/ssh/ssh_host_ed25519_key" ]; then
    for path in root home/admin; do cp "$1/key.pub" "$root/$path/.ssh/authorized_keys"; done
    chroot "$root" chown -R admin:admin /home/admin
    chroot "$root" ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
    echo "host$2" >"$root/etc/hostname"
    printf '127.0.0.1 localhost\n127.0.1.1 host%s\n' "$2" >"$root/etc/hosts"
    init_script "/$4/host$2" >"$root/etc/init.d/docker"
    chmod 755 "$root/etc/init.d/docker"
  fi
  cd "$root"
  mkdir -p .old
  pivot_root . .old
  exec chroot . bash -c '
    umount -l /.old
    rmdir /.old
    /usr/sbin/sshd
    while true; do wait -n || sleep 1; done # as process 1 must: what has ended is gone
  '
}

init_script() { # CGROUP: the package's own one raises limits, which not every machine allows, and leaves it in place
  # The hierarchy of cgroups is shared with this machine: what is there must be found again.
  cat <<INIT
#!/bin/sh
### BEGIN INIT INFO
# Provides: docker
# Required-Start:
# Required-Stop:
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
### END INIT INFO
case \$1 in
  start)
    start-stop-daemon --start --oknodo --background --no-close --pidfile /run/docker.pid --exec /usr/sbin/dockerd -- \\
      --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent $1 --pidfile /run/docker.pid >>/var/log/docker.log 2>&1 ;;
  stop) start-stop-daemon --stop --oknodo --retry 30 --pidfile /run/docker.pid ;;
  restart) \$0 stop; \$0 start ;;
  *) exit 3 ;;
esac
INIT
}

gone() { # HOST: SIGKILL to process 1 takes all others with it; the link goes with the last
  kill -KILL "${PID[$1]}"
  wait "${PID[$1]}"
  local _
  for _ in $(seq 200); do inside 0 ip link show "port$1" || return 0; sleep 0.05; done
  return 1
}

down() {
  local number path
  for number in $(seq "$COUNT"); do [ -z "${PID[$number]:-}" ] || gone "$number"; done
  [ -z "${PID[0]:-}" ] || kill -KILL "${PID[0]}"
  for path in /sys/fs/cgroup/"$NAME" /sys/fs/cgroup/*/"$NAME"; do
    [ ! -d "$path" ] || find "$path" -depth -type d -exec rmdir {} +
  done
  rm -rf "$FOLDER"
}

inside() { nsenter --target "${PID[$1]}" --net "${@:2}"; }
plug() { inside 0 ip link set "port$1" master br0 up; }

separate() { # PID: wait until it has a network namespace of its own
  local _
  for _ in $(seq 100); do
    [ "$(readlink "/proc/$1/ns/net")" = "$(readlink "/proc/$$/ns/net")" ] || return 0
    sleep 0.02
  done
  return 1
}

case $1 in
  --inside) inside_host "${@:2}" ;;
  *) main ;;
esac
