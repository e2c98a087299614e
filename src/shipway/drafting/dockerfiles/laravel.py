"""Laravel, served by Apache."""

from __future__ import annotations

import re

from shipway.drafting.dockerfiles import health, node, versions
from shipway.drafting.dockerfiles.recipe import Recipe, Unclear, packages, stage
from shipway.drafting.dockerfiles.sources import Sources, mapping

PORT = 8080
_IGNORED: tuple[str, ...] = (
    "vendor",
    "**/node_modules",
    "storage/logs/*",
    "storage/framework/cache/*",
    "storage/framework/sessions/*",
)
_IGNORED += (
    "storage/framework/views/*",
    "bootstrap/cache/*.php",
    "public/build",
    "public/hot",
    "public/storage",
    "auth.json",
)


def find(sources: Sources) -> Recipe | None:
    """None for a folder without Laravel."""
    needs = set(mapping(sources.composer.get("require")))
    if "laravel/framework" not in needs:
        return None
    if not sources.has("composer.lock"):
        raise Unclear("there is no composer.lock: run `composer update`, and commit it")
    version = versions.php(sources)
    extensions = ["opcache", "pcntl", *_extensions(sources, needs)]
    libraries = ["libpq-dev"] if "pdo_pgsql" in extensions else []
    base = stage(
        f"FROM php:{version.text}-apache-bookworm AS base",
        packages(libraries),
        f"RUN docker-php-ext-install {' '.join(extensions)}",
        "# Apache without root: another port, and Laravel's folder of public files.",
        f"RUN sed -i 's/^Listen 80$/Listen {PORT}/' /etc/apache2/ports.conf \\\n"
        f" && sed -i -e 's/:80>/:{PORT}>/' -e 's#/var/www/html#/app/public#' /etc/apache2/sites-available/000-default.conf \\\n"
        " && sed -i 's#/var/www/#/app/public#' /etc/apache2/apache2.conf /etc/apache2/conf-available/*.conf \\\n"
        ' && a2enmod rewrite && mv "$PHP_INI_DIR/php.ini-production" "$PHP_INI_DIR/php.ini"',
        "ENV LOG_CHANNEL=stderr",
        "WORKDIR /app",
    )
    install = "composer install --no-dev --no-interaction --prefer-dist --no-progress"
    dependencies = stage(
        "# Installed again only if the files that name the packages change.",
        "FROM base AS dependencies",
        packages(["git", "unzip"]),
        "COPY --from=composer:2 /usr/bin/composer /usr/local/bin/composer",
        "COPY composer.json composer.lock ./",
        f"RUN --mount=type=cache,target=/root/.composer/cache {install} --no-scripts --no-autoloader",
        "COPY . .",
        "RUN composer dump-autoload --no-dev --optimize",
    )
    assets, copy = _assets(sources)
    path = health.find(r"""\bhealth:\s*["']/NAME["']""", [("bootstrap/app.php", sources.text("bootstrap/app.php"))])
    final = stage(
        "FROM base",
        "COPY . .",
        "COPY --from=dependencies /app/vendor ./vendor",
        "COPY --from=dependencies /app/bootstrap/cache ./bootstrap/cache",
        copy,
        "# What Laravel writes; storage/app is lost with the container.",
        "RUN mkdir -p storage/logs storage/framework/cache storage/framework/sessions storage/framework/views \\\n"
        " && chown -R www-data:www-data storage bootstrap/cache",
        "USER www-data",
        f"EXPOSE {PORT}",
        health.check(health.php(PORT, health.path_of(path)), path),
        "# The start command is the base image's: apache2-foreground.",
    )
    stages = [base, dependencies, *assets, final]
    facts = (
        f"PHP {version.text}: {version.source}",
        "Packages: composer.lock",
        f"Extensions of PHP: {', '.join(extensions)}",
    )
    return Recipe("Laravel", facts, tuple(stages), _IGNORED)


def _extensions(sources: Sources, needs: set[str]) -> list[str]:
    """Of composer.json and of the database that .env.example names; the image has the other usual ones."""
    compiled = {"bcmath", "exif", "sockets", "calendar", "pdo_mysql", "pdo_pgsql"}
    found = {name.removeprefix("ext-") for name in needs if name.startswith("ext-")} & compiled
    named = re.search(r"^\s*DB_CONNECTION=(\w+)", sources.text(".env.example"), re.M)
    driver = {"mysql": "pdo_mysql", "mariadb": "pdo_mysql", "pgsql": "pdo_pgsql"}.get(named[1] if named else "")
    return sorted(found | ({driver} if driver else set()))


def _assets(sources: Sources) -> tuple[list[str], str]:
    """The stages that build public/build, and the line that copies it."""
    if not node.script(sources, "build"):
        return [], ""
    chosen = node.manager(sources)
    _, base = node.base(sources, chosen)
    named = [
        text.replace("AS base", "AS node")
        .replace("FROM base", "FROM node")
        .replace("AS dependencies", "AS node-dependencies")
        for text in (base, node.dependencies(sources, chosen))
    ]
    built = stage(
        "FROM node-dependencies AS assets",
        node.public_variables(sources, ("VITE_",)),
        "COPY . .",
        f"RUN {chosen.run('build')}",
    )
    return [*named, built], "COPY --from=assets /app/public/build ./public/build"
