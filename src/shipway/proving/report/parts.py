"""A proof as parts that pass or fail, as in a test report."""

from __future__ import annotations

from dataclasses import dataclass

from shipway.domain.proof import (
    DATA_LOST,
    FAILS,
    IRREVERSIBLE,
    NO_EVIDENCE,
    NOT_RESTORED,
    SCHEMA,
    UNSAFE,
    CompatibilityTest,
    MigrationReport,
    Proof,
)
from shipway.proving.report.messages import DOWN, GOOD, GRADES, loss_text, other_reasons

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


@dataclass(frozen=True)
class Part:
    """outcome: passed, failed, skipped. message: one line, empty if it passed. detail: everything known."""

    name: str
    outcome: str
    seconds: float = 0.0
    message: str = ""
    detail: tuple[str, ...] = ()


def parts(proof: Proof) -> tuple[Part, ...]:
    """up, down, up again, data, old code, new code, and each migration alone.

    A migration alone is only judged without a complete set: a set may be reversible when its parts are not.
    """
    way = proof.way
    found = [] if way is None else [*_round_trip(way), _data(way, proof.mode)]
    found += [
        _trial("old code on the new schema", proof.old_code),
        _trial("new code on the old schema", proof.new_code),
    ]
    return (*found, *(_alone(each, judged=way is None) for each in proof.each))


def _round_trip(way: MigrationReport) -> list[Part]:
    found = []
    for name in ("up", "down", "up again"):
        stages = [
            stage for stage in way.stages if stage.name == name or stage.name.startswith(f"{name}, ")
        ]  # `up, with rows`
        taken = sum(stage.seconds for stage in stages)
        failed = [stage for stage in stages if stage.outcome != "succeeded"]
        if failed or (name == "down" and way.verdict in (NOT_RESTORED, IRREVERSIBLE)):
            detail = (
                *(_why(way) if name == "down" else way.reasons),
                *(line for stage in failed for line in stage.output),
            )
            found.append(Part(name, FAILED, taken, _message(way), detail))
        elif stages:
            found.append(Part(name, PASSED, taken))
        else:
            found.append(Part(name, SKIPPED, message="not reached"))
    if way.verdict == FAILS and all(part.outcome != FAILED for part in found):  # then the failing stage is unknown
        found[0] = Part("up", FAILED, found[0].seconds, _message(way), way.reasons)
    return found


def _data(way: MigrationReport, mode: str) -> Part:
    if way.verdict == DATA_LOST or way.losses:
        return Part("data", FAILED, message=_message(way), detail=_why(way))
    if mode == SCHEMA:
        return Part("data", SKIPPED, message="a proof of the schema only")
    if way.verdict in (FAILS, IRREVERSIBLE):
        return Part("data", SKIPPED, message="not reached")
    return Part("data", PASSED)


def _trial(name: str, trial: CompatibilityTest) -> Part:
    taken = sum(stage.seconds for stage in trial.stages)
    if trial.verdict == UNSAFE:
        output = (line for stage in trial.stages if stage.outcome != "succeeded" for line in stage.output)
        return Part(name, FAILED, taken, "; ".join([UNSAFE, *trial.reasons[:1]]), (*trial.reasons, *output))
    if trial.verdict == NO_EVIDENCE:
        return Part(name, SKIPPED, taken, "; ".join([NO_EVIDENCE, *trial.reasons]))
    return Part(name, PASSED, taken, detail=trial.checks)


def _alone(way: MigrationReport, *, judged: bool) -> Part:
    name = f"migration {', '.join(way.migrations)} alone"
    taken = sum(stage.seconds for stage in way.stages)
    if GRADES.get(way.verdict) == GOOD:
        return Part(name, PASSED, taken)
    message = _message(way) if judged else f"for information: {_message(way)}"
    return Part(name, FAILED if judged else SKIPPED, taken, message, _why(way))


def _why(way: MigrationReport) -> tuple[str, ...]:
    return (
        *other_reasons(way),
        *map(str, way.differences),
        *(f"{loss.table}: {loss_text(loss)}" for loss in way.losses),
    )


def _message(way: MigrationReport) -> str:
    return f"{way.verdict}: {way.reasons[0] if way.reasons else DOWN.get(way.verdict, '')}"
