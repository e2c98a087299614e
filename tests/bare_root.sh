#!/usr/bin/env bash
# Makes FOLDER, the root filesystem of a bare Debian as a provider installs it, if it is missing: about two minutes, by
# mmdebstrap from the machine's own package sources. The packages that a preparation installs are in a repository inside,
# since the hosts of the tests have no way out.
# usage, as root: bare_root.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
ROOT=$1
INCLUDED=openssh-server,sudo,iproute2,procps,ca-certificates,systemd,systemd-sysv,netbase,dbus
INSTALLED="docker.io apparmor nftables unattended-upgrades systemd-timesyncd"

. scripts/setup.d/packages.sh
. scripts/setup.d/debian.sh

mkdir -p "$(dirname "$ROOT")"
exec 9>"$ROOT.lock"
flock 9
[ ! -d "$ROOT" ] || exit 0
have mmdebstrap || install mmdebstrap
WORK=$(mktemp -d "$ROOT.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
debian_sources >"$WORK/sources"
[ -s "$WORK/sources" ] || { refresh_lists; debian_sources >"$WORK/sources"; }
[ -s "$WORK/sources" ] || fail "this machine's apt knows no source of Debian's packages"
options=()
while read -r option; do options+=(--aptopt="${option%;}"); done \
  < <(apt-config dump | grep -E '^Acquire::(Check-|https?::)' || true)
fetch="apt-get -qq --yes --no-install-recommends --download-only install $INSTALLED"
# shellcheck disable=SC2016  # $1 is mmdebstrap's
mmdebstrap --quiet --mode=root --variant=minbase "${options[@]}" --include="$INCLUDED" \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt=force-unsafe-io \
  --customize-hook="APT_CONFIG=\"\$MMDEBSTRAP_APT_CONFIG\" $fetch" \
  --customize-hook='mkdir -p "$1/srv/packages" && mv "$1"/var/cache/apt/archives/*.deb "$1/srv/packages"' \
  bookworm "$WORK/root" "$WORK/sources"

for file in "$WORK"/root/srv/packages/*.deb; do
  dpkg-deb --field "$file"
  printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' \
    "${file##*/}" "$(stat -c %s "$file")" "$(sha256sum "$file" | cut -d' ' -f1)"
done >"$WORK/Packages"
mv "$WORK/Packages" "$WORK/root/srv/packages/Packages"
rm -rf "$WORK"/root/etc/apt/sources.list.d/* "$WORK"/root/etc/ssh/ssh_host_* "$WORK"/root/usr/sbin/policy-rc.d
echo "deb [trusted=yes] file:/srv/packages ./" >"$WORK/root/etc/apt/sources.list"
# Swap is the whole machine's, which the tests leave alone.
rm "$WORK/root/usr/sbin/swapon"
cat >"$WORK/root/usr/sbin/swapon" <<'STUB'
#!/bin/sh
case $1 in
  --show=*) [ ! -f /run/swap ] || stat -c %s "$(cat /run/swap)" ;;
  *) echo "$1" >/run/swap ;;
esac
STUB
chmod 755 "$WORK/root/usr/sbin/swapon"
chroot "$WORK/root" useradd --create-home --shell /bin/bash --password '*' admin
echo 'admin ALL=(ALL) NOPASSWD: ALL' >"$WORK/root/etc/sudoers.d/admin"
mv "$WORK/root" "$ROOT"
