"""A product that others host themselves: the publisher's image, data on a volume, nothing else."""

from __future__ import annotations

from tests.unit.drafting.shapes.shape import Shape

PUBLISHED = Shape(
    {
        "Dockerfile": 'FROM node:22-slim\nCOPY . .\nVOLUME /data\nEXPOSE 3000\nCMD ["node", "server.js"]\n',
        "docker-compose.yml": """\
services:
  shop:
    image: ghcr.io/acme/shop:latest
    container_name: shop
    restart: unless-stopped
    ports: ["${PORT:-3000}:3000"]
    volumes: ["./data:/data", "/etc/localtime:/etc/localtime:ro"]
    environment:
      - DATABASE_URL=file:/data/shop.db
      - SESSION_SECRET=${SESSION_SECRET:?set a long random text}
      - BASE_URL=${BASE_URL:-http://localhost:3000}
      - OPENAI_API_KEY=${OPENAI_API_KEY:-}
      - LOG_LEVEL=${LOG_LEVEL:-info}
    healthcheck:
      test: wget --no-verbose --tries=1 --spider http://localhost:3000/api/health || exit 1
      interval: 30s
      start_period: 20s
  watchtower:
    image: containrrr/watchtower
    volumes: ["/var/run/docker.sock:/var/run/docker.sock"]
""",
        "package.json": '{"name": "shop", "dependencies": {"knex": "3", "better-sqlite3": "11"}}',
        "knexfile.js": "module.exports = { client: 'better-sqlite3' }\n",
    },
    """
services.shop.build = .
services.shop.image absent
services.shop.port = 3000
services.shop.route = /
services.shop.health = /api/health
services.shop.environment.DATABASE_URL = file:/data/shop.db
services.shop.environment.OPENAI_API_KEY = ""
services.shop.environment.LOG_LEVEL = info
services.shop.secrets has SESSION_SECRET
services.watchtower absent
accessories absent
database.file = /data/shop.db
database.tool = knex
says watchtower
keeps /data
""",
)
