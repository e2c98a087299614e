"""Go with a migration container, labels of a Caddy that reads the engine, a monorepo."""

from __future__ import annotations

from tests.unit.drafting.shapes.shape import Shape

MONOREPO = Shape(
    {
        ".docker/compose.yml": """\
services:
  edge:
    image: lucaslorentz/caddy-docker-proxy:2.9
    ports: ["80:80", "443:443"]
    volumes: ["/var/run/docker.sock:/var/run/docker.sock", "caddy_data:/data"]
  server:
    build: {context: ../apps/server, target: release, args: {VERSION: "${VERSION:-dev}"}}
    environment:
      DATABASE_URL: postgres://shop:${DB_PASSWORD:-shop}@db:5432/shop?sslmode=disable
      HTTP_ADDR: ":8080"
      SHUTDOWN: 10s
    depends_on:
      migrate: {condition: service_completed_successfully}
    healthcheck: {test: ["CMD", "/server", "health"]}
    stop_signal: SIGINT
    labels:
      caddy: shop.example.dev
      caddy.handle_path: /api/*
      caddy.handle_path.0_reverse_proxy: "{{upstreams 8080}}"
  site:
    build: ../apps/site
    expose: ["3000"]
    labels:
      caddy: shop.example.dev
      caddy.reverse_proxy: "{{upstreams 3000}}"
  migrate:
    image: migrate/migrate:v4.17.1
    command: ["-path", "/migrations", "-database", "postgres://shop:shop@db:5432/shop?sslmode=disable", "up"]
    volumes: ["../apps/server/migrations:/migrations"]
    restart: on-failure
  db:
    image: postgres:16
    environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: "${DB_PASSWORD:-shop}", POSTGRES_DB: shop}
    volumes: [{type: volume, source: db, target: /var/lib/postgresql/data}]
    shm_size: 256m
volumes: {caddy_data: , db: }
""",
        "apps/server/Dockerfile": 'FROM golang:1.22 AS build\nFROM alpine:3 AS release\nCOPY migrations /migrations\nCMD ["/server"]\n',
        "apps/server/migrations/0001_items.up.sql": "CREATE TABLE items (id int);\n",
        "apps/server/migrations/0001_items.down.sql": "DROP TABLE items;\n",
        "apps/site/Dockerfile": "FROM node:22-slim\nEXPOSE 3000\n",
    },
    """
services.server.build = {folder: apps/server, target: release, args: {VERSION: dev}}
services.server.port = 8080
services.server.route = /api
services.server.health.command = /server health
services.server.environment.SHUTDOWN = 10s
services.server.environment.DATABASE_URL absent
services.site.build = apps/site
services.site.port = 3000
services.site.route = /
services.edge absent
services.migrate absent
says edge
says migrate
says strip
says stop_signal
accessories.db.image = postgres:16
accessories.db.provides = DATABASE_URL
accessories.db.volume = /var/lib/postgresql/data
says shm_size
environments.production.url = https://shop.example.dev
""",
)
