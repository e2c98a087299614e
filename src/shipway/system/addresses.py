"""Addresses of repositories: how they are recorded, and which ones denote the same repository."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

from shipway.domain.errors import UsageError
from shipway.system.git import Repository
from shipway.system.git.command import settings
from shipway.system.variables import for_others

SAFE = {"https": 0, "ssh": 0, "file": 0, "http": 1, "git": 1}  # never reach an address by a scheme with a higher number
PORTS = {"https": 443, "http": 80, "ssh": 22, "git": 9418}
_SCP = re.compile(r"(?:(?P<user>[\w.+-]+)@)?(?P<host>\[[^\]]+\]|[\w.-]+):(?P<path>(?!//).*)")


def is_path(url: str) -> bool:
    """Whether it is a folder of this machine."""
    return "://" not in url and _SCP.fullmatch(url) is None


def require_remote(address: str) -> None:
    """UsageError unless it can be the address of a repository elsewhere, and is no option of git."""
    if is_path(address) or not address.isprintable() or address.startswith("-"):
        raise UsageError(f"{address!r} is no address of a repository", hint="such as https://github.com/acme/shop.git")


def address_of(url: str, base: Path) -> str:
    """The recorded form of an address: without credentials; a local path is absolute and without links."""
    if "://" in url:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        user = f"{parts.username}@" if parts.scheme == "ssh" and parts.username else ""
        return parts._replace(netloc=user + host, query="", fragment="").geturl().rstrip("/")
    if _SCP.fullmatch(url) and not (base / url).exists():
        return url.rstrip("/")
    path = (base / Path(url).expanduser()).resolve()
    return str(path.parent if path.name == ".git" else path)


def identity(address: str) -> str:
    """Equal for addresses of the same repository, by any protocol: host and path, without `.git`."""
    if "://" in address:
        parts = urlsplit(address)
        if parts.scheme == "file" and parts.netloc in ("", "localhost"):
            return identity(unquote(parts.path).removesuffix("/.git").rstrip("/"))
        try:
            port = parts.port
        except ValueError:
            port = -1
        where = parts.hostname or ""
        where += f":{port}" if port and port != PORTS.get(parts.scheme) else ""
        path, user = parts.path, parts.username if parts.scheme == "ssh" and parts.path.startswith("/~") else None
        scheme = "file:" if parts.scheme == "file" else ""  # a path on another machine
    elif found := _SCP.fullmatch(address):
        where, path, scheme = found["host"].lower().strip("[]"), found["path"], ""
        user = None if path.startswith("/") else found["user"]  # relative to that user's home
    else:
        return f"path:{_real(address)}"
    path = path.strip("/").removesuffix(".git")
    return f"{scheme}{f'{user}@' if user and user != 'git' else ''}{where}/{path}"


def _real(path: str) -> str:
    """Without links, and completed like git does: SHOP means SHOP.git if SHOP is missing."""
    found = os.path.realpath(path)
    return f"{found}.git" if not os.path.exists(found) and os.path.exists(f"{found}.git") else found


def addresses(clone: Repository) -> dict[str, str]:
    """A clone's URLs by recorded address: each remote's, `origin` first, and finally the clone itself."""
    found: dict[str, str] = {}
    for _, url in sorted(remotes(clone), key=lambda remote: remote[0] != "origin"):
        found.setdefault(address_of(url, clone.path), address_of(url, clone.path) if is_path(url) else url)
    itself = own_address(clone)
    return found if itself in found else {**found, itself: itself}


def remotes(clone: Repository) -> list[tuple[str, str]]:
    """Names and URLs of a clone's remotes; one with several URLs comes several times."""
    listed = _asked(str(clone.path), "config", "-z", "--get-regexp", r"^remote\..*\.url$")
    entries = [entry.partition("\n") for entry in listed.split("\0") if entry]
    return [(key.removeprefix("remote.").removesuffix(".url"), url) for key, _, url in entries]


def own_address(clone: Repository) -> str:
    """The path of a repository on this machine, the same in all its work trees."""
    return address_of(str(clone.common), clone.path)


def is_bare(folder: str) -> bool:
    """Whether a repository has no work tree, so that it is pushed to."""
    return _asked(folder, "rev-parse", "--is-bare-repository") == "true"


def _asked(folder: str, *args: str) -> str:
    done = subprocess.run(["git", *settings(), *args], cwd=folder, env=plain(), capture_output=True, check=False)
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def url_for(recorded: str, clone: Repository) -> str | None:
    """The URL by which a clone reaches the recorded repository; None if it is no clone of it. Never by a less secure
    protocol."""
    for address, url in addresses(clone).items():
        if identity(address) == identity(recorded):
            schemes = [SAFE.get(item.partition("://")[0], 0) if "://" in item else 0 for item in (recorded, address)]
            return url if schemes[1] <= schemes[0] else recorded
    return None


def plain() -> dict[str, str]:
    """The environment without variables that git sets for a hook, or that select another repository."""
    keep = {
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_SSH_VARIANT",
        "GIT_ASKPASS",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_SYSTEM",
        "GIT_CONFIG_NOSYSTEM",
    }
    return {name: value for name, value in for_others().items() if not name.startswith("GIT_") or name in keep} | {
        "LC_ALL": "C"
    }
