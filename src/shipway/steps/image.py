"""Build images with BuildKit, push them, and reference them by digest from then on."""

from __future__ import annotations

import posixpath
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from shipway import __version__
from shipway.domain import names
from shipway.domain.build import in_order
from shipway.domain.errors import RegistryError, ShipwayError, StepFailed
from shipway.domain.inputs import folder_of
from shipway.domain.plan import BuildSource, Step, StepImage
from shipway.domain.provenance import ImageBuild
from shipway.domain.record import to_data
from shipway.domain.release import CHECK, digest_of
from shipway.domain.run import Artifact, StepResult
from shipway.ports import OnLine
from shipway.steps.artifacts import identity, reaches, unpack
from shipway.steps.bases import Bases
from shipway.steps.build import arguments, base_of, build_key, extras_of, keep_seen, native
from shipway.steps.run import Attempt, Inputs, Run
from shipway.steps.sbom import begin_sbom
from shipway.system.inside import leads_inside


def step_image(run: Run, image: StepImage, on_line: OnLine) -> tuple[str, str]:
    """The image that a step runs in, built or pulled if missing, and the step's working directory in it."""
    if image.build is None:
        assert image.name is not None
        run.ctx.images.pull(image.name, on_line)
        return image.name, workdir_in(run, image, image.name)
    tag = _built_step_image(run, native(image.build), on_line)
    return tag, workdir_in(run, image, tag)


def _built_step_image(run: Run, source: BuildSource, on_line: OnLine) -> str:
    """Its tag; built if it is missing, after the images that it is built on."""
    tag = step_tag(run, source)

    def base(service: str) -> str:
        return _built_step_image(run, native(base_of(run, service)), on_line)

    with run.lock(tag):
        again = not run.caches and tag not in run.renewed
        if again or run.ctx.images.inspect(tag) is None:
            repository = _step_cache(run, source) if source.cache else ""
            identity, cached = _build(run, source, (), [tag], {}, on_line, base, repository)
            run.renewed.add(tag)
            if cached:
                _store_layers(run, identity, cached, on_line)
    return tag


def _step_cache(run: Run, source: BuildSource) -> str:
    """Repository for the layers of a step's image, which itself is never pushed."""
    return run.registry.repository(
        run.plan.app, f"step-{digest_of([source.folder, source.dockerfile, source.target])[7:19]}"
    )


def _store_layers(run: Run, identity: str, reference: str, on_line: OnLine) -> None:
    """Push an image for the next build of another machine. A failure is reported, and fails no step."""
    repository, _, tag = reference.rpartition(":")
    try:
        run.ctx.images.tag(identity, repository, tag)
        run.ctx.images.push(repository, tag, on_line)
    except ShipwayError as error:
        on_line(f"the layers of this build were not stored: {error.message}")


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
    return f"{run.step_images or names.step_images(run.plan.app)}:{digest_of(build_key(run, native(source)))[7:]}"


def build_as(run: Run, source: BuildSource, tag: str, on_line: OnLine, base: Callable[[str], str]) -> None:
    """Build an image under a name of this engine, without pushing it. base: the image of a service that it is built on."""
    _build(run, native(source), (), [tag], {}, on_line, base, "")


def image_key(run: Run, step: Step, inputs: Inputs) -> str:
    """Digest over everything that the built images depend on."""
    based_on = _earlier(step, inputs)
    sources = {
        name: _source_key(run, source, inputs.artifacts, based_on) for name, source in _sources(run, step).items()
    }
    return digest_of({"images": sources, "registry": run.registry.repository(run.plan.app, "-")})


def build_images(run: Run, attempt: Attempt) -> StepResult:
    """Build each distinct source once, push it under the commit's tag, and return the digests by service."""
    run.registry.ensure()
    upstream, based_on = attempt.inputs.artifacts, _earlier(attempt.step, attempt.inputs)
    images: dict[str, str] = {}
    done: dict[str, str] = {}
    sources = _sources(run, attempt.step)

    def base(service: str) -> str:
        reference = images.get(service) or based_on.get(service)
        if reference is None:  # of a check: the step that builds the service may be a later one
            return _built_step_image(run, native(base_of(run, service)), attempt.log.line)
        run.ctx.images.pull(reference, attempt.log.line)
        return reference

    for name in in_order(sources, {name: source.images.values() for name, source in sources.items()}):
        source = sources[name]
        key = _source_key(run, source, upstream, based_on)
        if key not in done:
            short = name.replace(CHECK, "check-")
            done[key] = _build_and_push(run, short, source, upstream, attempt.log.line, base)
        images[name] = done[key]
    return StepResult((), images, "")


