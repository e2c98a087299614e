"""Images of Python applications: packages in a virtual environment that a stage of its own makes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import field
from functools import cached_property

from shipway.domain.value import dataclass
from shipway.drafting.dockerfiles import health, versions
from shipway.drafting.dockerfiles.recipe import Recipe, Unclear, cached, command, packages, process, stage, todo
from shipway.drafting.dockerfiles.sources import SAFE, Sources, get, mapping

PORT = 8000
SERVERS = {"gunicorn": "gunicorn==23.0.0", "uvicorn": "uvicorn==0.34.0"}  # installed where the project has none
_FILES = (
    "requirements.txt",
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements/base.txt",
    "requirements-prod.txt",
)
_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)\s*(?:\[([^\]]*)\])?")
_BUILD = ("gcc", "libc6-dev")
# Packages of Debian that a package without a wheel needs to be built, and those that it needs to run.
_NATIVE: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "psycopg2": ((*_BUILD, "libpq-dev"), ("libpq5",)),
    "psycopg[c]": ((*_BUILD, "libpq-dev"), ("libpq5",)),
    "psycopg": ((), ("libpq5",)),
    "mysqlclient": ((*_BUILD, "pkg-config", "default-libmysqlclient-dev"), ("libmariadb3",)),
    "uwsgi": (_BUILD, ()),
    "python-magic": ((), ("libmagic1",)),
    "weasyprint": ((), ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")),
}
IGNORED: tuple[str, ...] = (
    "**/__pycache__",
    "**/*.pyc",
    "**/.venv",
    "**/venv",
    "**/.pytest_cache",
    "**/.mypy_cache",
    "**/.ruff_cache",
)
IGNORED += ("**/.coverage", "**/htmlcov", "**/*.egg-info", "**/*.sqlite3", "**/*.db")


@dataclass(frozen=True)
class Application:
    """What a framework's module knows. words: the start command, unless a Procfile has one. server: the package it needs.
    prepared: lines after the sources were copied."""

    framework: str
    fact: str
    words: list[str]
    server: str
    health: list[str]  # its lines
    environment: Mapping[str, str] = field(default_factory=dict)
    prepared: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


class Packages:
    """The packages of a project, and how its lock file says that they are installed."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self.file = sources.first(*_FILES)

    @cached_property
    def found(self) -> Mapping[str, frozenset[str]]:
        """Extras by name, of direct dependencies that are not only for development."""
        lines: list[str] = []
        for name in self._included if self.file else ():
            lines += self._sources.text(name).splitlines()
        project = self._sources.pyproject
        listed = get(project, "project", "dependencies")
        lines += [str(item) for item in listed] if isinstance(listed, list) else []
        found: dict[str, frozenset[str]] = {}
        for line in lines:
            match = _REQUIREMENT.match(line)
            if match:
                extras = frozenset(part.strip().lower() for part in (match[2] or "").split(","))
                found[normal(match[1])] = extras - {""}
        tables = get(project, "tool", "poetry", "dependencies"), self._sources.toml("Pipfile").get("packages")
        for name, value in (pair for table in tables for pair in mapping(table).items()):
            more = mapping(value).get("extras")
            found[normal(name)] = frozenset(map(str, more)) if isinstance(more, list) else frozenset()
        return found

    def has(self, name: str) -> bool:
        standard = {"standard", "all"} & self.found.get("fastapi", frozenset())
        return name in self.found or (name == "uvicorn" and bool(standard))

    @cached_property
    def _included(self) -> tuple[str, ...]:
        """The requirements file, and those that it names by `-r` and `-c`."""
        found: list[str] = []
        waiting = [self.file] if self.file else []
        while waiting:
            name = waiting.pop()
            if (
                name in found
                or not SAFE.fullmatch(name)
                or name.startswith(("..", "/"))
                or not self._sources.first(name)
            ):
                continue
            found.append(name)
            for other in re.findall(
                r"^\s*(?:-r|-c|--requirement|--constraint)[ =]*(\S+)", self._sources.text(name), re.M
            ):
                waiting.append(posixpath.normpath(posixpath.join(posixpath.dirname(name), other)))
        return tuple(found)

    @property
    def native(self) -> tuple[set[str], set[str]]:
        """Packages of Debian to build and to run them."""
        building, running = set[str](), set[str]()
        for name, extras in self.found.items():
            if name == "psycopg" and extras & {"binary"}:
                continue
            key = "psycopg[c]" if name == "psycopg" and "c" in extras else name
            needs = _NATIVE.get(key, ((), ()))
            building.update(needs[0])
            running.update(needs[1])
        texts = (self._sources.text(name) for name in (*self._included, "pyproject.toml"))
        if any("git+" in text or re.search(r"\bgit\s*=", text) for text in texts):
            building.add("git")
        return building, running

    def install(self) -> tuple[str, list[str]]:
        """The fact's text, and the lines of the stage."""
        if self._sources.has("uv.lock"):
            return "Packages: uv.lock", self._uv()
        if self._sources.has("poetry.lock"):
            return "Packages: poetry.lock", self._poetry()
        if self._sources.has("Pipfile.lock"):
            return "Packages: Pipfile.lock", _PIPENV
        root = Sources(self._sources.root)
        if self._sources.folder != "." and not self.file and (lock := root.first("uv.lock", "poetry.lock")):
            raise Unclear(
                f"its packages are locked by {lock} in the root: write a Dockerfile that is built from the root"
            )
        if self.file:
            return f"Packages: {self.file}", self._pip()
        if not get(self._sources.pyproject, "project", "dependencies"):
            raise Unclear(
                "its packages have no lock file: run `poetry lock` or `pip freeze > requirements.txt`, and commit it"
            )
        return "Packages: pyproject.toml, without a lock file", _PROJECT

    def _uv(self) -> list[str]:
        project = self._sources.pyproject
        environment = "UV_PROJECT_ENVIRONMENT=/venv UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1"
        workspace = get(project, "tool", "uv", "workspace") is not None
        local = workspace or any(get(project, "project", key) for key in ("scripts", "entry-points"))
        sync = f"/uv/bin/uv sync {'--frozen' if workspace else '--locked'} --no-dev --no-editable"
        lines = [
            cached("/root/.cache/pip", 'python -m venv /uv && /uv/bin/pip install "uv>=0.9,<1"'),
            f"ENV {environment}",
            "COPY pyproject.toml uv.lock ./",
            cached("/root/.cache/uv", f"{sync} --no-install-workspace"),
        ]
        if local and (workspace or "build-system" in project):
            lines += ["# The project itself, for its commands.", "COPY . .", cached("/root/.cache/uv", sync)]
        return lines

    def _poetry(self) -> list[str]:
        match = re.match(
            r"# This file is automatically @generated by Poetry (\d+\.\d+\.\d+)", self._sources.text("poetry.lock")
        )
        version = f"poetry=={match[1]}" if match else '"poetry>=1.8,<3"'
        return [
            cached("/root/.cache/pip", f"python -m venv /poetry && /poetry/bin/pip install {version}"),
            "RUN python -m venv /venv",
            "COPY pyproject.toml poetry.lock ./",
            cached(
                "/root/.cache/pypoetry",
                "VIRTUAL_ENV=/venv /poetry/bin/poetry install --only main --no-root --no-interaction",
            ),
        ]

    def _pip(self) -> list[str]:
        own = any(re.search(r"^\s*(-e\s+)?\.(/|\s|\[|$)", self._sources.text(name), re.M) for name in self._included)
        install = cached("/root/.cache/pip", f"pip install -r {self.file}")
        if own:
            return [
                "RUN python -m venv /venv",
                f"# {self.file} installs folders of this project too.",
                "COPY . .",
                install,
            ]
        folders: dict[str, list[str]] = {}
        for name in sorted(self._included):
            folders.setdefault(posixpath.dirname(name), []).append(name)
        copies = [f"COPY {' '.join(names)} ./{folder + '/' if folder else ''}" for folder, names in folders.items()]
        return ["RUN python -m venv /venv", *copies, install]


