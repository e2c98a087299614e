"""Django, served by the server that the project has, else by Gunicorn."""

from __future__ import annotations

import re

from shipway.drafting.dockerfiles import health
from shipway.drafting.dockerfiles.python import PORT, Application, Packages, own_command, recipe
from shipway.drafting.dockerfiles.recipe import Recipe, Unclear, todo
from shipway.drafting.dockerfiles.sources import Sources

_READ = re.compile(
    r"""os\.environ\[\s*["'](\w+)["']\s*\]|\b(?:env|config)(?:\.\w+)?\(\s*["']([A-Z][A-Z0-9_]*)["']\s*(?:,\s*cast\s*=\s*[\w.()]+\s*)?\)"""
)


def find(sources: Sources) -> Recipe | None:
    """None for a folder without Django."""
    manage = sources.text("manage.py")
    if "django" not in manage.lower():
        return None
    known = Packages(sources)
    if not (known.file or sources.has("pyproject.toml") or sources.has("Pipfile.lock")):
        raise Unclear("no file names its packages: write requirements.txt (`pip freeze`), or use uv or Poetry")
    settings, chosen = _settings(sources, manage)
    texts = _settings_texts(sources, settings)
    server, words, file = _server(sources, known, "\n".join(texts.values()))
    urls = [(name, text) for name, text in sources.tree("urls.py") if name.count("/") <= 1]
    # Its host check answers 400 to a request for 127.0.0.1, which is an answer.
    found = health.find(r"\bpath\(\s*[\"']NAME[\"']|re_path\(\s*r?[\"']\^NAME\$?[\"']", urls)
    note = " A 400 counts too: ALLOWED_HOSTS needs no 127.0.0.1." if found else ""
    check = health.check(health.python(PORT, health.path_of(found), strict=False), found, note=note)
    environment = {"DJANGO_SETTINGS_MODULE": settings} if chosen else {}
    app = Application(
        "Django",
        f"Application: {file}" + (f"; settings: {settings}, the ones for production" if chosen else ""),
        words,
        server,
        check,
        environment,
        _static(known, texts),
        ("staticfiles", "media"),
    )
    return recipe(sources, known, app)


def _settings(sources: Sources, manage: str) -> tuple[str, bool]:
    """The module, and whether it is another one than manage.py's, which is for development."""
    match = re.search(r"""DJANGO_SETTINGS_MODULE["']\s*,\s*["']([\w.]+)["']""", manage)
    if match is None:
        return "", False
    parent, _, last = match[1].rpartition(".")
    if last in ("local", "dev", "development"):
        for name in ("production", "prod"):
            if sources.has(f"{parent}.{name}".replace(".", "/") + ".py"):
                return f"{parent}.{name}", True
    return match[1], False


def _settings_texts(sources: Sources, settings: str) -> dict[str, str]:
    """Of the module, and of the others in its package that it may import."""
    path = settings.replace(".", "/")
    names = [f"{path}.py", f"{path}/__init__.py"]
    names += [f"{path.rpartition('/')[0]}/{name}.py" for name in ("base", "common", "defaults")]
    return {name: sources.text(name) for name in names if path and sources.first(name)}


def _server(sources: Sources, known: Packages, settings: str) -> tuple[str, list[str], str]:
    """Package, start command, and the file with the application."""
    named = re.search(r"""^WSGI_APPLICATION\s*=\s*["']([\w.]+)\.\w+["']""", settings, re.M)
    paths = [name for name, _ in sources.tree("/wsgi.py", "/asgi.py")]
    wsgi = (
        named[1].replace(".", "/") + ".py"
        if named
        else next((name for name in paths if name.endswith("wsgi.py")), None)
    )
    asgi = wsgi.replace("wsgi", "asgi") if wsgi else next(iter(paths), None)
    if asgi and sources.first(asgi):
        target = f"{asgi.removesuffix('.py').replace('/', '.')}:application"
        if known.has("daphne"):
            return "daphne", ["daphne", "-b", "0.0.0.0", "-p", str(PORT), "--proxy-headers", target], asgi
        if known.has("uvicorn") and not known.has("gunicorn"):
            return "uvicorn", ["uvicorn", target, "--host", "0.0.0.0", "--port", str(PORT)], asgi
    if not wsgi and own_command(sources):
        return "", [], ""
    if not wsgi:
        raise Unclear("no wsgi.py was found: add the start command to a Procfile, as `web: gunicorn …`")
    target = wsgi.removesuffix(".py").replace("/", ".")
    words = ["gunicorn", target, "--bind", f"0.0.0.0:{PORT}", "--workers", "2", "--access-logfile", "-"]
    return "gunicorn", words, wsgi


def _static(known: Packages, settings: dict[str, str]) -> tuple[str, ...]:
    """Collect static files, with stand-ins for the variables that the settings require."""
    text = "\n".join(settings.values())
    if not re.search(r"^\s*STATIC_ROOT\s*=", text, re.M):
        return ()
    names = sorted({first or second for first, second in _READ.findall(text)})
    values = " ".join(f"{name}={_stand_in(name)}" for name in names)
    lines = []
    if names:
        lines.append(f"# Stand-ins for this line only: the settings ({', '.join(settings)}) require these variables.")
    lines.append(f"RUN {values + ' ' if values else ''}python manage.py collectstatic --noinput")
    if not known.has("whitenoise"):
        lines.append(
            todo("nothing serves the collected static files: add whitenoise to the packages and to MIDDLEWARE")
        )
    return tuple(lines)


def _stand_in(name: str) -> str:
    if name.endswith(("DATABASE_URL", "DB_URL")):
        return "sqlite:////tmp/none"
    if name.endswith("URL"):
        return "redis://127.0.0.1"
    if name.endswith(("PORT", "DEBUG")) or name.startswith(("USE_", "ENABLE_")):
        return "0"
    return "none"
