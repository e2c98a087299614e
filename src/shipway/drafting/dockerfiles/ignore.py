"""The .dockerignore beside a written Dockerfile: no secrets, and nothing that the image doesn't need."""

from __future__ import annotations

import re

from shipway.drafting.dockerfiles.recipe import MARK, Recipe
from shipway.drafting.dockerfiles.sources import SAFE, Sources

NAME = ".dockerignore"
SECRETS = (
    "**/.env",
    "**/.env.*",
    "**/.envrc",
    "**/*.key",
    "**/id_rsa",
    "**/id_ed25519",
    "**/*.p12",
    "**/.aws",
    "**/.netrc",
)
_OTHERS = (".git", ".gitignore", ".github", ".gitlab-ci.yml", ".vscode", ".idea", "**/.DS_Store")
_ABOUT_IMAGES = ("Dockerfile", ".dockerignore", "compose*.y*ml", "docker-compose*.y*ml", "shipway.yaml")


def text(sources: Sources, recipe: Recipe) -> str:
    private = [name for name, content in sources.tree(".pem") if "PRIVATE KEY" in content and SAFE.fullmatch(name)]
    exceptions = [line for line in recipe.ignored if line.startswith("!")]
    lines = [f"# Written by {MARK}; yours to change.", "# Secrets never get into an image.", *SECRETS, *private]
    if exceptions:
        lines += ["# Their variables are part of the pages, and no secrets.", *exceptions]
    lines += ["# Made by tools.", *(line for line in recipe.ignored if not line.startswith("!"))]
    return "\n".join([*lines, "# Not needed by the program.", *_OTHERS, *_ABOUT_IMAGES]) + "\n"


def lacks_secrets(content: str) -> bool:
    """Whether an existing file lets .env into the image."""
    return re.search(r"^(?:/|\*\*/)?\.env\*?$|^\*$|^\*\*$", content, re.M) is None
