"""What a content delivery network keeps of an environment, and what must be purged from it when another release serves.

Pure: what two releases differ in decides, see `decide`; `batches` fits that to what a provider can purge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from urllib.parse import quote

from shipway.domain.count import counted
from shipway.domain.tasks import Task
from shipway.domain.value import dataclass

PATH, PREFIX, TAG, ALL = "path", "prefix", "tag", "all"  # kinds of purges
COMMAND = "command"  # the provider whose purges a command of the team makes
CLOCKS = 2.0  # seconds by which clocks, and rounding of ages, may differ
LISTED = 3  # paths that a message names


@dataclass(frozen=True)
class Cdn:
    """The CDN in front of an environment."""

    provider: str
    zone: str | None = None  # its id at the provider: a zone, service, pull zone or distribution
    caches: tuple[str, ...] = ()  # addresses of the servers of a provider that the team runs
    token: str | None = None  # name of a secret
    key: str | None = None  # name of a secret: the id that belongs to the token
    command: Task | None = None  # of the provider `command`
    assets: Mapping[str, str] = field(default_factory=dict)  # service: URL path at which it serves its `assets` folder
    paths: tuple[str, ...] | None = None  # paths, and prefixes that end in *; None: all that the services serve
    tags: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of the secrets that only the provider gets."""
        return tuple(name for name in (self.key, self.token) if name)

    @property
    def reach(self) -> str:
        """Whose caches it purges with which secrets, for display and comparison."""
        words = [self.provider, self.zone or "", *sorted(self.caches)]
        return " ".join([*filter(None, words), *(f"with {name}" for name in self.secrets)])


@dataclass(frozen=True)
class Capabilities:
    """What a provider can purge: by kind, the most items of one request. It can always purge all of a host name or of
    what `zone` names."""

    batch: Mapping[str, int]
    most: int = 10_000  # paths of a purge; beyond, the prefix is purged

    def can(self, kind: str) -> bool:
        """Whether it purges by this kind."""
        return kind in self.batch


@dataclass(frozen=True)
class Served:
    """A routed service of a release, as visitors and caches see it."""

    path: str  # of its route
    origins: tuple[str, ...]  # scheme and host names of its addresses, without wildcards
    wildcard: bool = False  # it has further host names that can't be listed
    files: Mapping[str, str] | None = None  # of its `assets` folder: path below it, and digest; None: unknown


@dataclass(frozen=True)
class Side:
    """One of two releases: its routed services, and a digest of all that decides what they answer, except data."""

    services: Mapping[str, Served]
    digest: str


@dataclass(frozen=True)
class Targets:
    """What to purge: URLs without `*`, URL prefixes, tags, or all of these origins. `why` is for people."""

    paths: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    everything: bool = False
    origins: tuple[str, ...] = ()
    why: str = ""

    def __bool__(self) -> bool:
        return bool(self.paths or self.prefixes or self.tags or self.everything)

    @property
    def text(self) -> str:
        """In a few words."""
        if self.everything:
            return "everything"
        kinds = ((self.paths, "path"), (self.prefixes, "prefix"), (self.tags, "tag"))
        parts = [
            f"{counted(len(items), kind).replace('prefixs', 'prefixes')} ({_named(items)})"
            for items, kind in kinds
            if items
        ]
        return " and ".join(parts) or "nothing"


@dataclass(frozen=True)
class Answered:
    """What a cache, or the origin, answers to a request for a URL."""

    status: int
    age: float | None = None  # seconds for which a cache has kept it; None: not said
    validator: str = ""  # ETag, or else Last-Modified; empty without, or if each answer has another one


@dataclass(frozen=True)
class Batch:
    """One request to a provider. items: URLs of paths, URLs of prefixes, tags; of `all`: origins."""

    kind: str
    items: tuple[str, ...]


def decide(cdn: Cdn, before: Side | None, after: Side, most: int) -> Targets:
    """What caches may keep of one release that another one answers differently; None: of an unknown one.

    Assets are compared file by file. Pages may depend on every service, so that any other difference purges `paths`,
    and without that key all that the services serve.
    """
    origins = tuple(sorted({origin for side in (before, after) if side for origin in _origins(side)}))
    sides = [side for side in (before, after) if side is not None]
    if any(service.wildcard for side in sides for service in side.services.values()):
        return Targets(everything=True, origins=origins, why="host names with a wildcard can't be listed")
    if before is not None and before.digest == after.digest:
        return Targets(why="both releases serve the same")
    paths, prefixes = set[str](), set[str]()
    for name in sorted({name for side in sides for name in side.services}):
        old, new = (side.services.get(name) if side else None for side in (before, after))
        mount = cdn.assets.get(name)
        if mount is not None:
            changed = _changed(old, new)
            found = None if changed is None or len(changed) > most else changed
            both = [item for item in (old, new) if item]
            if found is None:
                prefixes |= _urls(both, [_folder(mount)])
            else:
                paths |= _urls(both, [url for file in found for url in _urls_of(mount, file)])
        if cdn.paths is None and not _only_assets(mount, old, new):
            prefixes |= {url for item in (old, new) if item for url in _urls([item], [item.path])}
    for rule in cdn.paths or ():
        target = prefixes if rule.endswith("*") else paths
        target |= _urls_of_rule(rule, sides)
    whole = {f"{origin}/" for origin in origins}
    if whole and whole <= prefixes:
        return Targets(everything=True, origins=origins, tags=cdn.tags, why="the services of these releases differ")
    kept = {url for url in prefixes if not any(url != other and url.startswith(other) for other in prefixes)}
    folders = tuple(kept)
    left = sorted(url for url in paths if not url.startswith(folders)) if folders else sorted(paths)
    return Targets(tuple(left), tuple(sorted(kept)), cdn.tags, origins=origins, why="what these releases differ in")


