"""Only a development file: the source is mounted, the commands reload."""

from __future__ import annotations

from tests.unit.drafting.shapes.shape import PYTHON, Shape

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
