"""Small repositories with the shape of public ones, and the facts that a right plan for each has.

A shape is its files and its facts, one a line:

    services.api.port = 8000              the value at this place of the plan, in YAML
    services.api.secrets has SECRET_KEY   an item of a list
    services.proxy absent                 nothing at this place
    says uploads                          a comment of the file has these words
    keeps /app/uploads                    a service has a volume there
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shipway.drafting.files import plain
from shipway.planfile.document import compose

RIGHT, WRONG, MISSING = "right", "wrong", "missing"
_ABSENT = object()


@dataclass(frozen=True)
class Shape:
    """Files by path, and the facts."""

    files: Mapping[str, str]
    facts: str

    def write(self, root: Path) -> None:
        """Write the files."""
        for name, text in self.files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)

    def judge(self, text: str) -> dict[str, str]:
        """Each fact, and whether the plan has it."""
        plan = plain(compose(text))
        comments = "\n".join(line.partition("#")[2] for line in text.splitlines() if "#" in line)
        facts = [line.strip() for line in self.facts.strip().splitlines() if line.strip()]
        return {fact: _judge(fact, plan, comments) for fact in facts}


def _judge(fact: str, plan: Any, comments: str) -> str:
    if fact.startswith("says "):
        return RIGHT if fact.removeprefix("says ").lower() in comments.lower() else MISSING
    if fact.startswith("keeps "):
        return RIGHT if fact.removeprefix("keeps ") in _kept(plan) else MISSING
    if fact.endswith(" absent"):
        return RIGHT if _at(plan, fact.removesuffix(" absent")) is _ABSENT else WRONG
    if " has " in fact:
        place, _, item = fact.partition(" has ")
        found = _at(plan, place)
        return RIGHT if isinstance(found, list) and plain(compose(item)) in found else MISSING
    place, _, expected = fact.partition(" = ")
    found = _at(plan, place)
    if found is _ABSENT:
        return MISSING
    return RIGHT if _same(place, found, plain(compose(expected))) else WRONG


def _kept(plan: Any) -> set[str]:
    """The folders of services that are volumes."""
    return {path for service in plan["services"].values() for path in service.get("volumes", {}).values()}


def _at(plan: Any, place: str) -> Any:
    for part in place.split("."):
        if not isinstance(plan, dict) or part not in plan:
            return _ABSENT
        plan = plan[part]
    return plan


def _same(place: str, found: Any, expected: Any) -> bool:
    if place.endswith(".build"):
        return _long(found) == _long(expected)
    if place.endswith((".command", ".entrypoint")):
        return shlex.split(str(found)) == shlex.split(str(expected))
    return bool(found == expected)


def _long(build: Any) -> Any:
    return {"folder": build} if isinstance(build, str) else build


PYTHON = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\n"
NGINX = """\
upstream app { server web:8000; }
server {
  listen 80;
  location /static/ { alias /srv/static/; }
  location / { proxy_set_header Host $host; proxy_pass http://app; }
}
"""

# Traefik by labels, all settings in a committed .env, an override for development, a service that runs before the others.
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

# The file in docker/, the context above it, nginx in front with its configuration mounted, workers by a merge.
SUBFOLDER = Shape(
    {
        ".env.example": "SECRET_KEY=change-me\nDEBUG=false\nPAGE_SIZE=25\nSTRIPE_API_KEY=\n",
        "docker/docker-compose.yml": """\
version: "3.8"
x-app: &app
  build:
    context: ..
    dockerfile: docker/app.Dockerfile
  env_file: ../.env
  restart: unless-stopped
  depends_on: [postgres, redis]
services:
  web:
    <<: *app
    command: gunicorn shop.wsgi:application --bind 0.0.0.0:8000 --workers 3
    expose: ["8000"]
    volumes: ["static:/srv/static", "media:/srv/media"]
    environment: &env
      DATABASE_URL: postgres://shop:shop@postgres:5432/shop
      CELERY_BROKER_URL: redis://redis:6379/0
      CELERY_RESULT_BACKEND: redis://redis:6379/1
    healthcheck:
      test: ["CMD-SHELL", "curl -fsS http://127.0.0.1:8000/healthz/ || exit 1"]
  worker:
    <<: *app
    command: celery -A shop worker -l info
    environment: *env
    volumes: ["media:/srv/media"]
  beat:
    <<: *app
    command: celery -A shop beat -l info
    environment: *env
  nginx:
    image: nginx:1.27-alpine
    ports: ["80:80", "443:443"]
    volumes:
      - ./nginx/default.conf:/etc/nginx/conf.d/default.conf:ro
      - static:/srv/static:ro
      - certs:/etc/letsencrypt
    depends_on: [web]
  certbot:
    image: certbot/certbot
    volumes: ["certs:/etc/letsencrypt"]
  postgres:
    image: postgres:16-alpine
    environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: shop, POSTGRES_DB: shop}
    volumes: [pg:/var/lib/postgresql/data]
  redis:
    image: redis:7-alpine
    command: redis-server --save 60 1
    volumes: [redis:/data]
