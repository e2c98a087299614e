"""Small applications without a Dockerfile, one a framework: as `init --dockerfile` finds them, and what they answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Application:
    """files: text by path. answers: a path and what it must return. lock: writes the lock file, in the image `locked_in`.
    health: the path that the check requests; None for any answer. bases: for base images that not every machine has, another
    image, or its Dockerfile."""

    files: Mapping[str, str]
    answers: Mapping[str, str]
    port: int
    health: str | None = None
    lock: str = ""
    locked_in: str = "node:22-bookworm-slim"
    environment: Mapping[str, str] = field(default_factory=dict)
    bases: Mapping[str, str] = field(default_factory=dict)


def package(**content: object) -> str:
    return json.dumps({"name": "shop", "version": "1.0.0", "private": True, **content}, indent=2) + "\n"


_NPM = "npm install --package-lock-only --ignore-scripts --no-audit --no-fund"
_PYTHON = {".python-version": "3.11\n"}
_NODE = {".nvmrc": "22\n"}
_FLASK = {
    "wsgi.py": "from shop import create_app\n\napp = create_app()\n",
    "shop/__init__.py": (
        "from flask import Flask\n\n\ndef create_app():\n    app = Flask(__name__)\n\n"
        '    @app.get("/healthz")\n    def health():\n        return "fine"\n\n'
        '    @app.get("/")\n    def home():\n        return "Hello from Flask"\n\n    return app\n'
    ),
}
_FASTAPI = {
    "src/shop/main.py": (
        "from fastapi import FastAPI\n\napp = FastAPI()\n\n\n"
        '@app.get("/health")\ndef health() -> dict:\n    return {"status": "fine"}\n\n\n'
        '@app.get("/")\ndef home() -> dict:\n    return {"hello": "from FastAPI"}\n'
    ),
    "src/shop/__init__.py": "",
}
_MANAGE = """\
import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
"""
_SETTINGS = """\
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["shop.example", ".localhost"]
INSTALLED_APPS = ["django.contrib.staticfiles"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "whitenoise.middleware.WhiteNoiseMiddleware"]
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "assets"]
"""
_URLS = """\
from django.http import HttpResponse
from django.urls import path

