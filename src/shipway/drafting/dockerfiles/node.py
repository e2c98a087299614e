"""Images of JavaScript applications: the package manager that the lock file names, and its stages."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shipway.domain.value import dataclass
from shipway.drafting.dockerfiles import versions
from shipway.drafting.dockerfiles.recipe import Unclear, cached, stage, todo
from shipway.drafting.dockerfiles.sources import SAFE, Sources, get, mapping

_PRISMA = "Prisma generates its client into node_modules: copy its schema here, and run `prisma generate` below"
IGNORED = (
    "**/node_modules",
    "**/.turbo",
    "**/coverage",
    "**/npm-debug.log*",
    "**/playwright-report",
    "**/test-results",
)


@dataclass(frozen=True)
class Manager:
    """A package manager. tool: lines that install itself. files: copied before the packages are installed. note: a comment."""

    name: str
    fact: str
    install: str
    production: str
    cache: str
    files: tuple[str, ...]
    tool: tuple[str, ...] = ()
    note: str = ""

    def run(self, script: str) -> str:
        return f"{self.name} run {script}"

    def execute(self, program: str) -> str:
        return {"npm": "npx", "bun": "bunx"}.get(self.name, f"{self.name} exec") + f" {program}"


def needs(sources: Sources) -> Mapping[str, str]:
    """Name and range of all packages, those for development too."""
    found: dict[str, str] = {}
    for key in ("devDependencies", "dependencies"):
        found |= {name: str(value) for name, value in mapping(sources.package.get(key)).items()}
    return found


def script(sources: Sources, name: str) -> str:
    value = get(sources.package, "scripts", name)
    return value.strip() if isinstance(value, str) else ""


def manager(sources: Sources) -> Manager:
    """Unclear for a member of a workspace, whose lock file lies in the root."""
    own = tuple(name for name in ("package.json", ".npmrc") if sources.has(name) and not _has_token(sources, name))
    for lock, build in _BY_LOCK.items():
        if sources.has(lock):
            return build(sources, lock, (*own, lock))
    root = Sources(sources.root)
    if sources.folder != "." and (root.has("pnpm-workspace.yaml") or root.package.get("workspaces")):
        raise Unclear(
            "it belongs to the workspace in the root, whose lock file it needs: write a Dockerfile that is built from the root"
        )
    install = "npm install --no-package-lock"
    lacking = todo("without a lock file, each build may get other versions: commit package-lock.json (`npm install`)")
    return Manager(
        "npm",
        "Packages: package.json, without a lock file",
        install,
        f"{install} --omit=dev",
        "/root/.npm",
        own,
        note=lacking,
    )


def _has_token(sources: Sources, name: str) -> bool:
    """A literal credential must not get into a layer."""
    return (
        name == ".npmrc" and re.search(r"_(?:auth|authToken|password)\s*=\s*(?!\$\{)\S", sources.text(name)) is not None
    )


def _npm(sources: Sources, lock: str, files: tuple[str, ...]) -> Manager:
    return Manager("npm", f"Packages: {lock}", "npm ci", "npm ci --omit=dev", "/root/.npm", files)


def _pnpm(sources: Sources, lock: str, files: tuple[str, ...]) -> Manager:
    format_ = re.search(r"^lockfileVersion:\s*['\"]?(\d+)", sources.text(lock), re.M)
    usual = {"5": "7", "6": "8"}.get(format_[1] if format_ else "", "10")
    files = (*files, *(name for name in ("pnpm-workspace.yaml",) if sources.has(name)))
    install = "pnpm install --frozen-lockfile --store-dir /pnpm"
    return Manager(
        "pnpm",
        f"Packages: {lock}",
        install,
        f"{install} --prod",
        "/pnpm",
        files,
        (_tool(sources, "pnpm", "pnpm", usual),),
    )


def _yarn(sources: Sources, lock: str, files: tuple[str, ...]) -> Manager:
    if "__metadata:" not in sources.text(lock):
        install = "yarn install --frozen-lockfile"
        tool = _tool(sources, "yarn", "yarn", "1.22.22")
        return Manager(
            "yarn",
            f"Packages: {lock}",
            install,
            f"{install} --production",
            "/usr/local/share/.cache/yarn",
            files,
            (tool,),
        )
    files = (*files, *(name for name in (".yarnrc.yml", ".yarn/releases", ".yarn/plugins") if sources.has(name)))
    tool = _tool(sources, "yarn", "@yarnpkg/cli-dist", "4")
    environment = "ENV YARN_NODE_LINKER=node-modules YARN_ENABLE_GLOBAL_CACHE=true YARN_GLOBAL_FOLDER=/yarn YARN_ENABLE_TELEMETRY=0"
    return Manager(
        "yarn", f"Packages: {lock}", "yarn install --immutable", "yarn workspaces focus --production", "/yarn", files, (tool, environment)
    )  # fmt: skip


def _bun(sources: Sources, lock: str, files: tuple[str, ...]) -> Manager:
    install = "bun install --frozen-lockfile"
    return Manager(
        "bun", f"Packages: {lock}", install, f"{install} --production", "/root/.bun/install/cache", files, (_tool(sources, "bun", "bun", "1"),)
    )  # fmt: skip


_BY_LOCK = {
    "package-lock.json": _npm, "npm-shrinkwrap.json": _npm, "pnpm-lock.yaml": _pnpm, "yarn.lock": _yarn,
    "bun.lock": _bun, "bun.lockb": _bun,
}  # fmt: skip


def _tool(sources: Sources, name: str, package: str, usual: str) -> str:
    """Install the manager itself, in the version that package.json names."""
    named = re.match(rf"{name}@(\d+\.\d+\.\d+)", str(sources.package.get("packageManager") or ""))
    # Node's image has a Yarn of its own, which npm replaces only by force.
    force = " --force" if name == "yarn" else ""
    return f"RUN npm install --global{force} {package}@{named[1] if named else usual}"


def base(sources: Sources, chosen: Manager, *lines: str) -> tuple[str, str]:
    """The fact about Node's version, and the first stage."""
    version = versions.node(sources)
    return f"Node {version.text}: {version.source}", stage(
        f"FROM node:{version.text}-bookworm-slim AS base", lines, chosen.tool, "WORKDIR /app"
    )


