# The base images: official ones where the public registry can be reached, else stand-ins with the same interface.

# In the order of need: the reference application's first.
IMAGES="python:3.11-slim-bookworm postgres:15 redis:7 node:22-bookworm-slim caddy:2 traefik:v3 registry:2"

base_images() {
  local missing; missing=$(missing_images)
  [ -n "$missing" ] || return 0
  say "base images that are missing or out of date:" $missing
  missing=$(pull $missing)
  # shellcheck disable=SC2086  # a list of images
  [ -z "$missing" ] || stand_ins $missing
}

missing_images() { # those that aren't there, and stand-ins whose recipe has changed since
  local present image recipe
  # shellcheck disable=SC2086  # a list of images
  present=$(docker image inspect $IMAGES 2>/dev/null --format \
    '{{range .RepoTags}}{{.}} {{index $.Config.Labels "dev.shipway.stand-in.recipe"}}{{"\n"}}{{end}}') || true
  for image in $IMAGES; do
    recipe=$(recipe_of "$image")
    grep -qxE "$image ($recipe)?" <<<"$present" || echo "$image"
  done
}

pull() { # image...; prints those that could not be pulled
  local image left=
  for image in "$@"; do
    # One short look decides for all: where the first can't be found, nobody waits for the others.
    if [ "$image" = "$1" ] && ! registry_answers "$image"; then echo "$@"; return; fi
    say "pulling $image" >&2
    docker pull --quiet "$image" >/dev/null 2>&1 || left="$left $image"
  done
  echo "$left"
}

registry_answers() { # image: starts to pull it, and looks whether the engine hears of its layers
  local log answered=1 pulling _
  log=$(mktemp)
  docker pull "$1" >"$log" 2>&1 &
  pulling=$!
  for _ in $(seq 100); do
    if grep -q 'Pulling from' "$log"; then answered=0; break; fi
    kill -0 "$pulling" 2>/dev/null || break
    sleep 0.1
  done
  # The engine goes on where this one stopped when the image is pulled in earnest.
  kill "$pulling" 2>/dev/null || true
  wait "$pulling" 2>/dev/null || true
  rm -f "$log"
  return "$answered"
}
