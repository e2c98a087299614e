"""The files of the repository that a release depends on: the others are not there when it is built."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from shipway.domain.build import BaseSource
from shipway.domain.plan import BuildSource, Plan
from shipway.domain.release import digest_of
from shipway.domain.secret_source import FILES

# They decide how files are written in an export of the commit.
ATTRIBUTES = (".gitattributes", "**/.gitattributes", ".gitmodules")


def folder_of(plan: Plan) -> str:
    """The folder of the plan file in the repository; '' is the root."""
    return plan.file.rpartition("/")[0]


def inputs_of(plan: Plan) -> tuple[str, ...]:
    """Paths and globs from the repository's root; empty: the whole repository.

    A plan with `inputs` has these, the folders that it builds below its own, the Dockerfiles of other folders, the
    inputs of its steps, the files that it names, and itself: nothing else is built or seen by a step, so that a release
    depends on nothing else.
    """
    if not plan.inputs:
        return ()
    images = [step.image for step in plan.pipeline.values()] + [check.image for check in plan.checks.values()]
    builds = [service.build for service in plan.services.values()] + [image.build for image in images if image]
    named = [
        *plan.inputs,
        *(path for build in builds if build for path in _of_build(plan, build)),
        *(path for step in plan.pipeline.values() for path in step.inputs),
        *(path for service in plan.services.values() for path in service.files.values()),
        *secret_files_of(plan),
    ]
    if any(path.strip("/") in ("", ".") for path in named):
        return ()
    return tuple(sorted({plan.file, *named, *ATTRIBUTES}))


def secret_files_of(plan: Plan) -> list[str]:
    """The encrypted files that environments have secrets from."""
    sources = [item for environment in plan.environments.values() for item in environment.secrets_from]
    return [item.place for item in sources if item.kind in FILES]


def _of_build(plan: Plan, build: BuildSource) -> list[str]:
    """What the image and those that it is built on depend on."""
    sources = (build, *build.bases.values())
    return [path for source in sources for path in (*_of_source(plan, source), *source.contexts.values())]


def _of_source(plan: Plan, build: BaseSource) -> list[str]:
    """The folder; of one that isn't below the plan's own, such as the root of a monorepo, the files that say how it is
    built: what else is in its context is named by `inputs`."""
    own = folder_of(plan)
    if not own or f"{build.folder}/".startswith(f"{own}/"):
        return [build.folder]
    recipe = posixpath.normpath(posixpath.join(build.folder, build.dockerfile))
    return [recipe, f"{recipe}.*ignore", posixpath.normpath(posixpath.join(build.folder, ".*ignore"))]


def inputs_tree(files: Mapping[str, str]) -> str:
    """What a release with inputs has in place of the hash of its commit's tree. files: mode and hash by path."""
    return f"inputs-{digest_of(files).removeprefix('sha256:')}"
