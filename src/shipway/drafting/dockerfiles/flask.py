"""Flask, served by Gunicorn."""

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

_OBJECT = re.compile(
    r"^(app|application|server|api)\s*(?::\s*Flask\s*)?=\s*(?:flask\.)?\w*(?:Flask|create_app|make_app)\w*\(", re.M
)
_IMPORTED = re.compile(r"^from\s+[\w.]+\s+import\s+.*\b(app|application)\b", re.M)
_FACTORY = re.compile(r"^def\s+((?:create|make)_app|create_application)\(", re.M)
_PREFERRED = ("wsgi.py", "app.py", "main.py", "run.py", "server.py", "application.py")


def find(sources: Sources) -> Recipe | None:
    """None for a folder without Flask."""
    known = Packages(sources)
    if "flask" not in known.found:
        return None
    target, file = ("", "") if own_command(sources) else _application(sources)
    words = ["gunicorn", target, "--bind", f"0.0.0.0:{PORT}", "--workers", "2", "--access-logfile", "-"]
    check = checked(health.find(r"@(?:app|application|server)\.(?:route|get)\(\s*[\"']/NAME[\"']", sources.tree(".py")))
    app = Application(
        "Flask", f"Application: {file}", words, "gunicorn", check, path_for(sources, file), ignored=("instance",)
    )
    return recipe(sources, known, app)


def _application(sources: Sources) -> tuple[str, str]:
    """As Gunicorn names it, and the file."""
    set_in = re.search(r"^FLASK_APP\s*=\s*[\"']?([\w./]+)(?::([\w]+)(\(\))?)?", sources.text(".flaskenv"), re.M)
    texts = dict(sources.tree(".py"))
    first = [name for name in _PREFERRED if name in texts]
    if set_in:
        name = set_in[1] if set_in[1].endswith(".py") else set_in[1].replace(".", "/") + ".py"
        first.insert(0, name if name in texts else name.removesuffix(".py") + "/__init__.py")
    order = [*(name for name in first if name in texts), *texts]
    for pattern, call in ((_OBJECT, ""), (_IMPORTED, ""), (_FACTORY, "()")):
        for name in order if pattern is not _IMPORTED else first[:2]:
            match = pattern.search(texts.get(name, ""))
            if match:
                return f"{module(name)}:{match[1]}{call}", name
    raise Unclear(
        "no `app = Flask(…)` and no `create_app()` was found: set FLASK_APP in .flaskenv, or add `web:` to a Procfile"
    )
