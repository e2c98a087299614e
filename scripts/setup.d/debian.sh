# The root folder of the stand-ins: Debian 12, by mmdebstrap, from the machine's own package sources.

DEBIAN=shipway-stand-in/debian:bookworm
DEBS=shipway-stand-in/debs:bookworm
# Fetched here, by the machine itself, so that building an image needs no network.
IN_STAND_INS="python3 python3-venv postgresql-15 redis-server docker-registry busybox-static media-types"
FETCH="apt-get -qq --yes --no-install-recommends --download-only install $IN_STAND_INS"

debian_recipe() { declare -f debian bootstrap; echo "$FETCH"; cat images/debian/*; }

debian() { # makes $DEBIAN, and $DEBS with the packages and the lists that name them
  local recipe
  recipe=$(debian_recipe | sha256sum | cut -c1-16)
  [ "$(recipe_in "$DEBIAN") $(recipe_in "$DEBS")" != "$recipe $recipe" ] || return 0
  have mmdebstrap || install mmdebstrap
  debian_sources > "$WORK/sources"
  [ -s "$WORK/sources" ] || { refresh_lists; debian_sources > "$WORK/sources"; }
  [ -s "$WORK/sources" ] ||
    fail "stand-ins are made from Debian's packages, and this machine's apt knows no source of them:" \
      "let the Docker Engine reach the public registry, or \`docker load\` these images: ${IMAGES[*]}"
  need_root "mmdebstrap"
  say "making a minimal Debian with mmdebstrap (about a minute)"
  local start=$SECONDS
  bootstrap >"$WORK/mmdebstrap.log" 2>&1 || { tail -n 20 "$WORK/mmdebstrap.log" >&2; fail "mmdebstrap failed"; }
  root tar -C "$WORK/debs" -c . | import "$DEBS" "$recipe"
  # A certificate that only this machine trusts is trusted inside too, by programs that bring a bundle of their own.
  local bundle=/etc/ssl/certs/ca-certificates.crt
  import "$DEBIAN" "$recipe" --change \
    "ENV SSL_CERT_FILE=$bundle PIP_CERT=$bundle REQUESTS_CA_BUNDLE=$bundle NODE_EXTRA_CA_CERTS=$bundle LANG=C.UTF-8" \
    < "$WORK/debian.tar"
  root rm -rf "$WORK/debs" "$WORK/debian.tar"
  say "made $DEBIAN ($((SECONDS - start)) s)"
}

# shellcheck disable=SC2016  # $1 is mmdebstrap's
bootstrap() { # into $WORK/debian.tar and $WORK/debs
  local options=() option
  # What this machine's apt needs to reach the packages (a proxy, a clock that is off), mmdebstrap's apt needs as well.
  while read -r option; do options+=(--aptopt="${option%;}"); done \
    < <(apt-config dump | grep -E '^Acquire::(Check-|https?::)' || true)
  mkdir "$WORK/debs"
  root mmdebstrap --quiet --mode=root --variant=minbase "${options[@]}" \
    --include=ca-certificates,usr-is-merged --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt=force-unsafe-io \
    --customize-hook="APT_CONFIG=\"\$MMDEBSTRAP_APT_CONFIG\" $FETCH" \
    --customize-hook="copy-out /var/lib/apt/lists /var/cache/apt/archives '$WORK/debs'" \
    --customize-hook='copy-in images/debian/small.conf /etc/apt/apt.conf.d/' \
    --customize-hook='rm -f "$1"/var/cache/apt/*.bin' \
    --customize-hook='copy-in /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/' \
    bookworm "$WORK/debian.tar" "$WORK/sources"
}

import() { # image, recipe, option...; a tar file on the input
  local old; old=$(id_of "$1")
  docker import --change "LABEL dev.shipway.stand-in=true dev.shipway.stand-in.recipe=$2" "${@:3}" - "$1" >/dev/null ||
    fail "the Docker Engine rejected $1"
  forget "$old" "$1"
}

# shellcheck disable=SC2016  # $(…) is apt's
debian_sources() { # sources of Debian only; a newer Debian's mirror has bookworm, too
  local codename; codename=$(. /etc/os-release; echo "${VERSION_CODENAME:-bookworm}")
  apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)|$(ORIGIN)' 'Created-By: Packages' |
    sed -n 's/|Debian$//p' |
    awk -v host="$codename" '$3 == host || index($3, host "-") == 1 { sub(host, "bookworm", $3); print }' |
    sed -e '/-backports /d' -e '/-proposed-updates /d' | sort -u
}
