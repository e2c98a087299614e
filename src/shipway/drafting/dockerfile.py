"""Facts from a Dockerfile about its service."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from dataclasses import field
from functools import cached_property
from pathlib import Path

from shipway.domain.value import dataclass
from shipway.drafting.draft import ServiceDraft
from shipway.drafting.files import lenient

TEST_STAGES = ("test", "tests", "testing", "ci", "dev", "development")
_PORT = r"(?::(?P<port>\d+|\$\{[^}]*\}|\$\w+|\{[^}]*\}|%\w|\$\([^)]*\)))?"
_URL = re.compile(
    r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|\$\{?HOST(?:NAME)?\}?)"
    + _PORT
    + r"(?P<path>/[^\s\"'`|;&\])>\\]*)?"
)
_VARIABLE = re.compile(r"\$\{(\w+)(?:(:?[-+?])([^}]*))?\}|\$(\w+)")
_IN_COMMAND = re.compile(
    r"(?:--port[= ]|-p[= ]?|--bind[= ]\S*?:|-b[= ]?\S*?:|--listen[= ]\S*?:|--server\.port=|\s0\.0\.0\.0:|\bPORT=)(\d{2,5})\b"
)
# Ports where well-known images listen, by the end of their name.
_BASES = {
    "nginx": 80, "nginx-unprivileged": 8080, "httpd": 80, "caddy": 80, "static-web-server": 80, "openresty": 80, "wordpress": 80,
    "tomcat": 8080,
}  # fmt: skip


UNKNOWN = "/?"  # stands for the WORKDIR of an image that isn't known
# Of well-known images.
_FOLDERS = {
    "python": "/", "node": "/", "ruby": "/", "debian": "/", "ubuntu": "/", "alpine": "/", "nginx": "/", "scratch": "/", "golang": "/go",
    "php": "/var/www/html", "serversideup/php": "/var/www/html", "oven/bun": "/home/bun/app", "httpd": "/usr/local/apache2", "caddy": "/srv",
    "eclipse-temurin": "/", "openjdk": "/", "busybox": "/",
}  # fmt: skip


# Ports of programs that are started without one.
_PROGRAMS = (
    ("uvicorn", 8000), ("gunicorn", 8000), ("hypercorn", 8000), ("daphne", 8000), ("fastapi run", 8000), ("flask run", 5000), ("flask --app \\S+ run", 5000),
    ("manage.py runserver", 8000), ("artisan serve", 8000), ("rails server", 3000), ("rails s", 3000), ("puma", 9292), ("next start", 3000),
    ("streamlit run", 8501),
)  # fmt: skip


@dataclass(frozen=True)
class Copy:
    """One source of COPY or ADD. origin: the stage or image that it comes from; empty for the build's folder."""

    source: str
    target: str  # absolute, ends with `/` if it names a folder
    origin: str = ""


@dataclass
class Stage:
    """One FROM, with what follows. The values of variables are inserted as far as the file has them."""

    name: str
    base: str
    variables: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)  # of ENV
    folder: str = UNKNOWN
    copies: list[Copy] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    health: str | None = None  # the command; empty: HEALTHCHECK NONE
    command: str | None = None
    entrypoint: str | None = None


@dataclass(frozen=True)
class Facts:
    """Facts from the text; all but the stages' names are those of the built stage and of the stages below it."""

    port: int | None
    health: str | None  # path that its HEALTHCHECK requests, or …
    health_command: str | None  # … its other command
    stages: tuple[str, ...]
    base: str  # image of the first stage
    text: str
    port_from: str = "EXPOSE"
    command: str | None = None
    entrypoint: str | None = None
    folder: str = UNKNOWN
    settings: dict[str, str] = field(default_factory=dict)
    volumes: tuple[str, ...] = ()
    arguments: dict[str, str | None] = field(default_factory=dict)  # of the whole file, with their defaults
    parsed: tuple[Stage, ...] = ()  # up to the built one

    @property
    def test_stage(self) -> str | None:
        """A stage for running tests."""
        return next((stage for stage in TEST_STAGES if stage in self.stages), None)

    @property
    def final_base(self) -> str:
        """The image that the built stage begins with."""
        return _chain(self.parsed)[0].base if self.parsed else ""

    @cached_property
    def copies(self) -> tuple[Copy, ...]:
        """What the file copies from the folder of the build, in all stages."""
        return tuple(copy for stage in self.parsed for copy in stage.copies if not copy.origin)

    def inside(self, path: str) -> str | None:
        """Where a path of the build's folder is in the image: relative to its WORKDIR if it is below; None if the file
        copies it nowhere."""
        found = _locate(self.parsed, len(self.parsed) - 1, path, {}) if self.parsed else None
        if found is None:
            return None
        below = posixpath.relpath(found, self.folder)
        return found if below.startswith("..") else below