def dependencies(sources: Sources, chosen: Manager) -> str:
    """All packages, for the build."""
    return _installed("dependencies", chosen.install, sources, chosen)


def production(sources: Sources, chosen: Manager) -> str:
    """Only the packages that run."""
    return _installed("production-dependencies", chosen.production, sources, chosen)


def _installed(name: str, install: str, sources: Sources, chosen: Manager) -> str:
    return stage(
        "# Installed again only if the files that name the packages change.",
        f"FROM base AS {name}",
        copies(chosen),
        _token(sources),
        chosen.note,
        todo(_PRISMA) if "@prisma/client" in needs(sources) else "",
        cached(chosen.cache, install),
    )


def _token(sources: Sources) -> str:
    if not _has_token(sources, ".npmrc"):
        return ""
    return todo(
        ".npmrc is not copied, since it has a token: read the token from a variable there, or mount the file as a secret"
    )


def copies(chosen: Manager) -> list[str]:
    """Folders keep their names, files are copied together."""
    folders = [name for name in chosen.files if name.startswith(".yarn/")]
    files = " ".join(name for name in chosen.files if name not in folders)
    return [f"COPY {files} ./", *(f"COPY {name} ./{name}" for name in folders)]


def public_variables(sources: Sources, prefixes: tuple[str, ...]) -> list[str]:
    """Lines for variables that the build writes into the pages."""
    pattern = re.compile(rf"\b(?:{'|'.join(prefixes)})[A-Z0-9_]+\b")
    files = (".env.example", ".env.sample", ".env.template", ".env", ".env.production")
    texts = [sources.text(name) for name in files] + [
        text for _, text in sources.tree(".ts", ".tsx", ".js", ".jsx", ".vue", ".svelte", ".astro")
    ]
    names = sorted({match[0] for text in texts for match in pattern.finditer(text)})
    if not names:
        return []
    return [
        "# The build writes these into the pages: set them as `args` of the plan's build.",
        *(f"ARG {name}" for name in names[:30]),
    ]


def public_files(sources: Sources, prefixes: tuple[str, ...]) -> tuple[str, ...]:
    """Exceptions of the .dockerignore: files whose variables all end up in the pages anyway."""
    found = []
    for name in (".env", ".env.production"):
        names = re.findall(r"^\s*(?:export\s+)?(\w+)\s*=", sources.text(name), re.M)
        if names and all(item.startswith(prefixes) for item in names):
            found.append(f"!{name}")
    return tuple(found)


def safe(text: str) -> bool:
    return SAFE.fullmatch(text) is not None
