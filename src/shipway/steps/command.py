"""A command in a container, on a clean export of the commit, with new accessories if the step has some."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from shipway.domain import names
from shipway.domain.container import (
    LABEL_ATTEMPT,
    LABEL_CONFIG,
    LABEL_KEY,
    LABEL_LOG,
    ContainerSpec,
)
from shipway.domain.desired import argv
from shipway.domain.errors import DeployFailed, ShipwayError, StepFailed
from shipway.domain.event import RUN, Subject
from shipway.domain.inputs import folder_of
from shipway.domain.plan import Accessory, Step
from shipway.domain.record import to_data
from shipway.domain.release import digest_of
from shipway.domain.run import Artifact, StepResult
from shipway.domain.trace import traceparent
from shipway.ports import OnLine
from shipway.steps import reports
from shipway.steps.artifacts import as_archive, identity, store
from shipway.steps.build import build_key, native
from shipway.steps.cache import cache_volumes
from shipway.steps.container import TIMED_OUT, follow_container, run_container
from shipway.steps.folders import give_folders
from shipway.steps.health import wait_healthy
from shipway.steps.image import step_image, step_tag, user_of, workdir_in
from shipway.steps.log import LARGEST
from shipway.steps.run import Attempt, Inputs, Run
from shipway.steps.sources import archive, source_key
from shipway.system import otlp
from shipway.system.memory import most_memory
from shipway.system.owner import owner
from shipway.system.parallel import side_by_side

SOURCE = "src"  # for steps in a named image: the repository is in /src
KILLED = 137  # exit code after SIGKILL, by which the kernel ends processes that exceed the memory
FOREVER = 86400.0 * 30  # seconds
# Runs the first argument; if it fails, the container stays as it is. Its id is its host name.
HOLD = """sh -c "$1" && exit 0
code=$?
echo "exited with $code; its container stays until Ctrl-C here. A shell in it: $2 $(cat /etc/hostname) sh"
trap 'exit $code' TERM INT
while :; do sleep 1; done
"""
PASSWORD = "test"  # of databases that exist for one step on a private network


def command_key(run: Run, step: Step, inputs: Inputs) -> str:
    """Digest over everything that the step sees; if something can't be covered, the key is limited to this branch."""
    assert step.image is not None
    accessories = [run.plan.accessories[name].as_container() for name in step.accessories]
    names = [item for item in (step.image.name, *(accessory.image for accessory in accessories)) if item]
    ids = dict(zip(names, side_by_side(lambda name: _image_id(run, step, name), names), strict=True))
    return digest_of({
        "run": step.run, "env": dict(step.env), "outputs": list(step.outputs), "reports": list(step.reports),
        "image": build_key(run, native(step.image.build)) if step.image.build else ids[step.image.name or ""],
        "resources": to_data(step.resources), "security": to_data(step.security),
        "source": source_key(run, step) if step.inputs or not step.image.build else None,
        "with": {item.name: [ids[item.image], to_data(item)] for item in accessories},
        "upstream": [identity(artifact) for artifact in inputs.artifacts],
        "branch": "" if all(ids.values()) else run.branch,
        **({"folder": folder_of(run.plan)} if folder_of(run.plan) and not step.image.build else {}),
    })  # fmt: skip


def run_command(run: Run, attempt: Attempt) -> StepResult:
    """Run it once, or resume it. StepFailed if it exits with another code than 0 or times out."""
    accessories: list[str] = []
    harvest = _Harvest(run, attempt)
    try:
        code = (_resume if attempt.begun else _begin)(run, attempt, accessories, harvest)
    finally:
        if accessories:  # in parallel with the next steps; leftovers are removed when the run ends
            threading.Thread(target=_remove, args=(run, tuple(accessories)), daemon=True).start()
    step, summary = attempt.step, harvest.summary
    if code == TIMED_OUT:
        raise StepFailed(f"it timed out after {step.timeout:g} s", hint=f"increase `timeout:` of step {step.name}")
    if code != 0:
        raise StepFailed(
            f"`{step.run}` exited with {code}" + (f" ({summary})" if summary else ""), hint=_cause(step, code)
        )
    missing = [path for path in step.outputs if path not in {artifact.path for artifact in harvest.outputs}]
    if missing:
        raise StepFailed(f"it did not create {', '.join(missing)}, which the plan lists as outputs")
    assert step.image is not None
    return StepResult(tuple(harvest.outputs), {}, summary, step_tag(run, step.image.build) if step.image.build else "")


