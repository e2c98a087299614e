# Packages of the machine, by apt, and the words with which the set-up speaks.

say() { printf 'setup: %s\n' "$*"; }
fail() { printf "setup: can't go on: %s\n" "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

need_root() { # what for
  [ "$(id -u)" != 0 ] || return 0
  have sudo || fail "$1 needs root, and there is no sudo: call me as root"
  sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; } || fail "$1 needs root, and sudo refuses $(id -un): call me as root"
}

root() { # command...; after need_root
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install() { # package...: says what it does first
  have apt-get || fail "this machine has no apt-get; install these by hand and call me again: $*"
  need_root "installing $*"
  say "installing by apt-get: $*"
  # The lists of a fresh machine may be missing, those of an old one name packages that are gone: look again, once.
  apt_get install "$@" || { refresh_lists && apt_get install "$@"; } ||
    fail "apt-get install $* failed: $OUTPUT"
}

refresh_lists() {
  need_root "apt-get update"
  say "refreshing the lists of packages"
  apt_get update || fail "apt-get update failed; is the network there? $OUTPUT"
}

apt_get() { # its words are in OUTPUT
  OUTPUT=$(root env DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes --no-install-recommends \
    -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@" 2>&1)
}

in_apt() { # package: can it be installed?
  [[ "$(apt-cache policy "$1" 2>/dev/null)" == *"Candidate: "[!\(]* ]]
}