volumes: {static: , media: , certs: , pg: , redis: }
""",
        "docker/app.Dockerfile": PYTHON + 'EXPOSE 8000\nCMD ["gunicorn", "shop.wsgi:application"]\n',
        "docker/nginx/default.conf": NGINX,
        "manage.py": "import django\n",
        "shop/wsgi.py": "",
    },
    """
services.web.build = {folder: ., dockerfile: docker/app.Dockerfile}
services.web.command = gunicorn shop.wsgi:application --bind 0.0.0.0:8000 --workers 3
services.web.port = 8000
services.web.route = /
services.web.health = /healthz/
services.web.environment.CELERY_RESULT_BACKEND = redis://redis:6379/1
services.web.environment.PAGE_SIZE = 25
services.web.environment.DEBUG = false
services.web.secrets has SECRET_KEY
services.worker.command = celery -A shop worker -l info
services.worker.build = {folder: ., dockerfile: docker/app.Dockerfile}
services.worker.port absent
services.worker.route absent
services.worker.environment.CELERY_RESULT_BACKEND = redis://redis:6379/1
services.worker.secrets has SECRET_KEY
services.beat.command = celery -A shop beat -l info
services.beat.route absent
services.nginx absent
services.certbot absent
says nginx
says certbot
keeps /srv/media
keeps /srv/static
accessories.postgres.image = postgres:16-alpine
accessories.postgres.provides = DATABASE_URL
accessories.postgres.volume = /var/lib/postgresql/data
accessories.redis.image = redis:7-alpine
accessories.redis.provides = CELERY_BROKER_URL
accessories.redis.volume = /data
accessories.redis.command = redis-server --save 60 1
database.tool = django
database.service = web
""",
)

# One file for production and one for development, images in compose/production/*, settings in a folder of env files.
TEMPLATE = Shape(
    {
        "docker-compose.local.yml": """\
services:
  django:
    build: {context: ., dockerfile: ./compose/local/django/Dockerfile}
    ports: ["8000:8000"]
    volumes: [".:/app:z"]
    command: /start
  mailpit: {image: "axllent/mailpit:latest", ports: ["8025:8025"]}
""",
        "docker-compose.production.yml": """\
volumes: {production_postgres_data: {}, production_media: {}, production_traefik: {}}
services:
  django: &django
    build: {context: ., dockerfile: ./compose/production/django/Dockerfile}
    image: shop_production_django
    volumes: [production_media:/app/shop/media]
    depends_on: [postgres, redis]
    env_file: [./.envs/.production/.django, ./.envs/.production/.postgres]
    command: /start
  postgres:
    build: {context: ., dockerfile: ./compose/production/postgres/Dockerfile}
    image: shop_production_postgres
    volumes: [production_postgres_data:/var/lib/postgresql/data]
    env_file: [./.envs/.production/.postgres]
  traefik:
    build: {context: ., dockerfile: ./compose/production/traefik/Dockerfile}
    ports: ["0.0.0.0:80:80", "0.0.0.0:443:443"]
    volumes: [production_traefik:/etc/traefik/acme]
  redis:
    image: docker.io/redis:6
  celeryworker:
    <<: *django
    image: shop_production_celeryworker
    command: /start-celeryworker
  celerybeat:
    <<: *django
    image: shop_production_celerybeat
    command: /start-celerybeat
