"""Both releases at once on the new schema, as a rolling or canary deployment lets them serve for minutes: their scenarios
run in turn, so that each meets what the other one wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from itertools import zip_longest

from shipway.domain.plan import Scenario
from shipway.domain.proof import NO_EVIDENCE, SAFE, UNSAFE, CompatibilityTest, Stage
from shipway.domain.server_log import Mismatch, ServerLog
from shipway.domain.value import dataclass
from shipway.ports import ScratchDatabase
from shipway.proving.clients import network_of
from shipway.proving.sandbox_environment import Failed, ReleaseConfig, SandboxEnvironment, open_environment
from shipway.proving.server import Server
from shipway.proving.stages import Stages

ROUNDS = 2
OLD, NEW = "old code", "new code"


@dataclass(frozen=True)
class Failure:
    """A scenario that failed while both releases served. before: what ran last, of the other release."""

    who: str  # OLD or NEW
    scenario: Scenario
    reason: str
    before: str


@dataclass
class Interleaved:
    """What both releases did together."""

    failures: list[Failure] = field(default_factory=list)  # the first of each scenario
    passed: list[tuple[str, Scenario]] = field(default_factory=list)  # in every round
    broken: str = ""  # why it could not be tested to the end
    stages: tuple[Stage, ...] = ()
    mismatches: Mapping[str, ServerLog] = field(default_factory=dict)  # by OLD and NEW


def run_interleaved(
    server: Server, database: ScratchDatabase, old: ReleaseConfig, new: ReleaseConfig, began: float
) -> Interleaved:
    """Run both releases on a database with the new schema. began: start of the proof."""
    old, new = old.on(server, database), new.on(server, database)
    seen, done = Stages(server.sandbox.ctx.clock, began), Interleaved()
    with open_environment(server, "both-old") as there, open_environment(server, "both-new") as here:
        there.accessories(new.release.plan)
        there.share_accessories(here, new.release.plan)
        sides = {OLD: (there, old), NEW: (here, new)}
        mark = server.mark(database)
        try:
            with seen.stage("both, start"):
                here.seed(new)
                for who, (at, config) in sides.items():
                    _start(at, config, who)
            _rounds(sides, done, seen)
        except Failed as error:
            done.broken = error.reason
        finally:
            for at, config in sides.values():
                at.stop(config)
        done.mismatches = _by_side(
            server.log(database, mark), {OLD: there.network, NEW: here.network}, server.addresses()
        )
    done.stages = tuple(seen.stages)
    return done


def _start(at: SandboxEnvironment, config: ReleaseConfig, who: str) -> None:
    try:
        at.start(config)
    except Failed as error:
        raise Failed(f"the {who} does not start beside the other release: {error.reason}", error.output) from error


def _rounds(sides: Mapping[str, tuple[SandboxEnvironment, ReleaseConfig]], done: Interleaved, seen: Stages) -> None:
    last = {OLD: "", NEW: ""}
    turns = list(in_turn(*(list(config.release.plan.prove.exercise.values()) for _, config in sides.values())))
    for number in range(1, ROUNDS + 1):
        for who, scenario in turns:
            at, config = sides[who]
            name = f"{scenario.kind} {scenario.name}"
            try:
                with seen.stage(f"both, {who}, {name}, round {number}"):
                    at.run_scenario(config, scenario)
            except Failed as error:
                if all((item.who, item.scenario) != (who, scenario) for item in done.failures):
                    done.failures.append(Failure(who, scenario, error.reason, last[NEW if who == OLD else OLD]))
            last[who] = name
    failed = {(item.who, item.scenario.name) for item in done.failures}
    done.passed = [(who, scenario) for who, scenario in turns if (who, scenario.name) not in failed]
    for at, config in sides.values():
        at.require_running(config)


def in_turn(old: Sequence[Scenario], new: Sequence[Scenario]) -> Iterator[tuple[str, Scenario]]:
    """The scenarios of both releases: old, new, old, new …"""
    for one, other in zip_longest(old, new):
        if one is not None:
            yield OLD, one
        if other is not None:
            yield NEW, other


def _by_side(log: ServerLog, networks: Mapping[str, str], addresses: Mapping[str, str]) -> dict[str, ServerLog]:
    """The schema-mismatch errors of each release, by the network of its containers."""

    def of(network: str) -> tuple[Mismatch, ...]:
        return tuple(item for item in log.mismatches if network_of(item.client, addresses) == network)

    return {who: ServerLog(mismatches=of(network)) for who, network in networks.items()}


def alone(test: CompatibilityTest) -> set[tuple[str, str]]:
    """Side, and kind and name of the scenarios that passed on the new schema while only one release served, by the
    stages of the old code's test."""
    names = (stage.name.partition(", ") for stage in test.stages if stage.outcome == "succeeded")
    return {(who, name) for who, _, name in names}


def judge_together(
    found: Interleaved, numbers: Mapping[str, str], old_code: CompatibilityTest, log: Mapping[str, Sequence[str]]
) -> CompatibilityTest:
    """The verdict. numbers: display names of the sides. old_code: the test of each release alone. log: messages about
    the mismatches of each side."""
    passed_alone, reasons = alone(old_code), []
    for item in found.failures:
        name, other = f"{item.scenario.kind} {item.scenario.name}", numbers[NEW if item.who == OLD else OLD]
        after = f" after {other} ran {item.before}" if item.before else ""
        verdict = "alone it passed" if (item.who, name) in passed_alone else "it does not pass alone either"
        reasons.append(f"{numbers[item.who]} fails{after}: {item.reason}; {verdict}")
    reasons += [f"{numbers[who]}: {text}" for who, texts in log.items() for text in texts]
    reasons += [found.broken] if found.broken else []
    checks = tuple(f"{numbers[who]}, {item.kind}: {item.name}" for who, item in found.passed)
    if reasons:
        return CompatibilityTest(UNSAFE, tuple(reasons), checks, found.stages)
    wrote = {who for who, item in found.passed if item.kind != "read"}
    if wrote != {OLD, NEW}:
        lacking = " and ".join(numbers[who] for who in (OLD, NEW) if who not in wrote)
        return CompatibilityTest(NO_EVIDENCE, (f"unknown: no scenario of {lacking} writes",), checks, found.stages)
    return CompatibilityTest(SAFE, (), checks, found.stages)