def facts(text: str, target: str | None = None) -> Facts:
    """Never fails: what can't be parsed stays unknown. target: the stage to build; default: the last one."""
    arguments, stages = _parse(text)
    at = next((index for index, stage in enumerate(stages) if target and stage.name == target.lower()), len(stages) - 1)
    built = stages[: at + 1]
    chain = _chain(built)
    command = next((stage.command for stage in reversed(chain) if stage.command is not None), None)
    entrypoint = next((stage.entrypoint for stage in reversed(chain) if stage.entrypoint is not None), None)
    settings = {name: value for stage in chain for name, value in stage.settings.items()}
    check = next((stage.health for stage in reversed(chain) if stage.health is not None), None) or None
    path = health_path(check) if check else None
    ports = [port for stage in reversed(chain) for port in stage.ports]
    port, origin = _port(ports, settings, check, f"{entrypoint or ''} {command or ''}", chain)
    return Facts(
        port=port,
        health=path,
        health_command=None if path else check,
        stages=tuple(stage.name for stage in stages if stage.name),
        base=stages[0].base if stages else "",
        text=text,
        port_from=origin,
        command=command,
        entrypoint=entrypoint,
        folder=built[-1].folder if built else UNKNOWN,
        settings=settings,
        volumes=tuple(dict.fromkeys(path for stage in chain for path in stage.volumes)),
        arguments=arguments,
        parsed=tuple(built),
    )


def _port(
    exposed: list[int], settings: dict[str, str], check: str | None, command: str, chain: list[Stage]
) -> tuple[int | None, str]:
    """The port where it listens, and what says so."""
    variable = _number(settings.get("PORT", ""))
    found = _IN_COMMAND.search(f" {command} ")
    match = _URL.search(check or "")
    asked = _number(match["port"] or "") if match else None
    for port in (variable, asked, int(found[1]) if found else None):
        if port in exposed:
            return port, "EXPOSE"
    if exposed:
        return exposed[0], "EXPOSE"
    if variable:
        return variable, "PORT"
    if found and 0 < int(found[1]) < 65536:
        return int(found[1]), "its command"
    if asked:
        return asked, "HEALTHCHECK"
    image = chain[0].base if chain else ""
    name = image.partition("@")[0].rpartition("/")[2]
    base, _, tag = name.partition(":")
    if base == "php" and "apache" in tag:
        return 80, f"the image {base}"
    if base in _BASES:
        return _BASES[base], f"the image {base}"
    known = next(
        ((port, program) for program, port in _PROGRAMS if re.search(rf"(^|[\s/'\"]){program}\b", command)), None
    )
    return (known[0], f"the default of {known[1]}") if known else (None, "EXPOSE")


def _number(text: str) -> int | None:
    match = re.fullmatch(r"(?:\$\{\w+:?-)?(\d{2,5})\}?", text)
    return int(match[1]) if match and 0 < int(match[1]) < 65536 else None


def _parse(text: str) -> tuple[dict[str, str | None], list[Stage]]:
    joined = re.sub(r"\\[ \t]*\n", " ", re.sub(r"^[ \t]*#.*\n", "", text.replace("\r\n", "\n"), flags=re.MULTILINE))
    arguments: dict[str, str | None] = {}
    stages: list[Stage] = []
    for line in joined.splitlines():
        match = re.match(r"\s*([A-Za-z]+)\s+(.*\S)", line)
        if not match:
            continue
        word, rest = match[1].upper(), match[2]
        if word == "FROM":
            stages.append(_from(rest, arguments, stages))
        elif word == "ARG":
            _argument(rest, arguments, stages[-1] if stages else None)
        elif stages:
            _instruction(word, rest, stages[-1])
    return arguments, stages