def _cause(step: Step, code: int) -> str:
    if code != KILLED:
        return ""
    limit = step.resources.memory or most_memory()
    return f"it was killed: it may have exceeded its memory limit of {limit >> 20} MB (`resources: {{memory: …}}` of step {step.name})"


class _Harvest:
    """The results of an exited container: the summary of its reports, and its outputs."""

    def __init__(self, run: Run, attempt: Attempt) -> None:
        self._run, self._attempt = run, attempt
        self.summary = ""
        self.outputs: list[Artifact] = []

    def take(self, container: str, workdir: str) -> None:
        run, step = self._run, self._attempt.step
        self.summary = reports.collect(run, step, self._attempt.number, container, workdir)
        for path in step.outputs:
            try:
                archive = run.ctx.runtime.get(container, str(Path(workdir) / path))
                kept = store(archive, run.folder_of(step), path, run.artifacts, run.folder)
                self.outputs.append(kept)
                for name in kept.left_out:
                    self._attempt.log.say(f"{name} is a pipe or a device: it is omitted from the output {path}")
            except FileNotFoundError:
                pass  # the caller reports the missing ones


def _begin(run: Run, attempt: Attempt, accessories: list[str], harvest: _Harvest) -> int:
    """Start it; returns its exit code."""
    step, runtime = attempt.step, run.ctx.runtime
    assert step.image is not None
    assert step.run is not None
    connecting = run.begin_network()
    image, workdir = step_image(run, step.image, attempt.log.line)
    user = user_of(run, image)
    caches = cache_volumes(run, step, image, workdir, attempt.log.line)
    if step.accessories:
        connecting.result()
    hosts, env = _accessories(run, step, accessories, attempt.log.line)
    debug = run.debug == step.name
    # One that stays for a shell is not resumed by a later process: it never ends.
    found_by = {
        LABEL_KEY: f"{attempt.key} debug" if debug else attempt.key,
        LABEL_ATTEMPT: str(attempt.number),
        LABEL_LOG: str(attempt.log.position),
    }
    spec = ContainerSpec(
        name=names.bounded(f"{run.name}_{step.name}"),
        image=image,
        labels={**run.labels("step", step.name), **found_by},
        entrypoint=("sh", "-c"),
        command=(HOLD, "sh", step.run, runtime.commands.shell) if debug else (step.run,),
        env={**_own(run, step), **env, **step.env},
        networks={run.network: ()},
        hosts=hosts,
        volumes=caches,
        workdir=workdir,
        log=2 * LARGEST,
        cpus=step.resources.cpus,
        memory=step.resources.memory or most_memory(),
        swap=False,
        security=step.security,
    )

    def before(container: str) -> None:
        whose = owner(user, lambda path: runtime.get(container, path))
        if not step.image or not step.image.build:
            runtime.put(container, "/", archive(run, step, SOURCE, whose))
        elif any(whose):
            give_folders(runtime, container, workdir, [*step.outputs, *step.reports], whose)
        if made := attempt.inputs.artifacts:
            runtime.put(container, workdir, as_archive(made, run.artifacts, run.folder_of(step), whose))
        connecting.result()

    return run_container(
        run.ctx, spec, on_line=attempt.log.follow, timeout=FOREVER if debug else step.timeout,
        before=before, after=lambda container: harvest.take(container, workdir), keep=True,
    )  # fmt: skip


def _own(run: Run, step: Step) -> dict[str, str]:
    """Variables of Shipway. Where traces are sent, TRACEPARENT, by which what the step traces joins them: no part of its key,
    since its result doesn't depend on it."""
    own = {"CI": "true", "SHIPWAY_APP": run.plan.app, "SHIPWAY_REVISION": run.commit.revision}
    if otlp.endpoint() is None:
        return own
    subject = Subject(RUN, run.plan.app, run.number)
    return {**own, "TRACEPARENT": traceparent(run.ctx.ledger.identity(), subject, step.name)}


