"""Settings in samples such as .env.example: which of them are variables, secrets, or addresses of an environment."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from shipway.drafting import env_files
from shipway.drafting.tree import Tree
from shipway.drafting.variables import is_secret
from shipway.planfile.values import VARIABLE_PATTERN

_FILE = re.compile(
    r"\.?(?:env|dotenv)(?:[._-]\w+)*[._-](?:example|sample|template|dist|tpl|defaults?)|(?:example|sample|template)\.env|\.(?:example|sample)\.env"
)
_OTHER = re.compile(r"[._-](test|testing|ci|docker-compose|e2e)[._-]")
_PUBLIC = re.compile(
    r"(\w+_)?(ALLOWED_HOSTS|TRUSTED_ORIGINS|CORS_(ALLOWED_)?ORIGINS?|ALLOWED_ORIGINS)"
    r"|((APP|SITE|BASE|PUBLIC|WEB|WEBSITE|FRONTEND|CLIENT|ROOT|CANONICAL|NEXTAUTH|AUTH|BETTER_AUTH|SERVER|ASSET|ORIGIN)_(URL|URI|HOST|DOMAIN|ORIGIN)|ORIGIN|DOMAIN|SERVER_NAME|HOSTNAME)"
)
_LOCAL = re.compile(
    r"localhost|127\.0\.0\.1|0\.0\.0\.0|\bexample\.(com|org|net)|your-?domain|\.local(host)?\b", re.IGNORECASE
)
_MODE = re.compile(r"(\w+_)?ENV(IRONMENT)?")
_DEBUG = re.compile(r"(\w+_)?DEBUG(_MODE)?")
_TRUE = {"true": "false", "1": "0", "yes": "no", "on": "off"}
_BUILD_TIME = re.compile(r"(VITE|NEXT_PUBLIC|REACT_APP|NUXT_PUBLIC|PUBLIC|GATSBY|EXPO_PUBLIC)_")
_MACHINE = re.compile(
    r"COMPOSE_\w+|DOCKER_\w+|UID|GID|USER_ID|GROUP_ID|PUID|PGID|PGADMIN_\w+|TZ_HOST|WWWUSER|WWWGROUP|SAIL_\w+|FORWARD_\w+"
)
_PLACEHOLDER = re.compile(
    r"<.*>|\.\.\.|x{3,}|\W*_*(your|my|change[-_ ]?(me|this|it)|replace|unset|todo|placeholder|fill[-_ ]?in|insert)([-_ ].*|\W.*|_*)|\[.*\]|\*+",
    re.IGNORECASE,
)
_CREDENTIALS = re.compile(r"://[^/@\s:]*:[^/@\s]+@")


# Secrets that only the app itself knows.
_OWN = re.compile(
    r"((APP|DJANGO|FLASK|AUTH|BETTER_AUTH|NEXTAUTH|SESSION|COOKIE|JWT)_)*(SECRET|SECRET_KEY|SECRET_KEY_BASE|SESSION_KEY)"
)


def any_value(name: str) -> bool:
    """Whether a random value does for a secret of this name."""
    return _OWN.fullmatch(name) is not None


@dataclass
class Settings:
    """The samples' settings, sorted."""

    environment: dict[str, str] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    addresses: dict[str, str] = field(default_factory=dict)  # with {url} or {host}
    built: dict[str, str] = field(default_factory=dict)  # read while a site is built
    todo: list[str] = field(default_factory=list)
    blank: list[str] = field(default_factory=list)


def files(tree: Tree) -> list[str]:
    """Samples of settings, the upper ones first; in one folder those for production alone."""
    found: dict[str, list[str]] = {}
    for path in tree.files:
        folder, name = posixpath.split(path)
        if _FILE.fullmatch(name) and not _OTHER.search(name):
            found.setdefault(folder, []).append(path)
    chosen = []
    for listed in found.values():
        production = [path for path in listed if "prod" in posixpath.basename(path)]
        chosen += production or listed
    return chosen


def parse(text: str) -> dict[str, str]:
    """The variables of a file in the format of .env that a plan can have."""
    return {name: value for name, value in env_files.parse(text).items() if re.search(VARIABLE_PATTERN, name)}


def sort(samples: dict[str, str], held: set[str], *, port: int | None) -> Settings:
    """held: variables with another source. port: of the service."""
    found = Settings()
    for name, value in samples.items():
        if name in held or _MACHINE.fullmatch(name):
            continue
        if _BUILD_TIME.match(name) and not is_secret(name):
            found.built[name] = value
        elif is_secret(name) or _CREDENTIALS.search(value):
            found.secrets.append(name)
        elif value in ("", "null", "None") or _PLACEHOLDER.fullmatch(value):
            found.blank.append(name)
        elif _PUBLIC.fullmatch(name) and _LOCAL.search(value):
            found.addresses[name] = "{url}" if "://" in value else "{host}"
        else:
            _plain(name, value, found, port)
    return found


def _plain(name: str, value: str, found: Settings, port: int | None) -> None:
    lowered = value.lower()
    if name == "PORT":
        if port:
            found.environment[name] = str(port)
    elif name in ("HOST", "BIND", "LISTEN_HOST", "HOSTNAME") and _LOCAL.search(value):
        found.environment[name] = "0.0.0.0"
    elif _MODE.fullmatch(name) and lowered in ("dev", "development", "local", "debug", "test"):
        found.environment[name] = "production"
    elif _DEBUG.fullmatch(name) and lowered in _TRUE:
        off = _TRUE[lowered]
        found.environment[name] = off.title() if value[0].isupper() else off
    else:
        found.environment[name] = value
        if re.search(r"localhost|127\.0\.0\.1|host\.docker\.internal", value):
            found.todo.append(f"{name}: {value} is an address of the developer's machine")
