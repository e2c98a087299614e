"""The engine beside which `tests/kubernetes.sh` starts a cluster that has no way out: it has images, and can load what builds need."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from examples.project import APPLICATION
from shipway.drivers.images.builder import docker_clients, find_builder, run_quietly

PREFIX = "shipway-tests"
# Base images of the reference application, with all that its builds load from registries of packages.
PYTHON = """\
FROM python:3.11-slim-bookworm
COPY requirements.txt requirements-dev.txt /tmp/
RUN --mount=type=cache,target=/root/.cache/pip pip install -r /tmp/requirements.txt -r /tmp/requirements-dev.txt
"""
NODE = """\
FROM node:22-bookworm-slim
WORKDIR /packages
ENV npm_config_cache=/packages/cache
COPY package.json package-lock.json .npmrc ./
RUN npm ci && rm -r node_modules
ENV npm_config_offline=true
"""
BASES = {"python:3.11-slim-bookworm": (PYTHON, "backend"), "node:22-bookworm-slim": (NODE, "frontend")}


def address() -> str:
    """Its address; empty: this process's own engine."""
    return os.environ.get("OUTER_DOCKER_HOST", "")


def copy(image: str, path: str, to: Path) -> None:
    """A file of an image."""
    container = _docker("create", image).strip()
    try:
        _docker("cp", "--follow-link", f"{container}:{path}", str(to))
    finally:
        _docker("rm", container)


def bring_bases() -> None:
    """To this process's own engine, by the names by which the reference application knows its base images."""
    assert address(), "only an engine of the tests may get other images by these names: make kubernetes"
    client = find_builder(docker_clients(), run_quietly).path
    for name, (dockerfile, folder) in BASES.items():
        own = f"{PREFIX}/{name}"
        words = ["build", "--quiet", "--tag", own, "--file", "-", str(APPLICATION / folder)]
        _docker(*words, client=client, text=dockerfile, more={"DOCKER_BUILDKIT": "1"})
        bring(own)
        subprocess.run(["docker", "tag", own, name], check=True)


def bring(*images: str) -> None:
    """To this process's own engine."""
    with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE, env=_env({})) as saved:
        subprocess.run(["docker", "load", "--quiet"], stdin=saved.stdout, check=True, stdout=subprocess.DEVNULL)
    assert saved.returncode == 0, images


def _env(more: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **({"DOCKER_HOST": address()} if address() else {}), **more}


def _docker(*words: str, client: str = "docker", text: str = "", more: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        [client, *words], input=text, capture_output=True, text=True, check=False, env=_env(more or {})
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
