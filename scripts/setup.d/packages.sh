# Packages of the machine, by apt, and functions for messages.

say() { printf 'setup: %s\n' "$*"; }
fail() { printf "setup: failed: %s\n" "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

need_root() { # what for
  [ "$(id -u)" != 0 ] || return 0
  have sudo || fail "$1 requires root, and sudo is not installed: run this as root"
  sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; } || fail "$1 requires root, and sudo denies it to $(id -un): run this as root"
}

root() { # command...; after need_root
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install() { # package...: prints what it installs first
  have apt-get || fail "this machine has no apt-get; install these manually and run this again: $*"
  need_root "installing $*"
  say "installing by apt-get: $*"
  # Package lists may be missing or outdated: refresh them once.
  apt_get install "$@" || { refresh_lists && apt_get install "$@"; } ||
    fail "apt-get install $* failed: $OUTPUT"
}

refresh_lists() {
  need_root "apt-get update"
  say "refreshing the lists of packages"
  apt_get update || fail "apt-get update failed; check the network. $OUTPUT"
}

apt_get() { # its output is in OUTPUT
  OUTPUT=$(root env DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes --no-install-recommends \
    -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@" 2>&1)
}

in_apt() { # package: can it be installed?
  [[ "$(apt-cache policy "$1" 2>/dev/null)" == *"Candidate: "[!\(]* ]]
}
