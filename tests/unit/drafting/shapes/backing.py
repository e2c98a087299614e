"""The file starts only what the application needs; the application is in a Dockerfile."""

from __future__ import annotations

from tests.unit.drafting.shapes.shape import PYTHON, Shape

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
