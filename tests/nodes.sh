#!/usr/bin/env bash
# Hosts on one machine for tests: each is process 1 of namespaces of its own, with a Docker Engine and an SSH server.
# usage, as root: nodes.sh FOLDER COUNT; prints `up PREFIX` when all answer: node N has the address PREFIX.1N
# Then a command a line (see `obey`), each answered with `ok` or `failed`. At the end of the input, and also where the
# process that gives it was killed, everything goes: processes, namespaces, links, cgroups, and FOLDER.
# FOLDER has, made by the caller: sshd_config passwd shadow
set -u
FOLDER=$1 COUNT=$2
NAME=shipway-nodes-$$ # of the cgroups
declare -a PID

main() {
  exec 3>&1 >"$FOLDER/log" 2>&1
  trap down EXIT
  up || { tail -n 5 "$FOLDER/log" "$FOLDER"/node*/log >&3; exit 1; }
  echo "up $PREFIX" >&3
  local line answer
  while read -r -a line; do
    if obey "${line[@]}" </dev/null; then answer=ok; else answer=failed; fi
    echo "$answer" >&3
  done
}

obey() { # COMMAND NODE ...
  case $1 in
    kill) gone "$2" ;;                                # as if its power were cut
    start) start "$2" && ready "$2" ;;                # again, with the disk that it had
    new) gone "$2" && rm -rf "$FOLDER/node$2/data" && start "$2" && ready "$2" ;; # as if it were installed again
    silence) inside "$2" ip link set eth0 down ;;     # as if its cable were pulled
    speak) inside "$2" ip link set eth0 up ;;
    stop-engine) stop_engine "$2" "$3" ;;             # by this signal
    start-engine) start_engine "$2" && ready "$2" ;;
    load) docker save "${@:3}" | engine "$2" load ;;  # images of this machine's engine
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
    PREFIX=10.213.$number
    ip -4 route show | grep -q "$PREFIX\." && continue
    ip link add "shipway$number" type veth peer name port0 netns "${PID[0]}" && break
  done
  ip addr add "$PREFIX.1/24" dev "shipway$number" && ip link set "shipway$number" up && plug 0 || return
  for number in $(seq "$COUNT"); do start "$number" || return; done
  for number in $(seq "$COUNT"); do ready "$number" || return; done
}

start() { # NODE
  mkdir -p "$FOLDER/node$1/data" "$FOLDER/node$1/cgroup"
  # With --pdeathsig and --kill-child no node outlives this script, whatever ends it.
  setpriv --pdeathsig KILL \
    unshare --net --mount --uts --pid --fork --kill-child --mount-proc \
    bash "$0" --inside "$FOLDER" "$1" "$NAME" >>"$FOLDER/node$1/log" 2>&1 </dev/null & PID[$1]=$!
  separate "${PID[$1]}" &&
    # Always the same hardware address: the others remember it.
    inside 0 ip link add "port$1" type veth peer name eth0 netns "${PID[$1]}" address "02:00:00:00:00:1$1" && plug "$1" &&
    inside "$1" ip addr add "$PREFIX.1$1/24" dev eth0 && inside "$1" ip link set eth0 up
}

node() { # FOLDER NODE CGROUP: what process 1 of a node does
  set -e
  hostname "node$2"
  mount -t tmpfs none /run
  mkdir -p /run/sshd
  # A network namespace wants a /sys of its own, which would hide the cgroups.
  mount --rbind /sys/fs/cgroup "$1/node$2/cgroup"
  mount -t sysfs sysfs /sys
  mount --rbind "$1/node$2/cgroup" /sys/fs/cgroup
  mount --bind "$1/passwd" /etc/passwd
  mount --bind "$1/shadow" /etc/shadow
  ip link set lo up
  /usr/sbin/sshd -e -f "$1/sshd_config"
  node_engine "$@" &
  sleep infinity &
  while true; do wait -n || true; done # as process 1 must: what has ended is gone
}

node_engine() { # as `node`
  GOGC=400 exec dockerd --data-root "$1/node$2/data" --pidfile /run/docker.pid --host unix:///run/docker.sock \
    --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$3/node$2"
}

ready() { # NODE
  local _
  for _ in $(seq 300); do
    if engine "$1" version; then return; fi
    kill -0 "${PID[$1]}" || return
    sleep 0.1
  done
  return 1
}

stop_engine() { # NODE SIGNAL: returns when it has ended
  nsenter --target "$(first "$1")" --mount --pid bash -c '
    process=$(cat /run/docker.pid)
    kill -"$0" "$process"
    for _ in $(seq 600); do kill -0 "$process" || exit 0; sleep 0.05; done
    exit 1' "$2"
}

start_engine() { # NODE: again; it goes with the node
  nsenter --target "$(first "$1")" --net --mount --uts --pid \
    bash "$0" --engine "$FOLDER" "$1" "$NAME" >>"$FOLDER/node$1/log" 2>&1 </dev/null &
}

gone() { # NODE: SIGKILL to process 1 takes all others with it; the link goes with the last
  kill -KILL "${PID[$1]}"
  wait "${PID[$1]}"
  local _
  for _ in $(seq 200); do inside 0 ip link show "port$1" || return 0; sleep 0.05; done
  return 1
}

down() {
  local number path _
  for number in $(seq "$COUNT"); do [ -z "${PID[$number]:-}" ] || gone "$number"; done
  [ -z "${PID[0]:-}" ] || kill -KILL "${PID[0]}"
  for path in /sys/fs/cgroup/"$NAME" /sys/fs/cgroup/*/"$NAME"; do
    [ ! -d "$path" ] || find "$path" -depth -type d -exec rmdir {} +
  done
  rm -rf "$FOLDER"
}

inside() { nsenter --target "${PID[$1]}" --net "${@:2}"; }
engine() { docker --host "unix:///proc/${PID[$1]}/root/run/docker.sock" "${@:2}"; }
first() { tr -d " " <"/proc/${PID[$1]}/task/${PID[$1]}/children"; } # process 1 of a node, as it is known here
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
  --inside) node "${@:2}" ;;
  --engine) node_engine "${@:2}" ;;
  *) main ;;
esac