""",
        "compose/local/django/Dockerfile": PYTHON,
        "compose/production/django/Dockerfile": PYTHON
        + 'COPY ./compose/production/django/start /start\nENTRYPOINT ["/entrypoint"]\n',
        "compose/production/django/start": "#!/bin/bash\npython /app/manage.py collectstatic --noinput\nexec gunicorn config.wsgi --bind 0.0.0.0:5000 --chdir=/app\n",
        "compose/production/django/start-celeryworker": "#!/bin/bash\nexec celery -A config.celery_app worker -l INFO\n",
        "compose/production/postgres/Dockerfile": "FROM docker.io/postgres:16\nCOPY ./compose/production/postgres/maintenance /usr/local/bin/maintenance\n",
        "compose/production/traefik/Dockerfile": "FROM docker.io/traefik:3.1\nCOPY ./compose/production/traefik/traefik.yml /etc/traefik\n",
        "compose/production/traefik/traefik.yml": """\
http:
  routers:
    web-secure-router: {rule: "Host(`shop.example.org`)", service: django}
  services:
    django: {loadBalancer: {servers: [{url: "http://django:5000"}]}}
""",
        ".envs/.local/.django": "USE_DOCKER=yes\nREDIS_URL=redis://redis:6379/0\n",
        ".envs/.local/.postgres": "POSTGRES_HOST=postgres\nPOSTGRES_PORT=5432\nPOSTGRES_DB=shop\nPOSTGRES_USER=debug\nPOSTGRES_PASSWORD=debug\n",
        "manage.py": "import django\n",
    },
    """
services.django.build = {folder: ., dockerfile: compose/production/django/Dockerfile}
services.django.command = /start
services.django.port = 5000
services.django.route = /
services.celeryworker.command = /start-celeryworker
services.celeryworker.port absent
services.celeryworker.route absent
services.celerybeat.command = /start-celerybeat
services.celerybeat.route absent
services.traefik absent
services.postgres absent
services.mailpit absent
says traefik
says .envs/.production/.django
keeps /app/shop/media
services.django.environment.POSTGRES_HOST = postgres
services.django.secrets has POSTGRES_PASSWORD
services.django.environment.USE_DOCKER absent
accessories.postgres.image = docker.io/postgres:16
accessories.postgres.volume = /var/lib/postgresql/data
accessories.redis.image = docker.io/redis:6
accessories.redis.provides = REDIS_URL
database.service = django
database.accessory = postgres
""",
)

# A product that others host themselves: the publisher's image, data on a volume, nothing else.
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

# A base file, and one on top of it for production; Caddy in front; MySQL in parts.
OVERLAY = Shape(
    {
        "docker-compose.yml": """\
services:
  api:
    build: ./api
    environment:
      DB_HOST: mysql
      DB_PORT: 3306
      DB_NAME: shop
      DB_USER: shop
      DB_PASSWORD: ${DB_PASSWORD}
      REDIS_HOST: cache
    depends_on: {mysql: {condition: service_healthy}, cache: {condition: service_started}}
  web:
    build: ./web
    depends_on: [api]
  mysql:
    image: mysql:8.0
    command: --default-authentication-plugin=mysql_native_password
    environment:
      MYSQL_DATABASE: shop
      MYSQL_USER: shop
      MYSQL_PASSWORD: ${DB_PASSWORD}
      MYSQL_ROOT_PASSWORD: ${DB_ROOT_PASSWORD}
    volumes: [mysql:/var/lib/mysql]
    healthcheck: {test: ["CMD", "mysqladmin", "ping"]}
  cache: {image: "redis:7"}
volumes: {mysql: }
""",
        "docker-compose.dev.yml": """\
services:
  api: {command: npm run dev, volumes: ["./api:/app", "/app/node_modules"], ports: ["9229:9229"]}
  phpmyadmin: {image: phpmyadmin, ports: ["8081:80"]}
""",
        "docker-compose.prod.yml": """\
