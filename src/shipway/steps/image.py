"""Build images with BuildKit, push them, and reference them by digest from then on."""

from __future__ import annotations

import os
import posixpath
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from shipway.domain import names
from shipway.domain.errors import StepFailed
from shipway.domain.inputs import folder_of, inputs_of
from shipway.domain.plan import BuildSource, Step, StepImage
from shipway.domain.release import CHECK, digest_of
from shipway.domain.run import Artifact, StepResult
from shipway.ports import OnLine
from shipway.steps.artifacts import identity, reaches, unpack
from shipway.steps.run import Attempt, Inputs, Run


def step_image(run: Run, image: StepImage, on_line: OnLine) -> tuple[str, str]:
    """The image that a step runs in, built or pulled if missing, and the step's working directory in it."""
    if image.build is None:
        assert image.name is not None
        run.ctx.images.pull(image.name, on_line)
        return image.name, workdir_in(run, image, image.name)
    tag = step_tag(run, image.build)
    with run.lock(tag):
        if run.ctx.images.inspect(tag) is None:
            _build(run, image.build, (), [tag], {}, on_line)
    return tag, workdir_in(run, image, tag)


def workdir_in(run: Run, image: StepImage, made: str) -> str:
    """A step's working directory in its image; made: name or id of the image on the engine."""
    if image.build is None:
        return posixpath.join("/src", folder_of(run.plan)).rstrip("/")
    found = run.ctx.images.inspect(made)
    config = found.get("Config") if found else None
    return str(config.get("WorkingDir") or "/") if isinstance(config, dict) else "/"


def user_of(run: Run, image: str) -> str:
    """The image's user: name or number, with or without a group; '' is root."""
    found = run.ctx.images.inspect(image)
    config = found.get("Config") if found else None
    return str(config.get("User") or "") if isinstance(config, dict) else ""


def step_tag(run: Run, source: BuildSource) -> str:
    """Name of a step image, from everything that it depends on."""
    return f"{names.step_images(run.plan.app)}:{digest_of(run.build_key(source))[7:]}"


def image_key(run: Run, step: Step, inputs: Inputs) -> str:
    """Digest over everything that the built images depend on."""
    sources = {name: _source_key(run, source, inputs.artifacts) for name, source in _sources(run, step).items()}
    return digest_of({"images": sources, "registry": run.registry.repository(run.plan.app, "-")})


def build_images(run: Run, attempt: Attempt) -> StepResult:
    """Build each distinct source once, push it under the commit's tag, and return the digests by service."""
    run.registry.ensure()
    upstream = attempt.inputs.artifacts
    images: dict[str, str] = {}
    done: dict[str, str] = {}
    for name, source in _sources(run, attempt.step).items():
        key = _source_key(run, source, upstream)
        if key not in done:
            done[key] = _build_and_push(run, name.replace(CHECK, "check-"), source, upstream, attempt.log.line)
        images[name] = done[key]
    return StepResult((), images, "")


def still_there(run: Run, images: Mapping[str, str]) -> bool:
    """Whether the registry has all of these; also tags them with this commit."""
    for reference in sorted(set(images.values())):
        repository, _, digest = reference.partition("@")
        if run.registry.digest(repository, digest) is None:
            return False
        if run.registry.digest(repository, run.commit.revision) != digest:
            run.registry.tag(repository, digest, run.commit.revision)
    return True


def _build_and_push(run: Run, name: str, source: BuildSource, upstream: Sequence[Artifact], on_line: OnLine) -> str:
    repository = run.registry.repository(run.plan.app, name)
    on_line(f"building {name} from {source.folder}")
    _build(run, source, upstream, [f"{repository}:{run.commit.revision}"], _labels(run, name), on_line)
    digest = run.ctx.images.push(repository, run.commit.revision, on_line)
    on_line(f"pushed {repository}@{digest}")
    return f"{repository}@{digest}"


def _sources(run: Run, step: Step) -> dict[str, BuildSource]:
    """What the step builds: its services, and the images of the plan's checks, which are part of a release."""
    sources = {name: run.plan.services[name].build for name in step.build}
    sources |= {CHECK + check.name: check.image.build for check in run.plan.checks.values()}
    return {name: source for name, source in sources.items() if source is not None}


def _source_key(run: Run, source: BuildSource, upstream: Sequence[Artifact]) -> str:
    laid = [identity(artifact) for artifact in upstream if reaches(artifact, _folder(source))]
    return digest_of({**run.build_key(source), "upstream": laid})


def _build(
    run: Run,
    source: BuildSource,
    upstream: Sequence[Artifact],
    tags: list[str],
    labels: dict[str, str],
    on_line: OnLine,
) -> None:
    with tempfile.TemporaryDirectory(dir=run.folder) as folder:
        context = Path(folder)
        run.repository.export(run.commit.revision, context, folder=_folder(source) or None)
        if run.holds_plan(source) or inputs_of(run.plan):
            _keep_seen(run, context, _folder(source))
        for artifact in upstream:
            unpack(artifact, run.artifacts, _folder(source), context)
        _require_inside(context, source, run.commit.revision)
        run.ctx.images.build(
            context, tags=tags, dockerfile=source.dockerfile, target=source.target, args=source.args,
            labels=labels, on_line=on_line,
        )  # fmt: skip


def _keep_seen(run: Run, context: Path, folder: str) -> None:
    """Remove the files of a build context that the run doesn't see."""
    for above, folders, files in os.walk(context):
        for path in (Path(above, name) for name in (*folders, *files)):
            if path.is_dir() and not path.is_symlink():
                continue
            if not run.sees(posixpath.join(folder, path.relative_to(context).as_posix())):
                path.unlink()


def _require_inside(context: Path, source: BuildSource, revision: str) -> None:
    """The docker command itself reads these two: a link must not point to another file of this machine."""
    for name in (source.dockerfile, ".dockerignore"):
        real = (context / name).resolve()
        if (context / name).is_symlink() and not real.is_relative_to(context.resolve()):
            raise StepFailed(
                f"{name} in {source.folder} is a link that points outside of the folder", hint="commit the file itself"
            )
    if not (context / source.dockerfile).is_file():
        raise StepFailed(f"there is no {source.dockerfile} in {source.folder} at {revision[:12]}")


def _folder(source: BuildSource) -> str:
    return "" if source.folder == "." else source.folder.strip("/")


def _labels(run: Run, name: str) -> dict[str, str]:
    """The annotations defined by the OCI image specification."""
    origin = run.repository.source()
    created = datetime.fromtimestamp(run.ctx.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    prefix = "org.opencontainers.image."
    labels = {
        "title": f"{run.plan.app}/{name}",
        "revision": run.commit.revision,
        "version": run.version,
        "created": created,
    }
    return {prefix + key: value for key, value in {**labels, **({"source": origin} if origin else {})}.items()}
