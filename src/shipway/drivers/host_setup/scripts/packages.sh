# PACKAGES: to install. Finishes first what an earlier run has begun.
apt_get() { apt-get -qq --yes -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold "$@"; }
dpkg --configure -a --force-confold
for try in 1 2 3 4 5 6; do # another program, such as the first boot's set-up, may hold the lock of the lists
  if apt_get update; then break; fi
  [ "$try" != 6 ] || exit 1
  sleep 10
done
apt_get -f install
# shellcheck disable=SC2086
apt_get --no-install-recommends install $PACKAGES
