"""Go: one static binary on Alpine Linux."""

from __future__ import annotations

import re

from shipway.drafting.dockerfiles import health, versions
from shipway.drafting.dockerfiles.recipe import Recipe, Unclear, cached, command, stage
from shipway.drafting.dockerfiles.sources import SAFE, Sources

_MAIN = re.compile(r"^package\s+main\b", re.M)
_PREFERRED = ("server", "api", "web", "app", "http")
_NEEDS_C = ("github.com/mattn/go-sqlite3", "github.com/confluentinc/confluent-kafka-go")
_READ = ("templates", "views", "static", "public", "assets", "web", "migrations", "db/migrations", "config", "locales")


def find(sources: Sources) -> Recipe | None:
    """None for a folder without go.mod."""
    module = re.search(r"^module\s+(\S+)", sources.text("go.mod"), re.M)
    if module is None:
        return None
    texts = [(name, text) for name, text in sources.tree(".go") if not name.endswith("_test.go")]
    name = module[1].rpartition("/")[2]
    package, others = _main(texts, re.sub(r"v\d+$", "", name) or name)
    port, port_fact = _port(texts)
    path = health.find(r"""(?:HandleFunc|Handle|\.GET|\.Get)\(\s*["`](?:GET )?/NAME["`]""", texts)
    with_c = any(needed in sources.text("go.mod") for needed in _NEEDS_C)
    flags = "-ldflags '-s -w -linkmode external -extldflags \"-static\"'" if with_c else "-ldflags '-s -w'"
    version = versions.go(sources)
    build = stage(
        f"FROM golang:{version.text}-bookworm AS build",
        "WORKDIR /src",
        f"ENV CGO_ENABLED={int(with_c)}",
        "# Fetched again only if the files that name the modules change.",
        f"COPY go.mod{' go.sum' if sources.has('go.sum') else ''} ./",
        "" if sources.has("vendor") else cached("/go/pkg/mod", "go mod download"),
        "COPY . .",
        f"RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \\\n"
        f"    go build -trimpath {flags} -o /out/app {package}",
    )
    read = [folder for folder in _READ if (sources.here / folder).is_dir() and not _only_go(sources, folder)]
    final = stage(
        "FROM alpine:3",
        "WORKDIR /app",
        "COPY --from=build /out/app /usr/local/bin/app",
        "# Folders that the program may read when it runs; remove those that it embeds." if read else "",
        [f"COPY {folder} ./{folder}" for folder in read],
        f"ENV PORT={port}",
        "USER 1000:1000",
        f"EXPOSE {port}",
        health.check(health.wget(port, health.path_of(path)), path, start=10, otherwise="the open port counts"),
        command(["app"]),
    )
    facts = [f"Go {version.text}: {version.source}", f"Program: {package}", port_fact]
    facts += [f"Not built: {', '.join(others)}"] if others else []
    return Recipe("Go", tuple(facts), (build, final), ("bin", "**/*_test.go", "**/testdata"))


def _main(texts: list[tuple[str, str]], name: str) -> tuple[str, list[str]]:
    """The package to build, and the other programs."""
    folders = []
    for file, text in texts:
        folder = file.rpartition("/")[0]
        if (
            _MAIN.search(text)
            and SAFE.fullmatch(file)
            and folder not in folders
            and "ignore" not in text.split("package", 1)[0]
        ):
            folders.append(folder)
    if not folders:
        raise Unclear("no `package main` was found: a Dockerfile needs a program to build")
    by_name = {folder.rpartition("/")[2]: folder for folder in reversed(folders)}
    wanted = ["", name, *_PREFERRED]
    chosen = next((by_name[item] for item in wanted if item in by_name), folders[0])
    return f"./{chosen}" if chosen else ".", [
        f"./{folder}" if folder else "." for folder in folders if folder != chosen
    ]


def _port(texts: list[tuple[str, str]]) -> tuple[int, str]:
    """What it listens on; PORT is set to the same."""
    for file, text in texts:
        match = re.search(r"""["`](?:0\.0\.0\.0|localhost|127\.0\.0\.1)?:(\d{2,5})["`]""", text)
        match = match or re.search(r"""PORT["`][\s\S]{0,120}?["`](\d{2,5})["`]""", text)
        if match and 0 < int(match[1]) < 65536:
            return int(match[1]), f"Port {match[1]}: {file}"
    return 8080, "Port 8080: the usual one; it should listen on PORT"


def _only_go(sources: Sources, folder: str) -> bool:
    files = [path for path in (sources.here / folder).iterdir() if path.is_file()]
    return bool(files) and all(path.suffix == ".go" for path in files)