services:
  api:
    build: {dockerfile: Dockerfile.prod}
    restart: always
    environment: {NODE_ENV: production, PORT: 4000}
    healthcheck:
      test: ["CMD", "wget", "-q", "--spider", "http://localhost:4000/healthz"]
    deploy: {replicas: 2, resources: {limits: {cpus: "0.50", memory: 512M}}}
    stop_grace_period: 45s
    volumes: ["uploads:/app/uploads"]
  web:
    build: {target: production, args: {NEXT_PUBLIC_API: /api}}
    restart: always
    environment: {PORT: "3000"}
  caddy:
    image: caddy:2
    ports: ["80:80", "443:443"]
    volumes: ["./Caddyfile:/etc/caddy/Caddyfile", "caddy:/data"]
volumes: {uploads: , caddy: }
""",
        "Caddyfile": "shop.example.net {\n  handle /api/* {\n    reverse_proxy api:4000\n  }\n  handle {\n    reverse_proxy web:3000\n  }\n}\n",
        "api/Dockerfile": 'FROM node:22\nCMD ["npm", "run", "dev"]\n',
        "api/Dockerfile.prod": 'FROM node:22-slim\nCMD ["node", "server.js"]\n',
        "web/Dockerfile": "FROM node:22 AS development\nFROM node:22-slim AS production\nFROM production AS last\n",
    },
    """
services.api.build = {folder: api, dockerfile: Dockerfile.prod}
services.api.command absent
services.api.port = 4000
services.api.route = /api
services.api.health = /healthz
services.api.replicas = 2
services.api.resources.cpus = 0.50
services.api.resources.memory = 512M
services.api.stop = 45s
services.api.environment.NODE_ENV = production
services.api.environment.DB_HOST = mysql
services.api.environment.REDIS_HOST = cache
services.api.secrets has DB_PASSWORD
services.web.build.folder = web
services.web.build.target = production
services.web.build.args.NEXT_PUBLIC_API = /api
services.web.port = 3000
services.web.route = /
services.caddy absent
services.phpmyadmin absent
says caddy
keeps /app/uploads
says docker-compose.dev.yml
accessories.mysql.image = mysql:8.0
accessories.mysql.environment.MYSQL_USER = shop
accessories.mysql.environment.MYSQL_DATABASE = shop
accessories.mysql.secrets has MYSQL_PASSWORD
accessories.mysql.volume = /var/lib/mysql
accessories.mysql.command = --default-authentication-plugin=mysql_native_password
accessories.cache.image = redis:7
environments.production.url = https://shop.example.net
""",
)

# A stack in deploy/: labels under deploy, secrets as files, images of a registry that the repository builds.
STACK = Shape(
    {
        "deploy/stack.yml": """\
services:
  gateway:
    image: traefik:v3.1
    ports: ["80:80"]
    volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"]
  accounts:
    image: ${REGISTRY:-registry.example.com}/shop/accounts:${TAG:-latest}
    build: {context: ../services/accounts}
    environment:
      PORT: "9000"
      AMQP_URL: amqp://guest:guest@rabbit:5672/
      DATABASE_PASSWORD_FILE: /run/secrets/database_password
    secrets: [database_password]
    cap_add: [NET_BIND_SERVICE]
    deploy:
      mode: replicated
      replicas: 3
      resources: {limits: {cpus: "1", memory: 256M}, reservations: {memory: 64M}}
      restart_policy: {condition: on-failure}
      labels:
        traefik.enable: "true"
        traefik.http.routers.accounts.rule: "Host(`shop.example.com`) && PathPrefix(`/accounts`)"
        traefik.http.services.accounts.loadbalancer.server.port: "9000"
        traefik.http.services.accounts.loadbalancer.healthcheck.path: /ready
    extra_hosts: ["host.docker.internal:host-gateway"]
  mailer:
    image: ${REGISTRY:-registry.example.com}/shop/mailer:${TAG:-latest}
    build: {context: ../services/mailer}
    environment: [AMQP_URL=amqp://guest:guest@rabbit:5672/, SMTP_PASSWORD]
    deploy: {replicas: 1, labels: ["traefik.enable=false"]}
  rabbit:
    image: rabbitmq:3.13-management
    ports: ["15672:15672"]
    volumes: [rabbit:/var/lib/rabbitmq]
    healthcheck: {test: rabbitmq-diagnostics -q ping}
secrets: {database_password: {external: true}}
volumes: {rabbit: }
""",
        "services/accounts/Dockerfile": 'FROM golang:1.22 AS build\nEXPOSE 1\nFROM scratch\nCOPY --from=build /accounts /accounts\nENTRYPOINT ["/accounts"]\n',
        "services/mailer/Dockerfile": PYTHON,
    },
    """
services.accounts.build = services/accounts
services.accounts.port = 9000
services.accounts.route = /accounts
services.accounts.health = /ready
services.accounts.replicas = 3
services.accounts.resources.memory = 256M
services.accounts.security.capabilities has NET_BIND_SERVICE
services.accounts.secrets has {name: database_password, as: file}
services.accounts.environment.DATABASE_PASSWORD_FILE = /run/secrets/database_password
says extra_hosts
services.mailer.build = services/mailer
services.mailer.port absent
services.mailer.route absent
services.mailer.secrets has SMTP_PASSWORD
services.gateway absent
says gateway
accessories.rabbit.image = rabbitmq:3.13-management
accessories.rabbit.provides = AMQP_URL
accessories.rabbit.volume = /var/lib/rabbitmq
accessories.rabbit.health.command = rabbitmq-diagnostics -q ping
environments.production.url = https://shop.example.com
""",
)

# Files that include and extend each other, profiles, an anchor that publishes a port.
COMPOSED = Shape(
    {
        "compose.yaml": """\
include: [infra/compose.yaml]
x-base: &base
  build: .
  ports: ["3000:3000"]
  environment:
    RAILS_ENV: production
    DATABASE_URL: postgres://postgres@db:5432/shop_production
    REDIS_URL: redis://redis:6379/0
    RAILS_MASTER_KEY:
services:
  web:
    <<: *base
    healthcheck: {test: ["CMD", "curl", "-fsSL", "http://localhost:3000/up"]}
    volumes: ["storage:/rails/storage"]
  sidekiq:
    <<: *base
    command: bundle exec sidekiq -C config/sidekiq.yml
  importer:
    extends: {file: jobs/common.yml, service: job}
    command: bin/import --every 60
  console: {extends: {service: web}, profiles: [tools], command: bin/rails console, tty: true}
  chrome: {image: "selenium/standalone-chrome", profiles: [test]}
volumes: {storage: }
""",
        "infra/compose.yaml": """\
services:
  db:
    image: postgres:15
    environment: {POSTGRES_HOST_AUTH_METHOD: trust, POSTGRES_DB: shop_production}
    volumes: ["db:/var/lib/postgresql/data", "./init:/docker-entrypoint-initdb.d"]
  redis: {image: "redis:7"}
volumes: {db: }
""",
        "infra/init/extensions.sql": "CREATE EXTENSION pg_trgm;\n",
        "jobs/common.yml": "services:\n  job:\n    build: {context: ., dockerfile: Dockerfile.job}\n    env_file: job.env\n    restart: always\n",
        "jobs/job.env": "BATCH=50\nIMPORT_TOKEN=abc\n",
        "jobs/Dockerfile.job": PYTHON,
        "Dockerfile": 'FROM ruby:3.3-slim\nEXPOSE 3000\nCMD ["./bin/rails", "server"]\n',
    },
    """
services.web.build = .
services.web.port = 3000
services.web.route = /
services.web.health.command = curl -fsSL http://localhost:3000/up
services.web.environment.RAILS_ENV = production
services.web.secrets has RAILS_MASTER_KEY
services.sidekiq.command = bundle exec sidekiq -C config/sidekiq.yml
services.sidekiq.port absent
services.sidekiq.route absent
services.sidekiq.secrets has RAILS_MASTER_KEY
services.importer.build = {folder: jobs, dockerfile: Dockerfile.job}
services.importer.command = bin/import --every 60
services.importer.environment.BATCH = 50
services.importer.secrets has IMPORT_TOKEN
services.importer.route absent
services.console absent
services.chrome absent
says console
says chrome
keeps /rails/storage
accessories.db.image = postgres:15
accessories.db.provides = DATABASE_URL
accessories.db.volume = /var/lib/postgresql/data
accessories.db.environment absent
says docker-entrypoint-initdb.d
accessories.redis.provides = REDIS_URL
""",
)

# PHP with nginx by FastCGI, which no HTTP edge replaces; one file, also used for development.
FASTCGI = Shape(
    {
        ".env.example": "APP_NAME=Shop\nAPP_ENV=local\nAPP_KEY=\nAPP_URL=http://localhost\nDB_CONNECTION=mysql\nDB_HOST=127.0.0.1\nDB_DATABASE=shop\nDB_USERNAME=shop\nDB_PASSWORD=secret\nMAIL_HOST=mailpit\n",
        "docker-compose.yml": """\
services:
  app:
    build: {context: ., dockerfile: .docker/php/Dockerfile}
    env_file: .env
    environment: {DB_HOST: db, REDIS_HOST: redis}
    volumes: [".:/var/www/html", "uploads:/var/www/html/storage/app"]
  queue:
    build: {context: ., dockerfile: .docker/php/Dockerfile}
    env_file: .env
    environment: {DB_HOST: db, REDIS_HOST: redis}
    command: php artisan queue:work --tries=3
    volumes: [".:/var/www/html"]
  nginx:
    image: nginx:alpine
    ports: ["8080:80"]
    volumes: [".:/var/www/html", "./.docker/nginx/site.conf:/etc/nginx/conf.d/default.conf"]
  db:
    image: mariadb:11
    environment:
      MARIADB_DATABASE: ${DB_DATABASE}
      MARIADB_USER: ${DB_USERNAME}
      MARIADB_PASSWORD: ${DB_PASSWORD}
      MARIADB_ROOT_PASSWORD: ${DB_PASSWORD}
    volumes: ["dbdata:/var/lib/mysql"]
  redis: {image: "redis:alpine"}
  phpmyadmin: {image: "phpmyadmin/phpmyadmin", ports: ["8081:80"]}
volumes: {dbdata: , uploads: }
""",
        ".docker/php/Dockerfile": "FROM php:8.3-fpm\nCOPY . /var/www/html\n",
        ".docker/nginx/site.conf": "server {\n  listen 80;\n  root /var/www/html/public;\n  location ~ \\.php$ { fastcgi_pass app:9000; }\n}\n",
        "artisan": "#!/usr/bin/env php\n",
    },
    """
services.app.build = {folder: ., dockerfile: .docker/php/Dockerfile}
services.app.environment.APP_NAME = Shop
services.app.environment.DB_HOST = db
services.app.environment.DB_DATABASE = shop
services.app.environment.REDIS_HOST = redis
services.app.secrets has APP_KEY
services.app.secrets has DB_PASSWORD
services.app.route absent
services.queue.command = php artisan queue:work --tries=3
services.queue.route absent
services.nginx.image = nginx:alpine
services.nginx.port = 80
services.nginx.route = /
says fastcgi
keeps /var/www/html/storage/app
services.phpmyadmin absent
says phpmyadmin
accessories.db.image = mariadb:11
accessories.db.environment.MYSQL_DATABASE = shop
accessories.db.environment.MYSQL_USER = shop
accessories.db.secrets has MYSQL_PASSWORD
accessories.db.volume = /var/lib/mysql
accessories.redis.image = redis:alpine
""",
)

# Only a development file: the source is mounted, the commands reload.
DEVELOPMENT = Shape(
    {
        "docker-compose.yml": """\
services:
  frontend:
    build: {context: ./client, target: dev}
    ports: ["5173:5173"]
    volumes: ["./client:/app", "/app/node_modules"]
    command: npm run dev -- --host
    environment: [CHOKIDAR_USEPOLLING=true]
  backend:
    build: ./server
    ports: ["8000:8000", "5678:5678"]
    volumes: ["./server:/code"]
    command: uvicorn main:app --host 0.0.0.0 --port 8000 --reload
    environment:
      MONGO_URL: mongodb://root:example@mongo:27017/shop?authSource=admin
      JWT_SECRET: dev
  mongo:
    image: mongo:7
    environment: {MONGO_INITDB_ROOT_USERNAME: root, MONGO_INITDB_ROOT_PASSWORD: example}
    ports: ["27017:27017"]
    volumes: [mongo:/data/db]
  mongo-express: {image: mongo-express, ports: ["8081:8081"]}
volumes: {mongo: }
""",
        "client/Dockerfile": 'FROM node:22 AS dev\nCMD ["npm", "run", "dev"]\nFROM dev AS build\nRUN npm run build\nFROM nginx:1\nCOPY --from=build /app/dist /usr/share/nginx/html\nEXPOSE 80\n',
        "server/Dockerfile": PYTHON + "EXPOSE 8000\n",
    },
    """
services.frontend.build = client
services.frontend.command absent
services.frontend.port = 80
services.frontend.route = /
services.frontend.environment absent
services.backend.build = server
services.backend.command = uvicorn main:app --host 0.0.0.0 --port 8000
services.backend.port = 8000
services.backend.route = /api
services.backend.secrets has JWT_SECRET
services.backend.secrets has MONGO_URL
services.mongo-express absent
says mongo-express
says source
accessories.mongo.image = mongo:7
accessories.mongo.port = 27017
accessories.mongo.volume = /data/db
accessories.mongo.environment.MONGO_INITDB_ROOT_USERNAME = root
accessories.mongo.secrets has MONGO_INITDB_ROOT_PASSWORD
""",
)

# The file starts only what the application needs; the application is in a Dockerfile.
BACKING = Shape(
    {
        "docker-compose.yml": """\
services:
  postgres:
    image: postgres:15
    ports: ["5432:5432"]
    environment: {POSTGRES_PASSWORD: postgres}
    volumes: ["./.data/pg:/var/lib/postgresql/data"]
  search:
    image: getmeili/meilisearch:v1.8
    ports: ["7700:7700"]
    volumes: ["search:/meili_data"]
volumes: {search: }
""",
        "Dockerfile": PYTHON
        + 'EXPOSE 8080\nHEALTHCHECK CMD curl -f http://localhost:8080/healthz\nCMD ["python", "-m", "shop"]\n',
    },
    """
services.shop.build = .
services.shop.port = 8080
services.shop.route = /
services.shop.health = /healthz
services.postgres absent
services.search absent
accessories.postgres.image = postgres:15
accessories.postgres.volume = /var/lib/postgresql/data
accessories.search.image = getmeili/meilisearch:v1.8
accessories.search.port = 7700
accessories.search.volume = /meili_data
""",
)

# Go with a migration container, labels of a Caddy that reads the engine, a monorepo.
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

# A whole file: everything that a deployment needs is in it. The system test deploys its draft as it is.
WEB = """\
import http.server, os, socket

def redis(*words):
    with socket.create_connection(("cache", 6379)) as connection:
        connection.sendall(b"*%d\\r\\n" % len(words) + b"".join(b"$%d\\r\\n%s\\r\\n" % (len(word), word) for word in words))
        return connection.recv(100).decode().strip(":$+\\r\\n")

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        host = self.headers["Host"].partition(":")[0]
        known = host in os.environ["ALLOWED_HOSTS"].split(",")
        self.send_response(200 if known else 400)
        self.end_headers()
        if known and self.path != "/healthz":
            assert os.environ["QUEUE_URL"] == "redis://cache:6379/2" and os.environ["SENTRY_DSN"] == ""
            self.wfile.write(f"{os.environ['SHOP_NAME']} at {os.environ['BASE_URL']}, visit {redis(b'INCR', b'visits')}".encode())

http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
"""
WHOLE = Shape(
    {
        ".env.example": "SHOP_NAME=Corner shop\nBASE_URL=http://localhost\nALLOWED_HOSTS=localhost\nSESSION_SECRET=\nPOSTGRES_PASSWORD=change-me\n",
        "docker/compose.yml": """\
x-settings: &settings
  POSTGRES_HOST: db
  POSTGRES_DB: ${POSTGRES_DB:-shop}
  POSTGRES_USER: ${POSTGRES_USER:-keeper}
  POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?set it in .env}
  REDIS_URL: redis://cache:6379/0
  QUEUE_URL: redis://cache:6379/2
  SENTRY_DSN: ${SENTRY_DSN:-}