def requested(paths: Sequence[str], tags: Sequence[str], side: Side, *, everything: bool) -> Targets:
    """What a person named: paths, and prefixes that end in *."""
    origins = tuple(sorted(_origins(side)))
    exact = {url for path in paths if not path.endswith("*") for url in _urls_of_rule(path, [side])}
    prefixes = {url for path in paths if path.endswith("*") for url in _urls_of_rule(path, [side])}
    wild = any(service.wildcard for service in side.services.values())
    if everything or (wild and paths):
        return Targets(everything=True, origins=origins, why="requested")
    return Targets(tuple(sorted(exact)), tuple(sorted(prefixes)), tuple(tags), origins=origins, why="requested")


def batches(targets: Targets, can: Capabilities) -> list[Batch]:
    """The requests of a purge, always the same ones for the same targets. What the provider can't purge by itself is
    purged with everything of these host names."""
    missing = (targets.prefixes and not can.can(PREFIX)) or (targets.tags and not can.can(TAG))
    missing = missing or (targets.paths and (not can.can(PATH) or len(targets.paths) > can.most))
    if targets.everything or missing:
        return _split(ALL, targets.origins, can.batch.get(ALL, 1))
    found: list[Batch] = []
    for kind, items in ((PREFIX, targets.prefixes), (TAG, targets.tags), (PATH, targets.paths)):
        found += _split(kind, items, can.batch.get(kind, 1))
    return found


def sample(targets: Targets, count: int) -> list[str]:
    """URLs to ask for after a purge: spread over all of them."""
    whole = tuple(f"{origin}/" for origin in targets.origins) if targets.everything else ()
    urls = [*targets.prefixes, *whole, *targets.paths]
    step = max(1, -(-len(urls) // count)) if count else 1
    return urls[::step][:count]


def _split(kind: str, items: Sequence[str], size: int) -> list[Batch]:
    return [Batch(kind, tuple(items[start : start + size])) for start in range(0, len(items), size)]


def _origins(side: Side) -> set[str]:
    return {origin for service in side.services.values() for origin in service.origins}


def _changed(old: Served | None, new: Served | None) -> list[str] | None:
    """Files that one of them lacks (its 404 may be in a cache), or that differ; None: unknown."""
    if old is None or new is None or old.files is None or new.files is None:
        return None
    if (old.origins, old.path) != (new.origins, new.path):
        return None
    before, after = old.files, new.files
    return sorted(name for name in {**before, **after} if before.get(name) != after.get(name))


def _only_assets(mount: str | None, old: Served | None, new: Served | None) -> bool:
    """Whether all that a service serves are its assets, which are known in both releases."""
    known = old is not None and new is not None and _changed(old, new) is not None
    return known and mount is not None and new is not None and _folder(mount) == _folder(new.path)


def _folder(path: str) -> str:
    return f"{path.rstrip('/')}/"


def _urls_of(mount: str, file: str) -> list[str]:
    """The URL paths of a file, with those that servers of static files accept for pages."""
    path = _folder(mount) + quote(file)
    folder = path.removesuffix("index.html") if path.endswith("/index.html") else ""
    return [path, *([folder] if folder else [path.removesuffix(".html")] if path.endswith(".html") else [])]


def _urls_of_rule(rule: str, sides: Sequence[Side]) -> set[str]:
    """The URLs of a path or a prefix at the host names of the services that serve it."""
    found = set[str]()
    for side in sides:
        for service in side.services.values():
            prefix = _folder(service.path)
            path = rule.removesuffix("*")
            if path.startswith(prefix) or path == service.path or (rule.endswith("*") and prefix.startswith(path)):
                found |= _urls([service], [path])
    return found


def _urls(services: Sequence[Served], paths: Sequence[str]) -> set[str]:
    return {origin + path for service in services for origin in service.origins for path in paths}


def _named(items: Sequence[str]) -> str:
    more = f" and {len(items) - LISTED} more" if len(items) > LISTED else ""
    return ", ".join(items[:LISTED]) + more


def is_stale(cached: Answered, origin: Answered | None, since: float) -> str:
    """Why an answer of a cache, `since` seconds after the purge, is an older copy; empty if nothing shows that."""
    if cached.age is not None and cached.age > since + CLOCKS:
        return f"it is {cached.age:.0f} s old, and was purged {since:.0f} s ago"
    if origin is None or origin.status != cached.status:
        return ""  # a cache in front may deny, redirect or limit by itself
    if origin.validator and cached.validator and _plain(origin.validator) != _plain(cached.validator):
        return f"it has the validator {cached.validator}, and the origin {origin.validator}"
    return ""


def _plain(validator: str) -> str:
    """Without what a cache adds when it compresses."""
    return validator.removeprefix("W/").strip('"').removesuffix("-gzip").removesuffix("-br")