urlpatterns = [
    path("", lambda request: HttpResponse("Hello from Django")),
    path("healthz/", lambda request: HttpResponse("fine")),
]
"""
_WSGI = """\
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
application = get_wsgi_application()
"""
_EXPRESS = {
    "server.js": (
        "const express = require('express')\nconst app = express()\n"
        "app.get('/healthz', (request, response) => response.send('fine'))\n"
        "app.get('/', (request, response) => response.send('Hello from Express'))\n"
        "app.listen(process.env.PORT || 3001)\n"
    ),
}
_NEST = {
    "tsconfig.json": json.dumps({
        "compilerOptions": {
            "module": "commonjs", "target": "es2022", "outDir": "dist", "rootDir": "src", "emitDecoratorMetadata": True,
            "experimentalDecorators": True, "skipLibCheck": True, "esModuleInterop": True, "types": ["node"],
        },
        "include": ["src"],
    }),
    "nest-cli.json": json.dumps({"sourceRoot": "src"}),
    "src/main.ts": (
        "import { NestFactory } from '@nestjs/core'\nimport { AppModule } from './app.module'\n\n"
        "async function start() {\n  const app = await NestFactory.create(AppModule)\n  app.setGlobalPrefix('api')\n"
        "  await app.listen(process.env.PORT ?? 3000)\n}\nstart()\n"
    ),
    "src/app.module.ts": (
        "import { Controller, Get, Module } from '@nestjs/common'\nimport { HealthController } from './health.controller'\n\n"
        "@Controller()\nexport class AppController {\n  @Get()\n  home() { return 'Hello from Nest' }\n}\n\n"
        "@Module({ controllers: [AppController, HealthController] })\nexport class AppModule {}\n"
    ),
    "src/health.controller.ts": (
        "import { Controller, Get } from '@nestjs/common'\n\n@Controller('health')\nexport class HealthController {\n"
        "  @Get()\n  check() { return 'fine' }\n}\n"
    ),
}  # fmt: skip
_NEXT = {
    "app/layout.js": "export default function Layout({ children }) {\n  return <html><body>{children}</body></html>\n}\n",
    "app/page.js": "export default function Home() {\n  return <p>Hello from Next {process.env.NEXT_PUBLIC_TITLE}</p>\n}\n",
    "app/api/health/route.js": "export function GET() {\n  return Response.json({ status: 'fine' })\n}\n",
    "public/robots.txt": "User-agent: *\n",
    ".env.example": "NEXT_PUBLIC_TITLE=Shop\n",
}
_REACT = {"next": "16.0.0", "react": "19.2.0", "react-dom": "19.2.0"}
_VITE = {
    "index.html": '<!doctype html><html><body><div id="app"></div><script type="module" src="/src/main.js"></script></body></html>\n',
    "src/main.js": "document.querySelector('#app').textContent = `Hello from Vite ${import.meta.env.VITE_TITLE}`\n",
    "public/robots.txt": "User-agent: *\n",
    ".env.production": "VITE_TITLE=open\n",
}
# Python's own images have the headers, Debian's packages don't.
_PYTHON_WITH_HEADERS = """\
FROM python:3.11-slim-bookworm
RUN test -e /usr/local/include/python3.11 || (apt-get update && apt-get install --yes --no-install-recommends python3-dev)
"""
# As Node's own images have it.
_NODE_WITH_YARN = """\
FROM node:22-bookworm-slim
RUN test -L /usr/local/bin/yarn || ln -s /opt/yarn-v1.22.22/bin/yarn /usr/local/bin/yarn
"""
_GOLANG = """\
FROM python:3.11-slim-bookworm
RUN apt-get update && apt-get install --yes --no-install-recommends golang-go ca-certificates
"""
_GO = {
    "go.mod": "module example.org/shop\n\ngo 1.19\n",
    "cmd/shop/main.go": (
        'package main\n\nimport (\n\t"fmt"\n\t"net/http"\n)\n\nfunc main() {\n'
        '\thttp.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "fine") })\n'
        '\thttp.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "Hello from Go") })\n'
        '\tif err := http.ListenAndServe(":8081", nil); err != nil {\n\t\tpanic(err)\n\t}\n}\n'
    ),
    "cmd/tool/main.go": "package main\n\nfunc main() {}\n",
}
_RUBY = """\
FROM python:3.11-slim-bookworm
RUN apt-get update && apt-get install --yes --no-install-recommends ruby bundler ruby-rails puma
# Debian's gems in the place of those that Bundler would fetch.
RUN printf '%s\\n' '#!/bin/sh' 'unset BUNDLE_DEPLOYMENT BUNDLE_PATH' 'mkdir -p /gems/ruby/3.1.0/cache' \\
    '[ "$1" != install ] || set -- "$@" --local' 'exec /usr/bin/bundle "$@"' > /usr/local/bin/bundle \\
 && chmod 755 /usr/local/bin/bundle
