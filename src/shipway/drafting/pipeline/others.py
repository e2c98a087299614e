"""Steps of Ruby, Go, PHP and Java projects."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from shipway.drafting.dependencies import GO, JAVA, RUBY, Project
from shipway.drafting.draft import StepDraft
from shipway.drafting.pipeline.where import Where
from shipway.drafting.tree import join


def ruby(where: Where, project: Project) -> Iterator[StepDraft]:
    """RuboCop, RSpec, and Rails' or Rake's own tests."""
    tree, folder = where.tree, project.folder
    image = where.image(RUBY, folder)

    def step(name: str, run: str, why: str) -> StepDraft:
        return where.step(name, run, "bundle install", folder, image, why)

    cop = next(
        (name for name in ("rubocop", "rubocop-rails", "rubocop-rails-omakase", "standard") if project.has(name)), None
    )
    if cop:
        yield step(
            "lint", "bundle exec standardrb" if cop == "standard" else "bundle exec rubocop", f"Gemfile has {cop}"
        )
    below = [posixpath.relpath(path, folder) for path in tree.below(folder)]
    if project.has("rspec", "rspec-rails") and any(path.startswith("spec/") for path in below):
        test = step("test", "bundle exec rspec", "Gemfile has rspec, and there is spec/")
    elif any(re.match(r"test/.*_test\.rb$", path) for path in below):
        rails = project.has("rails")
        test = step("test", "bin/rails test" if rails else "bundle exec rake test", "test/")
    else:
        return
    if project.has("rails"):
        test.env = {"RAILS_ENV": "test"}
        test.run = (
            test.run.replace("bundle install && ", "bundle install && bin/rails db:prepare && ")
            if project.has("pg", "mysql2", "trilogy", "sqlite3")
            else test.run
        )
    yield test


def go(where: Where, project: Project) -> Iterator[StepDraft]:
    """go vet, golangci-lint, and go test."""
    tree, folder = where.tree, project.folder
    image = where.image(GO, folder)
    names = tree.names(folder)
    config = next((name for name in sorted(names) if re.fullmatch(r"\.golangci\.(ya?ml|toml|json)", name)), None)
    if config:
        yield where.step("lint", "golangci-lint run", "", folder, "golangci/golangci-lint:v1.64", config)
    yield where.step("vet", "go vet ./...", "", folder, image, "go.mod")
    if any(path.endswith("_test.go") for path in tree.below(folder)):
        yield where.step("test", "go test ./...", "", folder, image, "go.mod, and there are tests")


def php(where: Where, project: Project) -> Iterator[StepDraft]:
    """Pint, PHPStan, PHPUnit or Pest, in Composer's own image."""
    tree, folder = where.tree, project.folder
    names = tree.names(folder)
    install = "composer install --no-interaction --prefer-dist"

    def step(name: str, run: str, why: str) -> StepDraft:
        return where.step(name, run, install, folder, "composer:2", why)

    if project.has("laravel/pint"):
        yield step("lint", "vendor/bin/pint --test", "composer.json has laravel/pint")
    elif project.has("squizlabs/php_codesniffer"):
        yield step("lint", "vendor/bin/phpcs", "composer.json has squizlabs/php_codesniffer")
    if project.has("phpstan/phpstan", "larastan/larastan", "nunomaduro/larastan"):
        yield step("types", "vendor/bin/phpstan analyse", "composer.json has phpstan")
    if project.has("pestphp/pest"):
        yield _laravel(
            tree.is_file(join(folder, "artisan")), step("test", "vendor/bin/pest", "composer.json has pestphp/pest")
        )
    elif project.has("phpunit/phpunit") or {"phpunit.xml", "phpunit.xml.dist"} & {*names}:
        yield _laravel(
            tree.is_file(join(folder, "artisan")),
            step("test", "vendor/bin/phpunit", "composer.json has phpunit/phpunit"),
        )


def _laravel(is_laravel: bool, step: StepDraft) -> StepDraft:
    """Laravel's tests need a key, which only the sample of settings has a place for."""
    if is_laravel and not step.folder:
        head, _, run = step.run.rpartition(" && ")
        step.run = f"{head} && cp .env.example .env && php artisan key:generate && {run}"
    return step


def java(where: Where, project: Project) -> Iterator[StepDraft]:
    """Maven's or Gradle's tests."""
    tree, folder = where.tree, project.folder
    if not any("src/test/" in path for path in tree.below(folder)):
        return
    wrapper = {*tree.names(folder)}
    image = where.image(JAVA, folder)
    if project.file == "pom.xml":
        yield where.step("test", "mvn -B test", "", folder, image, "pom.xml, and there is src/test")
    elif "gradlew" in wrapper:
        yield where.step("test", "./gradlew test", "", folder, image, f"{project.file}, and there is src/test")