services:
  web: &web
    image: ghcr.io/acme/shop:${TAG:-latest}
    build: {context: .., dockerfile: docker/web.Dockerfile, args: {GREETING: Hello}}
    restart: unless-stopped
    env_file: ../.env
    environment: {<<: *settings, PORT: 9000}
    expose: ["9000"]
    depends_on:
      migrate: {condition: service_completed_successfully}
      cache: {condition: service_started}
    healthcheck:
      test: ["CMD", "python", "-c", "import urllib.request; urllib.request.urlopen('http://localhost:9000/healthz')"]
    deploy: {replicas: 2, resources: {limits: {memory: 128M}}}
    stop_grace_period: 5s
  collector:
    build: ../collector
    restart: unless-stopped
    environment: *settings
    depends_on: [db]
  migrate:
    image: postgres:15
    environment: {PGHOST: db, PGUSER: "${POSTGRES_USER:-keeper}", PGPASSWORD: "${POSTGRES_PASSWORD}"}
    command: psql -f /migrations/0001_visits.up.sql
    volumes: ["../collector/migrations:/migrations:ro"]
    depends_on: {db: {condition: service_healthy}}
  proxy:
    image: nginx:1.27
    ports: ["80:80"]
    volumes: ["./nginx.conf:/etc/nginx/conf.d/default.conf:ro"]
  adminer: {image: adminer, ports: ["8081:8080"], profiles: [tools]}
  db:
    image: postgres:15
    environment:
      POSTGRES_USER: ${POSTGRES_USER:-keeper}
      POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?set it in .env}
      POSTGRES_DB: ${POSTGRES_DB:-shop}
    volumes: [pg:/var/lib/postgresql/data]
    healthcheck: {test: ["CMD-SHELL", "pg_isready -U ${POSTGRES_USER:-keeper}"]}
  cache: {image: "redis:7", command: redis-server --save ""}
