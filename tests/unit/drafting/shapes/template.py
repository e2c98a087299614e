"""One file for production and one for development, images in compose/production/*, settings in a folder of env files."""

from __future__ import annotations

from tests.unit.drafting.shapes.shape import PYTHON, Shape

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