_READ = "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\\n')"
_PROJECT = [
    "RUN python -m venv /venv",
    "COPY pyproject.toml .",
    todo("without a lock file, each build may get other versions: `uv lock` writes one"),
    cached("/root/.cache/pip", f'python -c "{_READ}" > /requirements.txt && pip install -r /requirements.txt'),
]
_PIPENV = [
    cached("/root/.cache/pip", 'python -m venv /pipenv && /pipenv/bin/pip install "pipenv>=2024"'),
    "RUN python -m venv /venv",
    "COPY Pipfile Pipfile.lock ./",
    cached(
        "/root/.cache/pip", "/pipenv/bin/pipenv requirements > /requirements.txt && pip install -r /requirements.txt"
    ),
]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def recipe(sources: Sources, packages_of: Packages, app: Application) -> Recipe:
    """The whole Dockerfile."""
    version = versions.python(sources)
    words, started = app.words, app.fact
    if text := own_command(sources):
        words, started = process(text, PORT), "Start command: web in Procfile"
    installed, install = packages_of.install()
    building, running = packages_of.native
    missing = app.server if app.server in words and not packages_of.has(app.server) else ""
    into = "/uv/bin/uv pip install --python /venv" if sources.has("uv.lock") else "pip install"
    environment = {"PYTHONUNBUFFERED": "1", "PATH": "/venv/bin:$PATH", **app.environment}
    base = stage(
        f"FROM python:{version.text}-slim-bookworm AS base",
        f"ENV {' '.join(f'{name}={value}' for name, value in environment.items())}",
        "# The edge is in front of this container, and says which address and scheme a visitor used.",
        f'ENV PORT={PORT} FORWARDED_ALLOW_IPS="*"',
        "WORKDIR /app",
        packages(running),
    )
    dependencies = stage(
        "# Installed again only if the files that name the packages change.",
        "FROM base AS dependencies",
        packages(building),
        install,
        todo(f"add {app.server} to the project's packages, and remove this line") if missing else "",
        cached("/root/.cache/pip", f"{into} {SERVERS[missing]}") if missing else "",
    )
    final = stage(
        "FROM base",
        "RUN useradd --uid 1000 --create-home app",
        "COPY --from=dependencies /venv /venv",
        "COPY . .",
        _other_build(sources),
        app.prepared,
        "USER 1000:1000",
        f"EXPOSE {PORT}",
        app.health,
        command(words),
    )
    facts = (f"Python {version.text}: {version.source}", installed, started)
    return Recipe(app.framework, facts, (base, dependencies, final), (*IGNORED, *app.ignored))


def own_command(sources: Sources) -> str | None:
    """The Procfile's, unless it starts a server for development."""
    text = sources.process
    return None if text is None or re.search(r"manage\.py\s+runserver|flask\s+run|--reload", text) else text


def _other_build(sources: Sources) -> str:
    if get(sources.package, "scripts", "build") is None:
        return ""
    return todo(
        "package.json has a build: if its output is not committed, add a stage with Node that makes it, and copy it here"
    )


def module(name: str) -> str:
    """The dotted name of a file; of a package for its `__init__.py`. `src/` is on the path."""
    return name.removesuffix(".py").removesuffix("/__init__").removeprefix("src/").replace("/", ".")


def path_for(sources: Sources, name: str) -> Mapping[str, str]:
    """name: of the file with the application; empty if only the Procfile knows it."""
    inside = name.startswith("src/") if name else (sources.here / "src").is_dir()
    return {"PYTHONPATH": "/app/src"} if inside else {}


def checked(found: health.Found) -> list[str]:
    """The lines of the health check."""
    return health.check(health.python(PORT, health.path_of(found)), found)
