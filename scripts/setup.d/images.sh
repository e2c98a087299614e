# The base images: official ones if the public registry is reachable, else stand-ins with the same interface.

# In the order of need: the reference application's first.
IMAGES=(python:3.11-slim-bookworm postgres:15 redis:7 node:22-bookworm-slim caddy:2 traefik:v3 registry:2)

base_images() {
  local missing
  mapfile -t missing < <(missing_images)
  [ "${#missing[@]}" -gt 0 ] || return 0
  say "base images that are missing or out of date: ${missing[*]}"
  mapfile -t missing < <(pull "${missing[@]}")
  [ "${#missing[@]}" = 0 ] || stand_ins "${missing[@]}"
}

missing_images() { # prints missing ones, and stand-ins whose recipe has changed
  local present image recipe
  present=$(docker image inspect "${IMAGES[@]}" 2>/dev/null --format \
    '{{range .RepoTags}}{{.}} {{index $.Config.Labels "dev.shipway.stand-in.recipe"}}{{"\n"}}{{end}}') || true
  for image in "${IMAGES[@]}"; do
    recipe=$(recipe_of "$image")
    # An official image has no recipe, and is never out of date.
    grep -qxE "$image ($recipe)?" <<<"$present" || echo "$image"
  done
}

pull() { # image...; prints those that could not be pulled
  local image
  if ! registry_answers "$1"; then
    say "the public registry is unreachable" >&2
    printf '%s\n' "$@"
    return
  fi
  for image in "$@"; do
    say "pulling $image" >&2
    docker pull --quiet "$image" >/dev/null || echo "$image"
  done
}

registry_answers() { # image: starts to pull it, and checks for 10 s whether the engine lists its layers
  local log answered=1 pulling _
  log=$(mktemp)
  docker pull "$1" >"$log" 2>&1 &
  pulling=$!
  for _ in $(seq 100); do
    if grep -q 'Pulling from' "$log"; then answered=0; break; fi
    kill -0 "$pulling" 2>/dev/null || break
    sleep 0.1
  done
  # The actual pull reports which image it is.
  kill "$pulling" 2>/dev/null || true
  wait "$pulling" 2>/dev/null || true
  rm -f "$log"
  return "$answered"
}
