"""The file in docker/, the context above it, nginx in front with its configuration mounted, workers by a merge."""

from __future__ import annotations

from tests.unit.drafting.shapes.shape import PYTHON, Shape

NGINX = """\
upstream app { server web:8000; }
server {
  listen 80;
  location /static/ { alias /srv/static/; }
  location / { proxy_set_header Host $host; proxy_pass http://app; }
}
"""
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