def _from(rest: str, arguments: dict[str, str | None], stages: list[Stage]) -> Stage:
    words = [word for word in rest.split() if not word.startswith("--")] or [""]
    known = {name: value for name, value in arguments.items() if value is not None}
    base = _inserted(words[0], known)
    name = words[2].lower() if len(words) > 2 and words[1].lower() == "as" else ""
    parent = next((stage for stage in stages if stage.name and stage.name == base.lower()), None)
    if parent is None:
        known_name = base.partition("@")[0].removeprefix("docker.io/").removeprefix("library/").partition(":")[0]
        return Stage(name, base, folder=_FOLDERS.get(known_name, "/" if "distroless" in base else UNKNOWN))
    return Stage(name, base.lower(), dict(parent.variables), folder=parent.folder)


def _argument(rest: str, arguments: dict[str, str | None], stage: Stage | None) -> None:
    for word in _words(rest):
        name, equals, value = word.partition("=")
        if not re.fullmatch(r"\w+", name):
            continue
        if equals or arguments.get(name) is None:
            arguments[name] = value if equals else None
        if stage is not None and arguments[name] is not None:
            stage.variables.setdefault(name, str(arguments[name]))


def _instruction(word: str, rest: str, stage: Stage) -> None:
    if word == "ENV":
        pairs = [item.partition("=")[::2] for item in _words(rest) if "=" in item]
        if "=" not in rest.split(maxsplit=1)[0]:
            pairs = [tuple(rest.split(maxsplit=1))] if len(rest.split(maxsplit=1)) == 2 else []  # type: ignore[list-item]
        for name, value in pairs:
            stage.variables[name] = stage.settings[name] = _inserted(value, stage.variables)
    elif word == "WORKDIR":
        stage.folder = posixpath.normpath(posixpath.join(stage.folder, _inserted(rest.strip("\"'"), stage.variables)))
    elif word in ("COPY", "ADD"):
        stage.copies += _copies(rest, stage)
    elif word == "EXPOSE":
        found = (re.match(r"\d+", item) for item in _inserted(rest, stage.variables).split())
        ports = [int(match[0]) for match in found if match and len(match[0]) < 6]
        stage.ports += [port for port in ports if 0 < port < 65536]
    elif word == "VOLUME":
        paths = _exec(rest) or _words(_inserted(rest, stage.variables))
        stage.volumes += [path for path in paths if path.startswith("/")]
    elif word == "HEALTHCHECK":
        stage.health = _health_command(rest)
    elif word in ("CMD", "ENTRYPOINT"):
        listed = _exec(rest)
        text = rest if listed is None else shlex.join(listed)
        if word == "CMD":
            stage.command = text
        else:
            stage.entrypoint, stage.command = text, None


def _copies(rest: str, stage: Stage) -> list[Copy]:
    options = re.match(r"(?:--\S+\s+)*", rest)
    flags, body = (options[0], rest[options.end() :]) if options else ("", rest)
    words = _exec(body) or _words(body)
    if len(words) < 2 or words[0].startswith("<<"):
        return []
    origin = re.search(r"--from=(\S+)", flags)
    words = [_inserted(word, stage.variables) for word in words]
    target = posixpath.join(stage.folder, words[-1])
    folder = words[-1].endswith(("/", ".")) or len(words) > 2
    target = posixpath.normpath(target) + ("/" if folder else "")
    where = _inserted(origin[1], stage.variables) if origin else ""
    sources = [word for word in words[:-1] if not re.match(r"\w+://|git@", word)]
    return [Copy(source, target, where) for source in sources if "$" not in source]


