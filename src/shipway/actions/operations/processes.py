"""What runs in an environment, container by container: state, use of processor and memory, restarts."""

from __future__ import annotations

from shipway.actions.operations.sources import Source, as_deployed, sources
from shipway.context import Context
from shipway.domain.container import ContainerInfo, Usage
from shipway.domain.errors import EngineError
from shipway.domain.plan import Environment, Plan
from shipway.domain.value import dataclass
from shipway.system.parallel import side_by_side

SAMPLE = 0.5  # seconds between the two readings from which the use of processors is computed


@dataclass(frozen=True)
class Process:
    """A container of an environment."""

    source: Source
    info: ContainerInfo  # complete, unlike the source's
    processor: float | None  # number of processors in use; None if it doesn't run or that is unknown
    memory: int | None  # bytes


def processes(ctx: Context, plan: Plan, environment: Environment, *, every: bool = False) -> list[Process]:
    """Containers that run or should; `every` also those that a rollback would start. An unreachable host is reported."""

    def lost(host: str, error: EngineError) -> None:
        ctx.reporter.note(f"{host} is missing: {error.message}")

    current = ctx.ledger.current(plan.app, environment.name)
    found = sources(ctx, plan.app, as_deployed(ctx, plan, environment)[1], unreachable=lost)
    number = current.release if current else None
    shown = [item for item in found if every or item.info.active or item.release in (None, number)]
    first = side_by_side(lambda item: _sample(ctx, item), shown)
    ctx.cancelled.wait(SAMPLE)
    second = side_by_side(lambda item: _sample(ctx, item), shown)
    return [
        process
        for item, before, after in zip(shown, first, second, strict=True)
        if (process := _process(ctx, item, before, after)) is not None
    ]


def _sample(ctx: Context, item: Source) -> tuple[float, Usage | None]:
    usage = ctx.on(item.host).runtime.usage_of(item.info.id) if item.info.running else None
    return ctx.clock(), usage


def _process(
    ctx: Context, item: Source, before: tuple[float, Usage | None], after: tuple[float, Usage | None]
) -> Process | None:
    """None if it was removed meanwhile."""
    info = ctx.on(item.host).runtime.find(item.info.id)
    if info is None:
        return None
    (begun, old), (ended, new) = before, after
    processor = max(0.0, (new.processor - old.processor) / (ended - begun)) if old and new and ended > begun else None
    return Process(item, info, processor, new.memory if new else None)
