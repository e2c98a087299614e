"""PHP with nginx by FastCGI, which no HTTP edge replaces; one file, also used for development."""

from __future__ import annotations

from tests.unit.drafting.shapes.shape import Shape

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
