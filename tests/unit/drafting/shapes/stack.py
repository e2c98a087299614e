"""A stack in deploy/: labels under deploy, secrets as files, images of a registry that the repository builds."""

from __future__ import annotations

from tests.unit.drafting.shapes.shape import PYTHON, Shape

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
