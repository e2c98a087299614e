"""A proof as parts that pass or fail, as in a test report."""

from __future__ import annotations

from shipway.domain.proof import (
    DATA_LOST,
    FAILURES,
    IRREVERSIBLE,
    NO_EVIDENCE,
    NOT_RESTORED,
    SCHEMA,
    UNSAFE,
    CompatibilityTest,
    MigrationReport,
    Proof,
)
from shipway.domain.value import dataclass
from shipway.proving.report.messages import DOWN, GOOD, GRADES, loss_text, other_reasons
from shipway.proving.report.traffic import summary, warnings

PASSED, FAILED, SKIPPED, ERROR = "passed", "failed", "skipped", "error"


@dataclass(frozen=True)
class Part:
    """outcome: passed, failed, skipped; error if the test itself failed. message: one line, empty if it passed. detail: everything known."""

    name: str
    outcome: str
    seconds: float = 0.0
    message: str = ""
    detail: tuple[str, ...] = ()


def parts(proof: Proof) -> tuple[Part, ...]:
    """up, down, up again, data, old code, new code, both at once, up under traffic, and each migration alone.

    A migration alone is only judged without a complete set: a set may be reversible when its parts are not.
    """
    report = proof.way
    found = [] if report is None else [*_round_trip(report), _data(report, proof.mode)]
    found += [
        _compatibility("old code on the new schema", proof.old_code),
        _compatibility("new code on the old schema", proof.new_code),
    ]
    if proof.together is not None:
        found.append(_compatibility("old and new code at once", proof.together))
    if proof.traffic is not None or proof.growth:
        found.append(_traffic(proof))
    return (*found, *(_alone(each, judged=report is None) for each in proof.each))


def _round_trip(report: MigrationReport) -> list[Part]:
    found = []
    for name in ("up", "down", "up again"):
        stages = [
            stage for stage in report.stages if stage.name == name or stage.name.startswith(f"{name}, ")
        ]  # `up, with rows`
        taken = sum(stage.seconds for stage in stages)
        failed = [stage for stage in stages if stage.outcome != "succeeded"]
        if failed or (name == "down" and report.verdict in (NOT_RESTORED, IRREVERSIBLE)):
            detail = (
                *(why(report) if name == "down" else report.reasons),
                *(line for stage in failed for line in stage.output),
            )
            found.append(Part(name, FAILED, taken, message(report), detail))
        elif stages:
            found.append(Part(name, PASSED, taken))
        else:
            found.append(Part(name, SKIPPED, message="not reached"))
    if report.verdict in FAILURES and all(
        part.outcome != FAILED for part in found
    ):  # then the failing stage is unknown
        found[0] = Part("up", FAILED, found[0].seconds, message(report), report.reasons)
    return found


def _data(report: MigrationReport, mode: str) -> Part:
    if report.verdict == DATA_LOST or report.losses:
        return Part("data", FAILED, message=message(report), detail=why(report))
    if mode == SCHEMA:
        return Part("data", SKIPPED, message="the proof covers the schema only")
    if report.verdict in (*FAILURES, IRREVERSIBLE):
        return Part("data", SKIPPED, message="not reached")
    return Part("data", PASSED)


def _compatibility(name: str, test: CompatibilityTest) -> Part:
    taken = sum(stage.seconds for stage in test.stages)
    if test.verdict == UNSAFE:
        output = (line for stage in test.stages if stage.outcome != "succeeded" for line in stage.output)
        return Part(name, FAILED, taken, "; ".join([UNSAFE, *test.reasons[:1]]), (*test.reasons, *output))
    if test.verdict == NO_EVIDENCE:
        return Part(name, SKIPPED, taken, "; ".join([NO_EVIDENCE, *test.reasons]))
    return Part(name, PASSED, taken, detail=test.checks)


def _traffic(proof: Proof) -> Part:
    """For information: never a failure."""
    traffic = proof.traffic
    taken = sum(stage.seconds for stage in traffic.stages) if traffic else 0.0
    detail = tuple(f"warning: {text}" for text in warnings(proof))
    if traffic is not None and traffic.reason:
        return Part("up under traffic", SKIPPED, taken, traffic.reason, detail)
    return Part("up under traffic", PASSED, taken, detail=(*((summary(traffic),) if traffic else ()), *detail))


def _alone(report: MigrationReport, *, judged: bool) -> Part:
    name = f"migration {', '.join(report.migrations)} alone"
    taken = sum(stage.seconds for stage in report.stages)
    if GRADES.get(report.verdict) == GOOD:
        return Part(name, PASSED, taken)
    text = message(report) if judged else f"for information: {message(report)}"
    return Part(name, FAILED if judged else SKIPPED, taken, text, why(report))


def why(report: MigrationReport) -> tuple[str, ...]:
    """All that was not restored."""
    return (
        *other_reasons(report),
        *map(str, report.differences),
        *(f"{loss.table}: {loss_text(loss)}" for loss in report.losses),
    )


def message(report: MigrationReport) -> str:
    """Verdict and first reason."""
    return f"{report.verdict}: {report.reasons[0] if report.reasons else DOWN.get(report.verdict, '')}"
