"""Images of the working tree: built where something of them changed, and never pushed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from shipway.context import Context
from shipway.domain import names
from shipway.domain.build import BuildSource
from shipway.domain.development import counts, sources
from shipway.domain.errors import StepFailed
from shipway.domain.plan import Plan
from shipway.domain.release import digest_of
from shipway.ports import OnLine
from shipway.steps.build import build_key, native
from shipway.steps.image import build_as
from shipway.steps.run import PROTECTED, Run
from shipway.system.git import Repository
from shipway.system.git.working_tree import snapshot
from shipway.system.patterns import matches

KEPT = 5  # newest images of a service that stay for other branches and checkouts


def tree_of(ctx: Context, repository: Repository, plan: Plan) -> Run:
    """The working tree as it is now, in the form that builds and steps take."""
    commit = snapshot(repository, ctx.home / "index")
    folder = ctx.home / "work"
    folder.mkdir(exist_ok=True)
    return Run(
        ctx, repository, commit, plan, 0, folder, ctx.registry(plan), "working-tree", level=PROTECTED, counts=False,
        step_images=names.development_step_images(plan.app),
    )  # fmt: skip


def image_of(run: Run, service: str, on_line: OnLine) -> str:
    """The image of a service, built or pulled if it is missing. StepFailed if the build fails."""
    chosen = run.plan.services[service]
    if chosen.build is None:
        assert chosen.image is not None
        run.ctx.images.pull(chosen.image, on_line)
        return chosen.image
    source = native(chosen.build)
    tag = f"{names.development_images(run.plan.app, service)}:{_key(run, service, source)[7:39]}"
    if run.ctx.images.inspect(tag) is None:
        _require_folder(run, source)
        build_as(run, source, tag, on_line, lambda base: image_of(run, base, on_line))
        drop_old(run.ctx, names.development_images(run.plan.app, service), KEPT, spare=tag)
    return tag


def _key(run: Run, service: str, source: BuildSource) -> str:
    """Digest over all that the image depends on, without what its container has from the working tree in its place."""
    known = build_key(run, replace(source, images={}))
    files = run.repository.tree_hashes(run.commit.revision, list(sources(run.plan, service)))
    own = {path: kind for path, kind in files.items() if run.sees(path) and counts(run.plan, service, path, matches)}
    bases = {
        name: _key(run, other, native(base)) for name, other in source.images.items() if (base := _build(run, other))
    }
    return digest_of({**known, "tree": own, "contexts": sorted(source.contexts.items()), "services": bases})


def _build(run: Run, service: str) -> BuildSource | None:
    found = run.plan.services.get(service)
    return found.build if found else None


def _require_folder(run: Run, source: BuildSource) -> None:
    folder = run.repository.path / source.folder
    if not (folder / source.dockerfile).is_file():
        raise StepFailed(f"there is no {source.dockerfile} in {source.folder}", hint="write one, or: shipway init")


def drop_old(ctx: Context, repository: str, kept: int, *, spare: str = "") -> None:
    """Remove all names of a repository but those of the newest images, of those that containers use, and `spare`: an image
    that was built from a cache has the age of that."""
    found = [
        (item.created, name)
        for item in ctx.images.list()
        for name in item.names
        if name.startswith(f"{repository}:") and name != spare
    ]
    for _, name in sorted(found, reverse=True)[kept:]:
        ctx.images.remove(name)


def inside(root: Path, folder: str) -> bool:
    """Whether a folder of the checkout is really in it, and no link leads elsewhere."""
    return (root / folder.strip("/")).resolve().is_relative_to(root.resolve())
