"""What a build gets beside the files of its folder: secrets, arguments, other folders, images that it is built on."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from shipway.domain import names
from shipway.domain.build import REVISION, VERSION, BuildExtras, BuildSource
from shipway.domain.errors import SecretError, StepFailed, UsageError
from shipway.steps.run import PROTECTED, Run
from shipway.system.inside import leads_inside

LISTED = "SHIPWAY_BUILD_VARIABLES"  # names of variables of Shipway's process that builds may read, separated by commas
CACHE = "cache"  # tag of an image whose layers later builds read

OUTSIDE = "commits from outside of the repository get none"
PUSH_IT = "read the change, and push it to a branch of the repository"


def build_key(run: Run, source: BuildSource, based_on: Mapping[str, str] | None = None) -> dict[str, object]:
    """Everything that the image depends on. based_on: images of services that earlier steps built; others count by what
    they are built from.

    Of secrets, the names: as for BuildKit, which reuses layers whatever the values are. Where layers are cached changes
    nothing of the image.
    """
    images = based_on or {}
    more = {
        "variables": {name: _variable(run, variable) for name, variable in source.variables.items()},
        "images": {
            name: images.get(service) or build_key(run, base_of(run, service), based_on)
            for name, service in source.images.items()
        },
        "bases": {name: build_key(run, source.base(name), based_on) for name in source.bases},
        "contexts": {name: [folder, run.tree_of(folder)] for name, folder in source.contexts.items()},
        "secrets": sorted(source.secrets),
        "ssh": dict(source.ssh),
        "platforms": list(source.platforms),
    }
    return {
        "tree": run.tree_of(source.folder), "folder": source.folder, "dockerfile": source.dockerfile,
        "target": source.target, "args": dict(source.args), **{key: value for key, value in more.items() if value},
    }  # fmt: skip


def native(source: BuildSource) -> BuildSource:
    """The source of a step's image: a step runs on this machine, whatever platforms the service's image is for."""
    return replace(source, platforms=()) if len(source.platforms) > 1 else source


def base_of(run: Run, service: str) -> BuildSource:
    """What a service is built from. StepFailed if it has no build."""
    found = run.plan.services.get(service)
    if found is None or found.build is None:
        raise StepFailed(f"an image is built on service {service}, which has no build")
    return found.build


def arguments(
    run: Run, source: BuildSource, reference: Callable[[str], str], base: Callable[[BuildSource], str]
) -> dict[str, str]:
    """The values of all build arguments. reference: the image of a service; base: of a source; both then are on this
    engine."""
    variables = {name: _variable(run, variable) for name, variable in source.variables.items()}
    images = {name: reference(service) for name, service in source.images.items()}
    bases = {name: base(source.base(name)) for name in source.bases}
    return {**source.args, **variables, **images, **bases}


def _variable(run: Run, name: str) -> str:
    own = {REVISION: run.commit.revision, VERSION: run.version}
    if name in own:
        return own[name]
    if run.outside:
        raise UsageError(f"a build argument reads the variable {name} of Shipway's process; {OUTSIDE}", hint=PUSH_IT)
    listed = [item.strip() for item in os.environ.get(LISTED, "").split(",") if item.strip()]
    if name not in listed:
        raise UsageError(
            f"a build argument reads the variable {name} of Shipway's process, which its operator did not list",
            hint=f"whoever operates this machine sets {LISTED}={','.join([*listed, name])} for Shipway's processes; "
            f"every branch can read the listed variables",
        )
    if name not in os.environ:
        raise UsageError(f"the variable {name}, which a build argument reads, is not set", hint=f"export {name}=VALUE")
    return os.environ[name]


@contextmanager
def extras_of(run: Run, source: BuildSource, repository: str) -> Iterator[BuildExtras]:
    """All of it, while the build runs. repository: where its layers are stored if the plan wants that. SecretError if it
    may not have a secret, or one is not set."""
    values = {name: _secret(run, name) for name in source.granted}
    with TemporaryDirectory(dir=run.folder) as folder:
        contexts = {name: _exported(run, path, Path(folder) / name) for name, path in source.contexts.items()}
        stored = source.cache and bool(repository) and run.plan.registry is not None and not run.outside
        levels = dict.fromkeys([run.level, PROTECTED]) if run.caches else ()
        yield BuildExtras(
            secrets={name: values[name] for name in source.secrets},
            ssh={name: values[secret] for name, secret in source.ssh.items()},
            contexts=contexts,
            platforms=source.platforms,
            cache_from=tuple(f"{repository}:{cache_tag(level)}" for level in levels) if stored else (),
            cache_to=f"{repository}:{cache_tag(run.level)}" if stored else "",
            fresh=not run.caches,
            local=bool(source.bases or (source.images and len(source.platforms) < 2)),
        )


def cache_tag(level: str) -> str:
    """Tag of the layers that runs of this level stored."""
    return CACHE if level == PROTECTED else f"{CACHE}-{level}"


def _exported(run: Run, path: str, target: Path) -> Path:
    target.mkdir()
    target.chmod(0o755)  # whatever the umask: part of a build
    folder = "" if path == "." else path.strip("/")
    run.repository.export(run.commit.revision, target, folder=folder or None)
    keep_seen(run, target, folder)
    if not leads_inside(target, ".dockerignore"):
        raise StepFailed(
            f".dockerignore in {path} is a link that points outside of the folder", hint="commit the file itself"
        )
    return target


def _secret(run: Run, name: str) -> str:
    """The value that builds of this run get."""
    if run.outside:
        raise SecretError(f"this build needs the secret {name}; {OUTSIDE}", hint=PUSH_IT)
    secrets, app = run.ctx.secrets, run.plan.app
    own = secrets.get(names.scope(app, names.BUILDS), name) if run.granted else None
    value = own if own is not None else secrets.get(names.scope(app, names.ANY_BRANCH), name)
    if value is not None:
        return value
    if name in secrets.names(names.scope(app, names.BUILDS)):
        raise SecretError(
            f"this build needs the secret {name}, which only builds of the protected branch, and of commits that the "
            f"rules in force deploy, get",
            hint=f"to let every branch read it: shipway secret set {names.BUILDS} {name} --any-branch",
        )
    raise SecretError(f"the secret {name} of builds is not set", hint=f"shipway secret set {names.BUILDS} {name}")


def keep_seen(run: Run, context: Path, folder: str) -> None:
    """Remove the files of an exported folder of the repository that the run doesn't see."""
    if not run.selects(folder):
        return
    for above, folders, files in os.walk(context):
        for path in (Path(above, name) for name in (*folders, *files)):
            if path.is_dir() and not path.is_symlink():
                continue
            if not run.sees(posixpath.join(folder, path.relative_to(context).as_posix())):
                path.unlink()
