"""A whole file: everything that a deployment needs is in it. The system test deploys its draft as it is."""

from __future__ import annotations

from tests.unit.drafting.shapes.shape import Shape

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