def _exec(text: str) -> list[str] | None:
    """The words of the JSON form; None for another one."""
    if not text.startswith("["):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return [str(item) for item in found] if isinstance(found, list) else None


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _inserted(text: str, variables: dict[str, str]) -> str:
    """With the values of variables that are known; unknown ones stay."""

    def value(match: re.Match[str]) -> str:
        name, operator, word = match[1] or match[4], match[2] or "", match[3] or ""
        if operator.endswith("+"):
            return word if variables.get(name) else ""
        found = variables.get(name) or (word if operator.endswith("-") else "")
        return found or match[0]

    return _VARIABLE.sub(value, text)


def _chain(stages: tuple[Stage, ...] | list[Stage]) -> list[Stage]:
    """The last stage, and before it the stages that it is based on."""
    found: list[Stage] = []
    index: int | None = len(stages) - 1 if stages else None
    while index is not None:
        found.insert(0, stages[index])
        index = _stage(stages, stages[index].base, index)
    return found


def _stage(stages: tuple[Stage, ...] | list[Stage], name: str, before: int) -> int | None:
    """The index of an earlier stage by its name or number."""
    numbers = [index for index in range(before) if name and (stages[index].name == name.lower() or name == str(index))]
    return numbers[-1] if numbers else None


def _locate(stages: tuple[Stage, ...], index: int, path: str, known: dict[tuple[int, str], str | None]) -> str | None:
    """The absolute path in a stage's image where a path of the build's folder lies."""
    if (index, path) not in known:
        known[index, path] = _copied(stages, index, path, known)
    return known[index, path]


def _copied(stages: tuple[Stage, ...], index: int, path: str, known: dict[tuple[int, str], str | None]) -> str | None:
    stage = stages[index]
    for copy in reversed(stage.copies):
        origin = _stage(stages, copy.origin, index) if copy.origin else None
        if copy.origin and origin is None:
            continue
        here = path if origin is None else _locate(stages, origin, path, known)
        source = posixpath.normpath(copy.source.lstrip("/") if origin is None else copy.source)
        if here is not None and (below := _below(here, source)) is not None:
            name = posixpath.basename(here) if below == "" and copy.target.endswith("/") and "." in here else below
            return posixpath.normpath(posixpath.join(copy.target, name))
    parent = _stage(stages, stage.base, index)
    return _locate(stages, parent, path, known) if parent is not None else None


def _below(path: str, source: str) -> str | None:
    """The rest of a path below a copied source; None if the source doesn't contain it."""
    if source in (".", "/"):
        return path.lstrip("/")
    if "*" in source:
        pattern = re.escape(source).replace(r"\*", "[^/]*")
        return posixpath.basename(path) if re.fullmatch(pattern, path) else None
    if path == source:
        return ""
    return path[len(source) + 1 :] if path.startswith(f"{source}/") else None


def _health_command(rest: str) -> str:
    """The command of a HEALTHCHECK in either form: `CMD curl …` or `CMD ["curl", …]`."""
    command = re.split(r"\bCMD\s+", rest, maxsplit=1)[-1].strip() if re.search(r"\bCMD\s", rest) else ""
    if command.startswith("["):
        return shlex.join(_exec(command) or [])
    return command


def health_path(command: str) -> str | None:
    """The path that a health check requests on its own machine: `curl -f http://localhost:8000/health`."""
    match = _URL.search(command)
    return (match["path"] or "/").partition("?")[0].rstrip("'\"") if match else None


def read(file: Path, target: str | None = None) -> Facts | None:
    """Facts of a file; None if it is missing."""
    return facts(lenient(file), target) if file.is_file() else None


def complete(draft: ServiceDraft, known: Facts | None) -> None:
    """Add facts that the draft lacks."""
    if known is None:
        return
    if draft.port is None and known.port:
        draft.port = known.port
        draft.why.append(f"port {known.port} from {known.port_from}")
    if draft.health or draft.health_command:
        return
    if draft.port and known.health:
        draft.health = known.health
        draft.why.append(f"health {known.health} from HEALTHCHECK")
    elif known.health_command:
        draft.health_command = known.health_command
        draft.why.append("health from HEALTHCHECK")