def _earlier(step: Step, inputs: Inputs) -> dict[str, str]:
    """The images of services that other steps built."""
    return {name: image for name, image in inputs.images.items() if name not in step.build}


def still_there(run: Run, images: Mapping[str, str]) -> bool:
    """Whether the registry has all of these; also tags them with this commit."""
    for reference in sorted(set(images.values())):
        repository, _, digest = reference.partition("@")
        if run.registry.digest(repository, digest) is None:
            return False
        if run.registry.digest(repository, run.commit.revision) != digest:
            run.registry.tag(repository, digest, run.commit.revision)
    return True


def _build_and_push(
    run: Run, name: str, source: BuildSource, upstream: Sequence[Artifact], on_line: OnLine, base: Callable[[str], str]
) -> str:
    repository, tag = run.registry.repository(run.plan.app, name), run.commit.revision
    on_line(f"building {name} from {source.folder}")
    bases, started = Bases(source), run.ctx.clock()

    def seen(line: str) -> None:
        bases.line(line)
        on_line(line)

    made, cached = _build(run, source, upstream, [f"{repository}:{tag}"], _labels(run, name), seen, base, repository)
    digest = made if len(source.platforms) > 1 else run.ctx.images.push(repository, tag, on_line)
    on_line(f"pushed {repository}@{digest}")
    if cached:
        try:
            run.registry.tag(repository, digest, cached.rpartition(":")[2])
        except RegistryError as error:  # such as one whose tags can't be moved
            on_line(f"the layers of this build were not stored: {error.message}")
    image = f"{repository}@{digest}"
    if not run.outside:
        run.ctx.ledger.add_image_build(_record(run, name, source, image, bases, started))
        begin_sbom(run, image)
    return image


def _record(run: Run, name: str, source: BuildSource, image: str, bases: Bases, started: float) -> ImageBuild:
    """What a statement of its origin says. Of build arguments, the names: values may be private."""
    given = (*source.args, *source.variables, *source.images, *source.bases)
    return ImageBuild(
        run.plan.app, image, run.number, name, run.repository.source() or "", run.commit.revision, run.branch, run.level,
        digest_of(to_data(run.plan)), source.folder, source.dockerfile, source.target or "", tuple(sorted(given)),
        bases.of(run.ctx), started, run.ctx.clock(), __version__,
    )  # fmt: skip


def _sources(run: Run, step: Step) -> dict[str, BuildSource]:
    """What the step builds: its services, and the images of the plan's checks, which are part of a release."""
    sources = {name: run.plan.services[name].build for name in step.build}
    sources |= {CHECK + check.name: check.image.build for check in run.plan.checks.values()}
    return {name: source for name, source in sources.items() if source is not None}


def _source_key(run: Run, source: BuildSource, upstream: Sequence[Artifact], based_on: Mapping[str, str]) -> str:
    laid = [identity(artifact) for artifact in upstream if reaches(artifact, _folder(source))]
    return digest_of({**build_key(run, source, based_on), "upstream": laid})


def _build(
    run: Run,
    source: BuildSource,
    upstream: Sequence[Artifact],
    tags: list[str],
    labels: dict[str, str],
    on_line: OnLine,
    base: Callable[[str], str],
    repository: str,
) -> tuple[str, str]:
    """Build it. Returns what Images.build does, and the tag for an image that contains its own cached layers, or "".

    base: the image of a service that this one is built on. repository: for layers, see `extras_of`.
    """
    args = arguments(run, source, base, lambda item: _built_step_image(run, item, on_line))
    with (
        tempfile.TemporaryDirectory(dir=run.folder) as folder,
        extras_of(run, source, repository) as extras,
    ):
        context = Path(folder)
        run.repository.export(run.commit.revision, context, folder=_folder(source) or None)
        keep_seen(run, context, _folder(source))
        for artifact in upstream:
            unpack(artifact, run.artifacts, _folder(source), context)
        _require_inside(context, source, run.commit.revision)
        made = run.ctx.images.build(
            context, tags=tags, dockerfile=source.dockerfile, target=source.target, args=args,
            labels=labels, on_line=on_line, extras=extras,
        )  # fmt: skip
        inline = extras.cache_to and not run.ctx.images.builder().stores_apart(extras)
        return made, extras.cache_to if inline else ""


def _require_inside(context: Path, source: BuildSource, revision: str) -> None:
    """The docker command itself reads these two: no link, also of a folder above, may lead to another file of this
    machine."""
    for name in (source.dockerfile, ".dockerignore"):
        if not leads_inside(context, name):
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
