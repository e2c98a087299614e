"""Applications that Dockerfiles are written for, and the command that writes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from click.testing import CliRunner, Result

from shipway.cli import cli
from shipway.domain.errors import UsageError
from shipway.drafting.dockerfiles.table import Proposal, proposals
from tests.applications import APPLICATIONS, package
from tests.unit.drafting.dockerfile_lint import problems
from tests.unit.drafting.repository import fill

FLASK = APPLICATIONS["flask-pip"].files
EXPRESS = APPLICATIONS["express-npm"].files
LOCKS = {
    "fastapi-uv": "uv.lock",
    "flask-poetry": "poetry.lock",
    "express-pnpm": "pnpm-lock.yaml",
    "express-bun": "bun.lock",
}
RAILS = {
    ".ruby-version": "3.2.2\n",
    "Gemfile": 'source "x"\ngem "rails", "~> 7.1"\ngem "pg"\ngem "bootsnap"\ngem "propshaft"\ngem "jsbundling-rails"\n',
    "Gemfile.lock": "GEM\n",
    "config/routes.rb": 'Rails.application.routes.draw do\n  get "up" => "rails/health#show", as: :rails_health_check\nend\n',
    "package.json": package(scripts={"build": "esbuild app.js"}),
    "yarn.lock": "# yarn lockfile v1\n",
}
LARAVEL = {
    "composer.json": '{"require": {"php": "^8.2", "laravel/framework": "^11.0", "ext-bcmath": "*"}}',
    "composer.lock": "{}",
    "artisan": "#!/usr/bin/env php\n",
    ".env.example": "APP_KEY=\nDB_CONNECTION=pgsql\n",
    "bootstrap/app.php": "<?php return Application::configure()->withRouting(health: '/up')->create();",
    "package.json": package(scripts={"build": "vite build"}),
    "package-lock.json": "{}",
}


def only(root: Path, files: Mapping[str, str]) -> Proposal:
    """The one proposal for these files."""
    fill(root, files)
    (found,) = proposals(root)
    return found


def text_for(root: Path, files: Mapping[str, str]) -> str:
    found = only(root, files)
    assert found.recipe, found.reason
    assert problems(found.recipe.text, found.ignored, build="index.html" not in files or "package.json" in files) == []
    return found.recipe.text


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["init", *arguments])


def refused(done: Result) -> str:
    """Why it was, and what to do."""
    assert isinstance(done.exception, UsageError), done.output
    return f"{done.exception} {done.exception.hint}"


def contents(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): path.read_text()
        for path in root.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }
