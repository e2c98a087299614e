"""FastAPI and Starlette, served by Uvicorn."""

from __future__ import annotations

import re

from shipway.drafting.dockerfiles import health
from shipway.drafting.dockerfiles.python import (
    PORT,
    Application,
    Packages,
    checked,
    module,
    own_command,
    path_for,
    recipe,
)
from shipway.drafting.dockerfiles.recipe import Recipe, Unclear
from shipway.drafting.dockerfiles.sources import Sources

_OBJECT = re.compile(r"^(\w+)\s*(?::\s*\w+\s*)?=\s*(?:(?:fastapi\.)?FastAPI|Starlette|create_app|make_app)\(", re.M)
_FACTORY = re.compile(
    r"^def\s+(\w+)\([^)]*\)\s*->\s*[\"']?(?:fastapi\.)?FastAPI\b|^def\s+((?:create|make|get)_app)\(", re.M
)
_PREFERRED = re.compile(r"(^|/)(main|app|asgi|server|api)\.py$")


def find(sources: Sources) -> Recipe | None:
    """None for a folder without FastAPI."""
    known = Packages(sources)
    framework = next((name for name in ("fastapi", "starlette") if name in known.found), None)
    if framework is None:
        return None
    target, file, options = ("", "", list[str]()) if own_command(sources) else _application(sources)
    words = ["uvicorn", target, *options, "--host", "0.0.0.0", "--port", str(PORT)]
    check = checked(health.find(r"@(?:app|application|api)\.get\(\s*[\"']/NAME[\"']", sources.tree(".py")))
    name = "FastAPI" if framework == "fastapi" else "Starlette"
    return recipe(
        sources, known, Application(name, f"Application: {file}", words, "uvicorn", check, path_for(sources, file))
    )


def _application(sources: Sources) -> tuple[str, str, list[str]]:
    """As Uvicorn names it, the file, and options."""
    texts = sorted(sources.tree(".py"), key=lambda item: 0 if _PREFERRED.search(item[0]) else 1)
    for pattern, options in ((_OBJECT, []), (_FACTORY, ["--factory"])):
        for name, text in texts:
            match = pattern.search(text) if "fastapi" in text.lower() or "starlette" in text else None
            if match:
                return f"{module(name)}:{match[1] or match[2]}", name, options
    raise Unclear("no `app = FastAPI(…)` was found: add the start command to a Procfile, as `web: uvicorn …`")