volumes: {pg: }
""",
        "docker/nginx.conf": "server {\n  listen 80;\n  location / { proxy_pass http://web:9000; }\n}\n",
        "docker/web.Dockerfile": 'FROM python:3.11-slim-bookworm\nARG GREETING\nENV PYTHONUNBUFFERED=1\nCOPY web.py /\nCMD ["python", "/web.py"]\n',
        "web.py": WEB,
        "collector/Dockerfile": 'FROM postgres:15\nWORKDIR /app\nCOPY . .\nENTRYPOINT []\nCMD ["sh", "/app/collect.sh"]\n',
        "collector/collect.sh": """\
trap 'exit 0' TERM
export PGHOST=$POSTGRES_HOST PGUSER=$POSTGRES_USER PGPASSWORD=$POSTGRES_PASSWORD PGDATABASE=$POSTGRES_DB
while psql -c "INSERT INTO visits DEFAULT VALUES"; do sleep 1 & wait; done
""",
        "collector/migrations/0001_visits.up.sql": "CREATE TABLE visits (seen timestamptz DEFAULT now());\n",
        "collector/migrations/0001_visits.down.sql": "DROP TABLE visits;\n",
    },
    """
services.web.build = {folder: ., dockerfile: docker/web.Dockerfile, args: {GREETING: Hello}}
services.web.port = 9000
services.web.route = /
services.web.health = /healthz
services.web.replicas = 2
services.web.resources.memory = 128M
services.web.stop = 5s
services.web.environment.SHOP_NAME = Corner shop
services.web.environment.QUEUE_URL = redis://cache:6379/2
services.web.environment.SENTRY_DSN = ""
services.web.secrets has SESSION_SECRET
services.web.secrets has POSTGRES_PASSWORD
services.collector.build = collector
services.collector.route absent
services.collector.environment.POSTGRES_USER = keeper
services.migrate absent
services.proxy absent
services.adminer absent
says migrate
says proxy
says adminer
accessories.db.image = postgres:15
accessories.db.environment.POSTGRES_USER = keeper
accessories.db.environment.POSTGRES_DB = shop
accessories.db.secrets has POSTGRES_PASSWORD
accessories.db.volume = /var/lib/postgresql/data
accessories.cache.provides = REDIS_URL
accessories.cache.command = redis-server --save ""
database.accessory = db
database.service = collector
database.tool = sql
""",
)

SHAPES: Mapping[str, Shape] = {
    "traefik": TRAEFIK, "subfolder": SUBFOLDER, "template": TEMPLATE, "published": PUBLISHED, "overlay": OVERLAY,
    "stack": STACK, "composed": COMPOSED, "fastcgi": FASTCGI, "development": DEVELOPMENT, "backing": BACKING,
    "monorepo": MONOREPO, "whole": WHOLE,
}  # fmt: skip
