"""Files that include and extend each other, profiles, an anchor that publishes a port."""

from __future__ import annotations

from tests.unit.drafting.shapes.shape import PYTHON, Shape

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
