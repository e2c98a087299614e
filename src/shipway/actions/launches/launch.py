"""Carry out the checklist: each step observes first, so that a launch that died anywhere goes on where it was."""

from __future__ import annotations

from shipway.actions.launches.launching import Launching, LaunchRequest, Step
from shipway.actions.launches.steps import steps_of
from shipway.context import Context
from shipway.domain.errors import ShipwayError
from shipway.domain.launch import DONE, FAILED, NEEDED, NOT_NEEDED, PENDING, SUCCEEDED, LaunchRecord, StepState

NEEDS = "needs "  # begins a line about what must be there, which is told in any case


def launch(ctx: Context, request: LaunchRequest) -> list[StepState]:
    """Do what is missing, in order. Returns the state of every step; raises what a step raises, and leaves the address
    closed then."""
    at = Launching(ctx, request)
    states = list[StepState]()
    for step in steps_of(at):
        why = step.needed()
        if not why:
            states.append(StepState(step.name, DONE))
            continue
        states.append(StepState(step.name, SUCCEEDED, _carried_out(at, step, why)))
    return states


def preview(ctx: Context, request: LaunchRequest) -> list[StepState]:
    """What a launch would do, without any change. A step that can't be looked at yet says why."""
    found = list[StepState]()
    for step in steps_of(Launching(ctx, request)):
        try:
            why, all_of_it = step.needed(), step.would()
            state = NEEDED if why else DONE if all_of_it else NOT_NEEDED
            would = tuple(line for line in all_of_it if why or line.startswith(NEEDS))
        except ShipwayError as error:
            state, why, would = NEEDED, error.message, tuple(error.hint.splitlines())
        found.append(StepState(step.name, state, why, would))
    return found


def _carried_out(at: Launching, step: Step, why: str) -> str:
    ctx = at.ctx

    def record(outcome: str, detail: str) -> None:
        release = at.release
        number = release.number if release else None
        ctx.ledger.add_launch_record(
            LaunchRecord(at.app, at.name, step.name, outcome, number, detail, ctx.actor, ctx.clock())
        )

    record(PENDING, why)
    ctx.reporter.heading(f"{step.name}: {why}")
    try:
        found = step.run()
    except ShipwayError as error:
        record(FAILED, error.message.splitlines()[0])
        raise
    record(SUCCEEDED, found)
    return found
