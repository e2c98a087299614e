"""What configuration and source files say about a running program: the variables that it reads, and where it answers."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from shipway.domain.value import dataclass
from shipway.drafting.tree import Tree

_STEMS = (
    r"config\w*|settings\w*|database|db|conf|env|environment|constants|knexfile|drizzle\.config|ormconfig|data-?source|redis|queues?|cache|celery"
    r"|broker|cable|sidekiq|main|app|server|index|application|local|base|production|prod|common|__init__|urls|wsgi|asgi|program|puma|routes?"
    r"|router|health\w*|api|views|web|store|client|\w+\.module|worker|tasks|jobs|manage|startup"
)
_FILE = re.compile(rf"(?:{_STEMS})\.(?:py|rb|js|cjs|mjs|ts|tsx|php|go|ya?ml|properties|java|kt|exs?)", re.IGNORECASE)
_NAMED = {"schema.prisma"}
_TESTS = {
    "test",
    "tests",
    "spec",
    "e2e",
    "__tests__",
    "cypress",
    "testdata",
    "fixtures",
    "docs",
    "examples",
    "example",
    "migrations",
}
_MOST_FILES, _MOST_TEXT = 400, 4 * 1024 * 1024
_READS = re.compile(
    r"(?:environ(?:\.get|\.setdefault)?\s*[\[(]|getenv\(|LookupEnv\(|env\.get\(|ENV(?:\.fetch)?[\[(]|\benv(?:\.\w+)?\(|\bconfig\()\s*[\"']([A-Z][A-Z0-9_]+)[\"']"
    r"|(?:process|Bun|import\.meta)\.env\.([A-Z][A-Z0-9_]+)|\.env\[[\"']([A-Z][A-Z0-9_]+)[\"']\]|\$\{([A-Z][A-Z0-9_]+)(?::[^}]*)?\}",
    re.IGNORECASE,
)
_FIELD = re.compile(r"^[ \t]+([a-z][a-z0-9_]*)\s*:\s*[A-Za-z\"']", re.MULTILINE)
_PORT = re.compile(r"PORT[\"'\])]*[!]?\s*(?:\?\?|\|\||,|\)\s*\{|\)\s*or|or|:)\s*[\"']?(\d{3,5})\b")
_HEALTH = re.compile(
    r"[\"'`]/?((?:api/(?:v\d/)?)?(?:health|healthz|healthcheck|health-check|livez|readyz|ready|ping|up|_health|api/status)(?:/(?:ready|live)z?)?/?)[\"'`]"
)


@dataclass(frozen=True)
class Clue:
    """A file that was read."""

    path: str
    text: str


def texts(tree: Tree, folder: str) -> list[Clue]:
    """Configuration and entry points in a folder and below it, the upper ones first; not those of tests."""
    if folder not in tree.clues:
        tree.clues[folder] = list(_texts(tree, folder))
    return [Clue(*item) for item in tree.clues[folder]]


def _texts(tree: Tree, folder: str) -> Iterator[tuple[str, str]]:
    size = count = 0
    for path in tree.below(folder):
        name = posixpath.basename(path)
        if not (_FILE.fullmatch(name) or name in _NAMED) or _TESTS & {*path.split("/")[:-1]}:
            continue
        text = tree.text(path)
        size, count = size + len(text), count + 1
        if size > _MOST_TEXT or count > _MOST_FILES:
            return
        yield path, text


def variables(found: list[Clue]) -> dict[str, str]:
    """The environment variables that the files read, each with the first file that does."""
    names: dict[str, str] = {}
    for clue in found:
        for match in _READS.finditer(clue.text):
            name = next(group for group in match.groups() if group)
            if name == name.upper():
                names.setdefault(name, clue.path)
        if "BaseSettings" in clue.text:
            for match in _FIELD.finditer(clue.text):
                names.setdefault(match[1].upper(), clue.path)
        if re.search(r"dj_database_url\.(config|parse)\(\s*(\)|conn|default)|\benv\.db\(\s*\)", clue.text):
            names.setdefault("DATABASE_URL", clue.path)
    return names


_REQUIRED = re.compile(
    r"environ\[\s*[\"']([A-Z][A-Z0-9_]+)[\"']\s*\]|ENV\.fetch\(\s*[\"']([A-Z][A-Z0-9_]+)[\"']\s*\)(?!\s*[{d])|\benv(?:\.\w+)?\(\s*[\"']([A-Z][A-Z0-9_]+)[\"']\s*\)"
)


def required(found: list[Clue]) -> dict[str, str]:
    """The variables without which the code fails as it starts, each with a file; PHP's and Prisma's env() may be unset."""
    names: dict[str, str] = {}
    for clue in found:
        if clue.path.endswith((".py", ".rb")):
            for match in _REQUIRED.finditer(clue.text):
                if not re.match(r"\s*=[^=]", clue.text[match.end() : match.end() + 3]):
                    names.setdefault(next(group for group in match.groups() if group), clue.path)
    return names


def port(found: list[Clue]) -> tuple[int, str] | None:
    """The port that a program listens on where PORT is not set, and the file that says so."""
    for clue in found:
        match = _PORT.search(clue.text)
        if match and 0 < int(match[1]) < 65536:
            return int(match[1]), clue.path
    return None


def health(found: list[Clue]) -> tuple[str, str] | None:
    """The path of a health check that the code serves, and the file that says so."""
    for clue in found:
        if "rails/health#show" in clue.text:
            match = re.search(r"get\s*\(?[\"']/?([\w/-]+)[\"']\s*(?:=>|,\s*to:)\s*[\"']rails/health#show", clue.text)
            return f"/{match[1] if match else 'up'}", clue.path
        match = re.search(r"\bhealth:\s*[\"'](/[\w/-]+)[\"']", clue.text)
        if match:
            return match[1], clue.path
        if re.search(r"health_check\.urls|HealthController|TerminusModule", clue.text) and "_" in clue.path:
            continue
        match = _HEALTH.search(clue.text)
        if match and re.search(
            r"\b(get|route|path|url|re_path|Handle(Func)?|GET|GetMapping|MapGet|app|router|match)\b[^\n]{0,40}$",
            clue.text[: match.start()][-80:],
        ):
            return f"/{match[1]}", clue.path
    return None
