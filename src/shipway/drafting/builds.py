"""The Dockerfiles of a repository: which of them are deployed, what they build, and from which folder."""

from __future__ import annotations

import posixpath
import re
from functools import cache, cached_property

from shipway.domain.value import dataclass
from shipway.drafting import dockerfile
from shipway.drafting.draft import ServiceDraft, plan_name
from shipway.drafting.tree import Tree, above, join

MOST = 100  # more services than that are in no single plan
_NAME = re.compile(r"(?:(?P<before>[\w.-]+)\.)?(?:Docker|Container)file(?:[._-](?P<after>[\w.-]+))?", re.IGNORECASE)
_DEVELOPMENT = {
    "dev", "devel", "develop", "development", "test", "tests", "testing", "ci", "local", "debug", "lint", "e2e", "example", "base", "builder",
    "docs", "bench",
}  # fmt: skip
_PRODUCTION = {"prod", "production", "release", "deploy", "live"}
_VARIANTS = {
    "alpine", "debian", "ubuntu", "slim", "bookworm", "bullseye", "arm", "arm64", "amd64", "armv7", "gpu", "cuda", "cpu", "windows", "nightly",
    "distroless", "scratch",
}  # fmt: skip
_OTHER_FOLDERS = {
    ".devcontainer", ".github", ".circleci", "test", "tests", "spec", "e2e", "example", "examples", "docs", "doc", "fixtures", "testdata",
    "benchmark", "benchmarks", "bench", "hack", "playground", "templates", "samples", "demo", "rpm", "deb", "snap", "flatpak",
}  # fmt: skip
# Folders that hold Dockerfiles of something else, and whose name says nothing about what is built.
_HOLDERS = {
    "docker", ".docker", "dockerfiles", "deploy", "deployment", "deployments", "build", "builds", "package", "packaging", "container",
    "containers", "infra", "infrastructure", "ops", "images", "image", "prod", "production", "config", ".config", "scripts", "etc",
}  # fmt: skip
_SOURCE = re.compile(
    r"\.(py|[cm]?[jt]sx?|rb|php|go|java|kt|cs|rs|ex|html|vue)$|^(package\.json|go\.mod|Gemfile|pom\.xml|requirements\S*\.txt|pyproject\.toml|composer\.json)$"
)
_LOCKS = (
    "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb",
)  # fmt: skip
# A command in a Dockerfile, and a file that its folder must have for it (one of them).
_NEEDED = (
    (r"\bnpm ci\b|--frozen-lockfile|--immutable", _LOCKS),
    (r"\b(npm|pnpm|yarn|bun) (ci|i|install|run|build)\b", ("package.json",)),
    (r"\bpoetry install\b", ("pyproject.toml",)),
    (r"\buv sync\b", ("pyproject.toml",)),
    (r"\bgo (build|mod|install) ", ("go.mod",)),
    (r"\bbundle install\b", ("Gemfile",)),
    (r"\bcomposer install\b", ("composer.json",)),
    (r"\bmvn\b", ("pom.xml",)),
    (r"\bcargo build\b", ("Cargo.toml",)),
)


@dataclass(frozen=True)
class Build:
    """One Dockerfile, built from `context`. role: what its own name says; empty for none. home: the folder of what is
    built, as far as the file's place says: `admin` for admin/deploy/Dockerfile."""

    path: str
    context: str
    role: str
    facts: dockerfile.Facts
    home: str = "."

    @property
    def folder(self) -> str:
        """The folder of the file."""
        return posixpath.dirname(self.path) or "."

    @cached_property
    def dockerfile(self) -> str:
        """The file's path, relative to the context."""
        return posixpath.relpath(self.path, self.context)

    def service(self, name: str) -> ServiceDraft:
        """A service of this build."""
        draft = ServiceDraft(name, why=[])
        self.give(draft)
        return draft

    def give(self, draft: ServiceDraft) -> None:
        """Let a service be built by this file."""
        draft.folder, draft.dockerfile = self.context, self.dockerfile
        beside = self.context == self.folder
        draft.why.append(self.path + ("" if beside else f", built from {_shown(self.context)}"))


@cache
def _role(name: str) -> tuple[str, ...] | None:
    """The parts of a Dockerfile's name beside `Dockerfile`; None for another file."""
    match = _NAME.fullmatch(name)
    if not match or name.endswith((".dockerignore", ".md", ".j2", ".tmpl", ".template", ".erb")):
        return None
    parts = re.split(r"[._-]", f"{match['before'] or ''}.{match['after'] or ''}".lower())
    return tuple(part for part in parts if part)