"""
_RAILS = {
    ".ruby-version": "3.1\n",
    "Gemfile": 'gem "rails"\ngem "puma"\n',
    "config.ru": 'require_relative "config/environment"\nrun Rails.application\n',
    "config/boot.rb": 'require "bundler/setup"\n',
    "config/environment.rb": 'require_relative "application"\nRails.application.initialize!\n',
    "config/application.rb": (
        'require_relative "boot"\nrequire "rails"\nrequire "action_controller/railtie"\n\nmodule Shop\n'
        "  class Application < Rails::Application\n    config.load_defaults 6.1\n    config.eager_load = true\n"
        '    config.force_ssl = true\n    config.secret_key_base = ENV.fetch("SECRET_KEY_BASE")\n  end\nend\n'
    ),
    "config/routes.rb": (
        "Rails.application.routes.draw do\n"
        '  get "up", to: ->(env) { [200, {}, ["fine"]] }\n  root to: ->(env) { [200, {}, ["Hello from Rails"]] }\nend\n'
    ),
    "bin/rails": 'APP_PATH = File.expand_path("../config/application", __dir__)\nrequire_relative "../config/boot"\nrequire "rails/commands"\n',
}

APPLICATIONS: Mapping[str, Application] = {
    "flask-pip": Application(
        {**_PYTHON, **_FLASK, "requirements.txt": "flask==3.1.0\ngunicorn==23.0.0\n"},
        {"/": "Hello from Flask", "/healthz": "fine"}, 8000, "/healthz",
    ),
    "flask-poetry": Application(
        {
            **_PYTHON, **_FLASK,
            "pyproject.toml": (
                '[tool.poetry]\npackage-mode = false\n\n[tool.poetry.dependencies]\npython = "^3.11"\nflask = "3.1.0"\n\n'
                '[tool.poetry.group.dev.dependencies]\npytest = "8.3.4"\n'
            ),
        },
        {"/": "Hello from Flask"}, 8000, "/healthz",
        "pip install -q poetry==2.1.1 && poetry lock", "python:3.11-slim-bookworm",
    ),
    "flask-pipenv": Application(
        {**_PYTHON, **_FLASK, "Pipfile": '[packages]\nflask = "==3.1.0"\ngunicorn = "==23.0.0"\n\n[dev-packages]\npytest = "==8.3.4"\n'},
        {"/": "Hello from Flask"}, 8000, "/healthz",
        "pip install -q 'pipenv>=2024' && pipenv lock", "python:3.11-slim-bookworm",
    ),
    "fastapi-uv": Application(
        {
            **_FASTAPI,
            "pyproject.toml": (
                '[project]\nname = "shop"\nversion = "1.0.0"\nrequires-python = ">=3.11,<3.12"\n'
                'dependencies = ["fastapi==0.115.6", "uvicorn==0.34.0"]\n\n[dependency-groups]\ndev = ["pytest==8.3.4"]\n\n'
                '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n\n'
                '[tool.hatch.build.targets.wheel]\npackages = ["src/shop"]\n'
            ),
        },
        {"/": "from FastAPI"}, 8000, "/health", "pip install -q 'uv<1' && uv lock", "python:3.11-slim-bookworm",
    ),
    "fastapi-project": Application(
        {
            **_FASTAPI, **_PYTHON,
            "pyproject.toml": '[project]\nname = "shop"\nversion = "1.0.0"\ndependencies = ["fastapi==0.115.6"]\n',
        },
        {"/": "from FastAPI"}, 8000, "/health",
    ),
    "django": Application(
        {
            **_PYTHON,
            "manage.py": _MANAGE, "shop/__init__.py": "", "shop/settings.py": _SETTINGS, "shop/urls.py": _URLS,
            "shop/wsgi.py": _WSGI, "assets/site.css": "body { color: navy }\n",
            "requirements/base.txt": "django==5.2\nwhitenoise==6.8.2\npsycopg2==2.9.10\n",
            "requirements/production.txt": "-r base.txt\ngunicorn==23.0.0\n",
        },
        {"/": "Hello from Django", "/static/site.css": "navy"}, 8000, "/healthz/",
        environment={"SECRET_KEY": "of-the-test"}, bases={"python:3.11-slim-bookworm": _PYTHON_WITH_HEADERS},
    ),
    "express-npm": Application(
        {**_NODE, **_EXPRESS, "package.json": package(scripts={"start": "node server.js"}, dependencies={"express": "4.21.2"})},
        {"/": "Hello from Express"}, 3001, "/healthz", _NPM,
    ),
    "express-pnpm": Application(
        {
            **_NODE, **_EXPRESS,
            "package.json": package(packageManager="pnpm@9.15.4", main="server.js", dependencies={"express": "4.21.2"}),
        },
        {"/": "Hello from Express"}, 3001, "/healthz",
        "npm install --silent --global pnpm@9.15.4 && pnpm install --lockfile-only",
    ),
    "express-yarn": Application(
        {**_NODE, **_EXPRESS, "package.json": package(scripts={"start": "node server.js"}, dependencies={"express": "4.21.2"})},
        {"/": "Hello from Express"}, 3001, "/healthz",
        "npm install --silent --global yarn@1.22.22 && yarn install --silent && rm -r node_modules",
        bases={"node:22-bookworm-slim": _NODE_WITH_YARN},
    ),
    "express-berry": Application(
        {**_NODE, **_EXPRESS, "package.json": package(packageManager="yarn@4.6.0", main="server.js", dependencies={"express": "4.21.2"})},
        {"/": "Hello from Express"}, 3001, "/healthz",
        "npm install --silent --global @yarnpkg/cli-dist@4.6.0 && yarn install --mode update-lockfile",
        bases={"node:22-bookworm-slim": _NODE_WITH_YARN},
    ),
    "express-bun": Application(
        {**_NODE, **_EXPRESS, "package.json": package(scripts={"start": "bun server.js"}, dependencies={"express": "4.21.2"})},
        {"/": "Hello from Express"}, 3001, "/healthz",
        "npm install --silent --global bun@1 && bun install --lockfile-only",
    ),
    "nest": Application(
        {
            **_NEST,
            "package.json": package(
                engines={"node": ">=20"}, scripts={"build": "nest build", "start": "nest start", "start:prod": "node dist/main"},
                dependencies={
                    "@nestjs/common": "11.0.1", "@nestjs/core": "11.0.1", "@nestjs/platform-express": "11.0.1",
                    "reflect-metadata": "0.2.2", "rxjs": "7.8.1",
                },
                devDependencies={"@nestjs/cli": "11.0.2", "typescript": "5.7.3", "@types/node": "22.10.7"},
            ),
        },
        {"/api": "Hello from Nest"}, 3000, "/api/health", _NPM,
    ),
    "next": Application(
        {**_NODE, **_NEXT, "package.json": package(scripts={"build": "next build", "start": "next start"}, dependencies=_REACT)},
        {"/": "Hello from Next", "/robots.txt": "User-agent"}, 3000, "/api/health", _NPM,
    ),
    "next-standalone": Application(
        {
            **_NODE, **_NEXT, "next.config.mjs": "export default { output: 'standalone' }\n",
            "package.json": package(scripts={"build": "next build"}, dependencies=_REACT),
        },
        {"/": "Hello from Next", "/robots.txt": "User-agent"}, 3000, "/api/health", _NPM,
    ),
    "vite": Application(
        {**_NODE, **_VITE, "package.json": package(type="module", scripts={"build": "vite build"}, devDependencies={"vite": "6.0.7"})},
        {"/": '<div id="app">', "/some/page": '<div id="app">', "/robots.txt": "User-agent"}, 8080, "/", _NPM,
    ),
    "static": Application(
        {"index.html": "<h1>Hello from a file</h1>\n", "about.html": "<h1>About</h1>\n", "blog/index.html": "<h1>Blog</h1>\n"},
        {"/": "Hello from a file", "/about": "About", "/blog": "Blog"}, 8080, "/",
    ),
    "rails": Application(
        _RAILS, {"/": "Hello from Rails"}, 3000, "/up", "bundle lock --local", "shipway-test-ruby",
        environment={"SECRET_KEY_BASE": "of-the-test"}, bases={"ruby:3.1-slim": _RUBY},
    ),
    "go": Application(_GO, {"/": "Hello from Go"}, 8081, "/healthz", bases={"golang:1.19-bookworm": _GOLANG, "alpine:3": "caddy:2"}),
}  # fmt: skip
