FROM shipway-stand-in/debian:bookworm
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends docker-registry >/dev/null \
 && rm -rf /var/lib/apt/lists/*
# Without the cache of blob descriptors in memory: with it a garbage collection loses images that are pushed again.
COPY registry.yml /etc/docker/registry/config.yml
VOLUME /var/lib/registry
EXPOSE 5000
ENTRYPOINT ["docker-registry"]
CMD ["serve", "/etc/docker/registry/config.yml"]