def find(tree: Tree) -> tuple[list[Build], list[str]]:
    """The builds for production, by path, and notes about the other Dockerfiles."""
    notes: list[str] = []
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for path in tree.files:
        folder, name = posixpath.split(path)
        role = _role(name) if "ockerfile" in name or "ontainerfile" in name else None
        if role is None or not re.search(r"^\s*FROM\s", tree.text(path), re.MULTILINE | re.IGNORECASE):
            continue
        parts = {*folder.split("/")}
        packaging = "debian" in parts and "docker" not in parts
        if _DEVELOPMENT & {*role} or _OTHER_FOLDERS & parts or packaging:
            notes.append(f"{path}: not used: its name or its folder says that it is not for production")
        else:
            found.setdefault(folder, []).append((path, role))
    chosen = [item for listed in found.values() for item in _deployed(listed, notes)]
    if len(chosen) > MOST:
        notes.append(f"only the first {MOST} of {len(chosen)} Dockerfiles were read")
    builds = [_build(tree, path, role) for path, role in chosen[:MOST]]
    own = [item for item in builds if _builds_source(tree, item)]
    if own and len(own) < len(builds):
        notes += [
            f"{item.path}: not used: it copies no source of this repository" for item in builds if item not in own
        ]
        return own, notes
    return builds, notes


def _builds_source(tree: Tree, item: Build) -> bool:
    """Whether a build has source of the repository in it, and isn't an image of something else with settings."""
    for copy in item.facts.copies:
        source = join(item.context, copy.source.lstrip("/"))
        if "*" in source or not tree.has(source):
            return True
        if any(_SOURCE.search(posixpath.basename(path)) for path in tree.below(source)) or _SOURCE.search(
            posixpath.basename(source)
        ):
            return True
    return not item.facts.copies and _has_source(tree, item.folder)


def _deployed(found: list[tuple[str, tuple[str, ...]]], notes: list[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Of the files in one folder, one for each role: the one that is named for production before the others."""
    chosen: dict[str, tuple[str, tuple[str, ...]]] = {}
    for path, role in sorted(
        found, key=lambda item: (not _PRODUCTION & {*item[1]}, bool(_VARIANTS & {*item[1]}), item[0])
    ):
        own = tuple(part for part in role if part not in _PRODUCTION | _VARIANTS)
        key = "-".join(own)
        if key in chosen:
            notes.append(f"{path}: not used, since {chosen[key][0]} is there")
        else:
            chosen[key] = (path, own)
    return sorted(chosen.values())


def _build(tree: Tree, path: str, role: tuple[str, ...]) -> Build:
    return build(tree, path, dockerfile.facts(tree.text(path)), role="-".join(role))


def build(tree: Tree, path: str, known: dockerfile.Facts, *, role: str = "", context_: str | None = None) -> Build:
    """The build of one Dockerfile. context_: its folder, if something names it."""
    home = next((name for name in above(posixpath.dirname(path)) if _has_source(tree, name)), ".")
    return Build(path, context_ or context(tree, path, known), role, known, home)


def _has_source(tree: Tree, folder: str) -> bool:
    """Whether a folder is a project's own, not one with files for images."""
    if posixpath.basename(folder) in _HOLDERS:
        return False
    return (
        not _HOLDERS & {*folder.split("/")}
        or any(_SOURCE.search(name) for name in tree.names(folder))
        or tree.has(join(folder, "src"))
    )


def context(tree: Tree, path: str, known: dockerfile.Facts) -> str:
    """The folder that a Dockerfile is built from: the nearest one above it that has all that the file copies."""
    folder = posixpath.dirname(path) or "."
    needed = _needed(known)
    candidates = list(above(folder))
    scores = []
    for candidate in candidates:
        hits = [any(tree.matches(join(candidate, name)) for name in names) for names in needed]
        alone = candidate != "." and posixpath.basename(candidate) in _HOLDERS and not needed
        scores.append(-1 if alone else sum(hits))
    return candidates[scores.index(max(scores))]


def _needed(known: dockerfile.Facts) -> list[tuple[str, ...]]:
    """What the folder must have: alternatives for each need."""
    copied = [copy.source.lstrip("/") for copy in known.copies]
    found: list[tuple[str, ...]] = [(name,) for name in dict.fromkeys(copied) if name not in ("", ".", "./", "*")]
    if len(found) == len(copied):
        return found
    # It copies the whole folder: then what its commands read must be there.
    for pattern, names in _NEEDED:
        if re.search(pattern, known.text):
            found.append(names)
    found += [(match[1],) for match in re.finditer(r"-r ([\w./-]+\.txt)\b", known.text)]
    found += [(match[1],) for match in re.finditer(r"\bcd ([\w-][\w./-]*)", known.text)]
    found += [(match[1],) for match in re.finditer(r"\bpython3? ([\w-][\w./-]*\.py)\b", known.command or "")]
    return found


def names(found: list[Build], app: str) -> list[str]:
    """A name for the service of each build: the app's for a single one, else by its role or its folder."""
    if len(found) == 1:
        return [app]
    chosen: list[str] = []
    for item in found:
        base = item.role or (posixpath.basename(item.home) if item.home != "." else app)
        options = [base, f"{posixpath.basename(item.home)}-{base}", item.path.replace("/", "-")]
        options += [f"{base}-{number}" for number in range(2, 100)]
        chosen.append(next(name for name in (plan_name(option, "service") for option in options) if name not in chosen))
    return chosen


def _shown(folder: str) -> str:
    return "the root" if folder == "." else folder
