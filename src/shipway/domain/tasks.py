"""Commands that run in a service's image beside the services: seeds, one-off tasks, and jobs on a schedule."""

from __future__ import annotations

from shipway.domain.value import dataclass

SKIP, QUEUE, ALLOW = "skip", "queue", "allow"  # what happens to a run that is due while an earlier one is running

DEPLOYMENT, ENVIRONMENT = "deployment", "environment"  # how often a seed runs: in each deployment, or once


@dataclass(frozen=True)
class Seed:
    """An idempotent command that fills a new environment; runs after the migrations."""

    service: str
    run: str
    secrets: tuple[str, ...] = ()
    each: str = DEPLOYMENT  # or environment: once, see `domain.launch.seed_due`


@dataclass(frozen=True)
class Task:
    """An idempotent command of a deployment, before or after the switch."""

    service: str
    run: str  # by `sh -c`
    secrets: tuple[str, ...] = ()  # in addition to the service's own
    timeout: float = 1800.0


@dataclass(frozen=True)
class Schedule:
    """A command that runs at certain times, in the image of the live release."""

    name: str
    service: str
    run: str  # by `sh -c`
    at: str  # five fields as in a crontab
    zone: str = "UTC"  # time zone of `at`
    overlap: str = SKIP
    timeout: float = 3600.0
    retries: int = 0  # further attempts after a failed, timed out or lost one
    secrets: tuple[str, ...] = ()  # in addition to the service's own
