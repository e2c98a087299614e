"""Ruby on Rails, served by Puma."""

from __future__ import annotations

import re

from shipway.drafting.dockerfiles import health, node, versions
from shipway.drafting.dockerfiles.recipe import Recipe, Unclear, cached, command, packages, process, stage
from shipway.drafting.dockerfiles.sources import Sources

PORT = 3000
_IGNORED: tuple[str, ...] = (
    "log/*",
    "tmp/*",
    "storage/*",
    "public/assets",
    "public/packs",
    "vendor/bundle",
    ".bundle",
    "coverage",
)
_IGNORED += ("config/master.key", "config/credentials/*.key", "**/*.sqlite3", "**/node_modules")
# Gem: packages of Debian that build it, and those that it needs to run.
_NATIVE = {
    "pg": ("libpq-dev", "libpq5"),
    "mysql2": ("default-libmysqlclient-dev", "libmariadb3"),
    "sqlite3": ("libsqlite3-dev", "libsqlite3-0"),
    "image_processing": ("libvips", "libvips42"),
    "ruby-vips": ("libvips", "libvips42"),
}


def find(sources: Sources) -> Recipe | None:
    """None for a folder without Rails."""
    gems = set(re.findall(r"""^\s*gem\s+["']([\w-]+)["']""", sources.text("Gemfile"), re.M))
    if "rails" not in gems and not ("railties" in gems and sources.has("config/application.rb")):
        return None
    if not sources.has("Gemfile.lock"):
        raise Unclear("there is no Gemfile.lock: run `bundle lock`, and commit it")
    version = versions.ruby(sources)
    native = [_NATIVE[gem] for gem in sorted(gems & set(_NATIVE))]
    scripts = sources.has("package.json") and bool(
        {"jsbundling-rails", "cssbundling-rails", "webpacker", "shakapacker", "vite_rails"} & gems
    )
    base = stage(
        f"FROM ruby:{version.text}-slim AS base",
        "ENV RAILS_ENV=production BUNDLE_DEPLOYMENT=1 BUNDLE_WITHOUT=development:test BUNDLE_PATH=/gems \\\n"
        f"    RAILS_LOG_TO_STDOUT=1 RAILS_SERVE_STATIC_FILES=1 PORT={PORT}",
        "WORKDIR /app",
        packages(run for _, run in native),
    )
    copied = ["Gemfile", "Gemfile.lock", *(name for name in (".ruby-version", ".tool-versions") if sources.has(name))]
    build = stage(
        "# Installed again only if the files that name the gems change.",
        "FROM base AS build",
        packages(["build-essential", "git", "libyaml-dev", "pkg-config", *(dev for dev, _ in native)]),
        f"COPY {' '.join(copied)} ./",
        "RUN bundle install && rm -rf /gems/ruby/*/cache",
        _javascript(sources) if scripts else [],
        "COPY . .",
        _bootsnap(gems),
        _assets(gems),
        "RUN mkdir -p tmp/pids log storage",
    )
    path = _health(sources)
    words, started = _start(sources, gems)
    final = stage(
        "FROM base",
        "RUN useradd --uid 1000 --create-home app",
        "COPY --from=build /gems /gems",
        "COPY --from=build --chown=1000:1000 /app ./",
        "USER 1000:1000",
        f"EXPOSE {PORT}",
        health.check(health.ruby(PORT, health.path_of(path)), path, start=30),
        command(words),
    )
    stages = [base, build, final]
    if scripts:
        stages.insert(0, f"FROM node:{versions.node(sources).text}-bookworm-slim AS node")
    return Recipe(
        "Ruby on Rails",
        (f"Ruby {version.text}: {version.source}", "Gems: Gemfile.lock", started),
        tuple(stages),
        _IGNORED,
    )


def _start(sources: Sources, gems: set[str]) -> tuple[list[str], str]:
    """By Puma itself: `rails server` refuses to start again beside the PID file of a killed container."""
    if sources.process:
        return process(sources.process, PORT), "Start command: web in Procfile"
    if "puma" in gems:
        return ["bundle", "exec", "puma", "--port", str(PORT)], "Start command: Puma, from Gemfile"
    return [
        "bundle",
        "exec",
        "rails",
        "server",
        "--binding",
        "0.0.0.0",
        "--port",
        str(PORT),
    ], "Start command: rails server"


def _javascript(sources: Sources) -> list[str]:
    """Node and the packages that bundle the assets."""
    chosen = node.manager(sources)
    return [
        "COPY --from=node /usr/local/bin /usr/local/node/bin",
        "COPY --from=node /usr/local/lib/node_modules /usr/local/node/lib/node_modules",
        "ENV PATH=$PATH:/usr/local/node/bin",
        *chosen.tool,
        *node.copies(chosen),
        cached(chosen.cache, chosen.install),
    ]


def _bootsnap(gems: set[str]) -> str:
    return "RUN bundle exec bootsnap precompile --gemfile app/ lib/" if "bootsnap" in gems else ""


def _assets(gems: set[str]) -> list[str]:
    if (
        not {"sprockets-rails", "propshaft", "sassc-rails", "sass-rails", "webpacker", "shakapacker", "vite_rails"}
        & gems
    ):
        return []
    return [
        "# The key is a stand-in for this line only.",
        "RUN SECRET_KEY_BASE_DUMMY=1 SECRET_KEY_BASE=none bundle exec rails assets:precompile && rm -rf node_modules tmp/cache",
    ]


def _health(sources: Sources) -> tuple[str, str] | None:
    routes = sources.text("config/routes.rb")
    return health.find(r"""^\s*get\s*\(?\s*["']/?NAME["']""", [("config/routes.rb", routes)])
