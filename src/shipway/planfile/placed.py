"""Turn a plan's paths, which are relative to its own folder, into paths from the root of the repository."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TypeVar

from shipway.domain.build import BaseSource
from shipway.domain.develop import Develop
from shipway.domain.plan import BuildSource, Plan, StepImage
from shipway.domain.provisioned import Infra
from shipway.domain.secret_source import FILES, SecretSource
from shipway.planfile.report import Path, Report

Source = TypeVar("Source", bound=BaseSource)


def placed(plan: Plan, file: str, report: Report) -> Plan:
    """The plan as the file at that path of the repository; paths that lead out of the repository are problems."""
    return _Placing(posixpath.dirname(file), report).plan(replace(plan, file=file))


class _Placing:
    def __init__(self, folder: str, report: Report) -> None:
        self._folder, self._report = folder, report

    def plan(self, plan: Plan) -> Plan:
        """All its paths."""
        services = {
            name: replace(
                item,
                build=self._build(item.build, ("services", name, "build")),
                files={
                    path: self._path(source, ("services", name, "files", path)) for path, source in item.files.items()
                },
                develop=self._develop(item.develop, ("services", name, "develop")),
            )
            for name, item in plan.services.items()
        }
        pipeline = {
            name: replace(
                item,
                image=self._image(item.image, ("pipeline", name, "image")),
                inputs=self._paths(item.inputs, ("pipeline", name, "inputs")),
            )
            for name, item in plan.pipeline.items()
        }
        checks = {
            name: replace(item, image=self._image(item.image, ("checks", name, "image")) or item.image)
            for name, item in plan.checks.items()
        }
        environments = {
            name: replace(
                item,
                approvals=replace(item.approvals, signers=self._signers(item.approvals.signers, name)),
                secrets_from=tuple(self._secrets(source, name) for source in item.secrets_from),
                infra=self._infra(item.infra, name),
            )
            for name, item in plan.environments.items()
        }
        return replace(
            plan, services=services, pipeline=pipeline, checks=checks, environments=environments,
            inputs=self._paths(plan.inputs, ("inputs",)),
        )  # fmt: skip

    def _build(self, source: BuildSource | None, at: Path) -> BuildSource | None:
        if source is None:
            return None
        bases = {name: self._source(base, (*at, "args", name, "build")) for name, base in source.bases.items()}
        return replace(self._source(source, at), bases=bases)

    def _source(self, source: Source, at: Path) -> Source:
        contexts = {name: self._path(folder, (*at, "contexts", name)) for name, folder in source.contexts.items()}
        return replace(source, folder=self._path(source.folder, (*at, "folder")), contexts=contexts)

    def _develop(self, develop: Develop | None, at: Path) -> Develop | None:
        if develop is None:
            return None
        mount, sync = (
            {self._path(folder, (*at, key, folder)): path for folder, path in laid.items()}
            for key, laid in (("mount", develop.mount), ("sync", develop.sync))
        )
        return replace(develop, mount=mount, sync=sync, watch=self._paths(develop.watch, (*at, "watch")))

    def _image(self, image: StepImage | None, at: Path) -> StepImage | None:
        return image and replace(image, build=self._build(image.build, (*at, "build")))

    def _paths(self, paths: tuple[str, ...], at: Path) -> tuple[str, ...]:
        return tuple(self._path(path, at) for path in paths)

    def _secrets(self, source: SecretSource, environment: str) -> SecretSource:
        at = ("environments", environment, "secrets_from")
        return replace(source, place=self._path(source.place, at)) if source.kind in FILES else source

    def _infra(self, infra: Infra | None, environment: str) -> Infra | None:
        at = ("environments", environment, "infra", "folder")
        return infra and replace(infra, folder=self._path(infra.folder, at))

    def _signers(self, path: str, environment: str) -> str:
        return self._path(path, ("environments", environment, "approvals", "signers"))

    def _path(self, path: str, at: Path) -> str:
        if not self._folder and ".." not in path.split("/"):
            return path
        found = posixpath.normpath(posixpath.join(self._folder, path))
        if found.split("/")[0] != "..":
            return found
        self._report.error(at, f"`{path}` is outside of the repository", "a path in the repository")
        return path
