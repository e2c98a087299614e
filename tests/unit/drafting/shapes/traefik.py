"""Traefik by labels, all settings in a committed .env, an override for development, a service that runs before the others."""

from __future__ import annotations

from tests.unit.drafting.shapes.shape import PYTHON, Shape

TRAEFIK = Shape(
    {
        ".env": """\
DOMAIN=shop.example
ENVIRONMENT=local
PROJECT_TITLE="The Shop"
SECRET_KEY=changethis
ADMIN_PASSWORD=changethis
SMTP_HOST=
SENTRY_DSN=
POSTGRES_PORT=5432
POSTGRES_DB=app
POSTGRES_USER=postgres
POSTGRES_PASSWORD=changethis
API_IMAGE=backend
""",
        "compose.yml": """\
services:
  db:
    image: postgres:16
    restart: always
    healthcheck:
      test: ["CMD-SHELL", "pg_isready -U ${POSTGRES_USER} -d ${POSTGRES_DB}"]
    volumes: [app-db:/var/lib/postgresql/data/pgdata]
    env_file: [.env]
    environment:
      - PGDATA=/var/lib/postgresql/data/pgdata
      - POSTGRES_PASSWORD=${POSTGRES_PASSWORD?not set}
      - POSTGRES_USER=${POSTGRES_USER?not set}
      - POSTGRES_DB=${POSTGRES_DB?not set}
  adminer:
    image: adminer
    restart: always
    labels: [traefik.enable=true, "traefik.http.routers.adminer.rule=Host(`adminer.${DOMAIN?not set}`)"]
  prestart:
    image: '${API_IMAGE?not set}:${TAG-latest}'
    build: {context: ./backend}
    depends_on: {db: {condition: service_healthy}}
    command: bash scripts/prestart.sh
    environment: &settings
      DOMAIN: ${DOMAIN}
      TITLE: ${PROJECT_TITLE}
      ENVIRONMENT: ${ENVIRONMENT}
      SECRET_KEY: ${SECRET_KEY?not set}
      ADMIN_PASSWORD: ${ADMIN_PASSWORD?not set}
      SMTP_HOST: ${SMTP_HOST}
      SENTRY_DSN: ${SENTRY_DSN:-}
      POSTGRES_SERVER: db
      POSTGRES_PORT: ${POSTGRES_PORT}
      POSTGRES_DB: ${POSTGRES_DB}
      POSTGRES_USER: ${POSTGRES_USER?not set}
      POSTGRES_PASSWORD: ${POSTGRES_PASSWORD?not set}
  api:
    image: '${API_IMAGE?not set}:${TAG-latest}'
    build: {context: ./backend}
    restart: always
    depends_on:
      db: {condition: service_healthy}
      prestart: {condition: service_completed_successfully}
    environment: *settings
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost:8000/api/v1/health-check/"]
      interval: 10s
    labels:
      - traefik.enable=true
      - traefik.http.services.api.loadbalancer.server.port=8000
      - traefik.http.routers.api-http.rule=Host(`api.${DOMAIN?not set}`)
  site:
    build:
      context: ./frontend
      args:
        - VITE_API_URL=https://api.${DOMAIN?not set}
        - NODE_ENV=production
    labels:
      - traefik.enable=true
      - traefik.http.services.site.loadbalancer.server.port=80
      - traefik.http.routers.site.rule=Host(`${DOMAIN?not set}`)
volumes: {app-db: }
""",
        "compose.override.yml": """\
services:
  proxy:
    image: traefik:3.0
    ports: ["80:80"]
    volumes: [/var/run/docker.sock:/var/run/docker.sock]
  api:
    ports: ["8000:8000"]
    command: [fastapi, run, --reload, app/main.py]
    volumes: [./backend:/app]
  mailcatcher:
    image: schickling/mailcatcher
    ports: ["1080:1080"]
""",
        "compose.traefik.yml": """\
services:
  traefik:
    image: traefik:3.0
    ports: ["80:80", "443:443"]
    volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro", "certs:/certificates"]
volumes: {certs: }
""",
        "backend/Dockerfile": PYTHON + 'CMD ["fastapi", "run", "app/main.py"]\n',
        "backend/alembic.ini": "[alembic]\nscript_location = app/alembic\n",
        "backend/scripts/prestart.sh": "set -e\nalembic upgrade head\npython app/initial_data.py\n",
        "frontend/Dockerfile": "FROM node:22 AS build\nFROM nginx:1\nCOPY --from=build /app/dist /usr/share/nginx/html\n",
    },
    """
services.api.build = backend
services.api.image absent
services.api.command absent
services.api.port = 8000
services.api.route = /api
services.api.health = /api/v1/health-check/
services.api.environment.POSTGRES_SERVER = db
services.api.environment.POSTGRES_USER = postgres
services.api.environment.TITLE = The Shop
services.api.environment.SENTRY_DSN = ""
services.api.environment.SMTP_HOST = ""
services.api.secrets has SECRET_KEY
services.api.secrets has ADMIN_PASSWORD
services.api.secrets has POSTGRES_PASSWORD
services.site.build.folder = frontend
services.site.build.args.NODE_ENV = production
services.site.port = 80
services.site.route = /
services.adminer absent
services.prestart absent
services.proxy absent
services.mailcatcher absent
says adminer
says prestart
accessories.db.image = postgres:16
accessories.db.volume = /var/lib/postgresql/data/pgdata
accessories.db.environment.POSTGRES_USER = postgres
accessories.db.environment.POSTGRES_DB = app
accessories.db.secrets has POSTGRES_PASSWORD
database.accessory = db
database.service = api
database.tool = alembic
environments.production.url = https://shop.example
""",
)
