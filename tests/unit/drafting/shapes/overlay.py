"""A base file, and one on top of it for production; Caddy in front; MySQL in parts."""

from __future__ import annotations

from tests.unit.drafting.shapes.shape import Shape

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