def _resume(run: Run, attempt: Attempt, accessories: list[str], harvest: _Harvest) -> int:
    """Resume a container of a process that died; returns its exit code."""
    step, begun = attempt.step, attempt.begun
    assert step.image is not None
    assert begun is not None
    for name in step.accessories:
        accessory = run.ctx.runtime.find(_accessory_name(run, step, name))
        if accessory is not None:
            accessories.append(accessory.id)
    workdir = workdir_in(run, step.image, begun.image)
    ran = run.ctx.clock() - begun.created if begun.running else 0.0  # one that has exited can't time out any more
    return follow_container(
        run.ctx, begun.id, on_line=attempt.log.follow, timeout=step.timeout - ran,
        after=lambda container: harvest.take(container, workdir), keep=True,
    )  # fmt: skip


def _remove(run: Run, containers: Sequence[str]) -> None:
    for container in containers:
        try:
            run.ctx.runtime.remove(container)
        except ShipwayError as error:
            run.ctx.reporter.note(
                f"{container} could not be removed, and is removed when the run ends: {error.message}"
            )


def _image_id(run: Run, step: Step, name: str) -> str:
    """The id of the image that the name currently refers to, which may change at any time. "" if unknown."""
    if "@" in name:
        return name
    try:
        if run.ctx.images.inspect(name) is None:
            run.ctx.reporter.note(f"pulling {name} for step {step.name}")
            run.ctx.images.pull(name, lambda line: None)
        found = run.ctx.images.inspect(name)
    except ShipwayError:
        return ""  # the step itself will fail with the reason
    return str(found["Id"]) if found else ""


def _accessories(run: Run, step: Step, started: list[str], on_line: OnLine) -> tuple[dict[str, str], dict[str, str]]:
    """Start new accessories and wait until they are healthy, with their ids in `started`; returns lines of /etc/hosts
    and variables to reach them."""
    chosen = [run.plan.accessories[name].as_container() for name in step.accessories]
    names = [_accessory_name(run, step, accessory.name) for accessory in chosen]
    pairs = list(zip(chosen, names, strict=True))
    side_by_side(lambda pair: _start(run, *pair, started, on_line), pairs)
    waiting = [(name, run.ctx.kind(item).health_of(item), run.ctx.kind(item).port_of(item)) for item, name in pairs]
    env = dict[str, str]()
    for accessory in chosen:
        env |= run.ctx.kind(accessory).provided_by(accessory, run.plan.app, accessory.name, PASSWORD)
    try:
        wait_healthy(run.ctx, waiting)
    except DeployFailed as error:
        raise StepFailed(f"an accessory of the step did not start: {error}") from error
    # By address and not by alias: parallel steps each have their own `db`.
    return {accessory.name: _address(run, name) for accessory, name in pairs}, env


def _accessory_name(run: Run, step: Step, accessory: str) -> str:
    return names.bounded(f"{run.name}_{step.name}_{accessory}")


def _start(run: Run, accessory: Accessory, name: str, started: list[str], on_line: OnLine) -> None:
    run.ctx.images.pull(accessory.image, on_line)
    run.ctx.runtime.remove(name)  # of an earlier attempt
    spec = ContainerSpec(
        name=name,
        image=accessory.image,
        labels={**run.labels("accessory", accessory.name), LABEL_CONFIG: name},
        command=argv(accessory.command),
        entrypoint=argv(accessory.entrypoint),
        env=run.ctx.kind(accessory).with_placeholders(accessory, run.plan.app, PASSWORD),
        networks={run.network: ()},
    )
    container = run.ctx.runtime.create(spec)
    started.append(container)  # not its name: the next attempt reuses it
    run.ctx.runtime.start(container)


def _address(run: Run, container: str) -> str:
    info = run.ctx.runtime.find(container)
    return info.addresses.get(run.network, "") if info else ""
