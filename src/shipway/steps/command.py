"""A command in a container, on a clean export of the commit, with fresh accessories where it asks for them."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shipway.domain import accessory as known
from shipway.domain.container import LABEL_CONFIG, ContainerSpec
from shipway.domain.errors import DeployFailed, EngineError, StepFailed
from shipway.domain.plan import Accessory, Step
from shipway.domain.release import digest_of
from shipway.ports import OnLine
from shipway.steps import reports
from shipway.steps.artifacts import Artifact, as_archive, store
from shipway.steps.container import TIMED_OUT, run_container
from shipway.steps.health import wait_healthy
from shipway.steps.image import step_image
from shipway.steps.run import Run, StepResult

SOURCE = "src"  # of steps in an image by name: the repository lies in /src
PASSWORD = "test"  # of databases that live for one step on a private network


def command_key(run: Run, step: Step, upstream: Sequence[Artifact]) -> str:
    """Digest over everything that the step's result depends on."""
    assert step.image is not None
    image: object = run.build_key(step.image.build) if step.image.build else _image_id(run, step.image.name or "")
    if step.inputs:
        source: object = dict(run.repository.tree_hashes(run.commit.revision, step.inputs))
    else:
        source = None if step.image.build else run.commit.tree
    return digest_of({
        "run": step.run, "image": image, "source": source, "env": dict(step.env),
        "with": {name: _image_id(run, run.plan.accessories[name].image) for name in step.accessories},
        "upstream": sorted(artifact.digest for artifact in upstream),
        "outputs": list(step.outputs), "reports": list(step.reports),
    })  # fmt: skip


def run_command(run: Run, step: Step, upstream: Sequence[Artifact], on_line: OnLine) -> StepResult:
    """Run it once. StepFailed where it exits with another code than 0 or takes too long."""
    assert step.image is not None
    assert step.run is not None
    image, workdir = step_image(run, step.image, on_line)
    started: list[str] = []
    found: list[Artifact] = []
    summary: list[str] = []
    try:
        hosts, env = _accessories(run, step, started, on_line)
        spec = ContainerSpec(
            name=f"{run.plan.app}_run{run.number}_{step.name}",
            image=image,
            labels=run.labels("step", step.name),
            entrypoint=("sh", "-c"),
            command=(step.run,),
            env={"CI": "true", "SHIPWAY_APP": run.plan.app, "SHIPWAY_REVISION": run.commit.revision, **env, **step.env},
            networks={run.network: ()},
            hosts=hosts,
            workdir=workdir,
        )

        def before(container: str) -> None:
            if not step.image or not step.image.build:
                run.ctx.runtime.put(container, "/", run.repository.archive(run.commit.revision, prefix=SOURCE))
            if upstream:
                run.ctx.runtime.put(container, workdir, as_archive(upstream, run.artifacts, run.folder_of(step)))

        def after(container: str) -> None:
            summary.append(reports.collect(run, step, container, workdir))
            for path in step.outputs:
                found.extend(_output(run, step, container, workdir, path))

        code = run_container(
            run.ctx, spec, on_line=on_line, timeout=step.timeout, before=before, after=after, leave=True
        )
    finally:
        # Beside the next steps; what is left when the run ends is removed then.
        threading.Thread(target=_remove, args=(run, tuple(started)), daemon=True).start()
    if code == TIMED_OUT:
        raise StepFailed(f"it was stopped after {step.timeout:g} s", hint=f"give it more time with `timeout:` on step {step.name}")
    if code != 0:
        raise StepFailed(f"`{step.run}` exited with {code}" + (f" ({summary[0]})" if summary and summary[0] else ""))
    missing = [path for path in step.outputs if path not in {artifact.path for artifact in found}]
    if missing:
        raise StepFailed(f"it left no {', '.join(missing)}, which the plan names as outputs")
    return StepResult(tuple(found), {}, summary[0] if summary else "", image if step.image.build else "")


def _remove(run: Run, containers: Sequence[str]) -> None:
    for container in containers:
        try:
            run.ctx.runtime.remove(container)
        except EngineError as error:
            run.ctx.reporter.note(f"{container} is left until the run ends: {error.message}")


def _image_id(run: Run, name: str) -> str:
    """An image by name may change its content: its id counts where it is already there."""
    found = run.ctx.images.inspect(name)
    return str(found["Id"]) if found else name


def _accessories(run: Run, step: Step, started: list[str], on_line: OnLine) -> tuple[dict[str, str], dict[str, str]]:
    """Start fresh ones, healthy; gives the lines of /etc/hosts and the variables that reach them."""
    chosen = [run.plan.accessories[name] for name in step.accessories]
    names = [f"{run.plan.app}_run{run.number}_{step.name}_{accessory.name}" for accessory in chosen]
    started.extend(names)
    if chosen:
        with ThreadPoolExecutor(len(chosen)) as pool:
            list(pool.map(lambda accessory, name: _start(run, accessory, name, on_line), chosen, names))
    pairs = list(zip(chosen, names, strict=True))
    waiting = [(name, known.health(accessory), known.port(accessory)) for accessory, name in pairs]
    env = {
        accessory.provides: known.url(accessory, run.plan.app, accessory.name, PASSWORD)
        for accessory in chosen
        if accessory.provides
    }
    try:
        wait_healthy(run.ctx, waiting)
    except DeployFailed as error:
        raise StepFailed(f"an accessory of the step did not start: {error}") from error
    # By address and not by alias: two steps side by side each have a `db` of their own.
    return {accessory.name: _address(run, name) for accessory, name in pairs}, env


def _start(run: Run, accessory: Accessory, name: str, on_line: OnLine) -> None:
    run.ctx.images.pull(accessory.image, on_line)
    run.ctx.runtime.remove(name)  # of an attempt before
    spec = ContainerSpec(
        name=name,
        image=accessory.image,
        labels={**run.labels("accessory", accessory.name), LABEL_CONFIG: name},
        command=tuple(shlex.split(accessory.command)) if accessory.command else None,
        env=known.environment(accessory, run.plan.app, PASSWORD),
        networks={run.network: ()},
    )
    run.ctx.runtime.start(run.ctx.runtime.create(spec))


def _address(run: Run, container: str) -> str:
    info = run.ctx.runtime.find(container)
    return info.addresses.get(run.network, "") if info else ""


def _output(run: Run, step: Step, container: str, workdir: str, path: str) -> list[Artifact]:
    try:
        archive = run.ctx.runtime.get(container, str(Path(workdir) / path))
        return [store(archive, run.folder_of(step), path, run.artifacts)]
    except FileNotFoundError:
        return []
