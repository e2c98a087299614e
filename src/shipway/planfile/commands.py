"""The sections of commands that run beside services: seeds, tasks, jobs on a schedule, scenarios of proofs. See `sections`."""

from __future__ import annotations

from shipway.domain import plan as domain
from shipway.domain import tasks
from shipway.domain.launch import Launch, Load
from shipway.planfile import values as v
from shipway.planfile.kinds import Choice, Number, Several
from shipway.planfile.mappings import ByName, Record

SEED = Record(
    tasks.Seed,
    {
        "service": v.SERVICE,
        "run": v.SHELL,
        "secrets": v.SECRETS,
        "each": Choice({each: each for each in (tasks.DEPLOYMENT, tasks.ENVIRONMENT)}),
    },
    required=("service", "run"),
)
LOAD = Record(
    Load,
    {"rate": v.RATE, "duration": v.TEN_MINUTES, "p99": v.DURATION, "errors": v.SHARE_OR_NONE, "path": v.URL_PATH},
)
LAUNCH = Record(
    Launch,
    {
        "scenarios": Several(v.NAME),
        "load": LOAD,
        "index": Choice({"true": True, "false": False}),
        "headers": Several(v.HEADER_NAME),
        "wait": v.WITHIN_A_DAY,
    },
)
TASK = Record(
    tasks.Task,
    {"service": v.SERVICE, "run": v.SHELL, "secrets": v.SECRETS, "timeout": v.WITHIN_A_DAY},
    required=("service", "run"),
)
SCHEDULE = Record(
    tasks.Schedule,
    {
        "service": v.SERVICE,
        "run": v.SHELL,
        "at": v.CRON,
        "zone": v.ZONE,
        "overlap": Choice({kind: kind for kind in (tasks.SKIP, tasks.QUEUE, tasks.ALLOW)}),
        "timeout": v.DURATION,
        "retries": v.RETRIES,
        "secrets": v.SECRETS,
    },
    required=("service", "run", "at"),
    named=True,
)
SCENARIO = Record(
    domain.Scenario,
    {"service": v.SERVICE, "run": v.SHELL, "kind": Choice({kind: kind for kind in ("read", "write", "job")})},
    required=("service", "run"),
    named=True,
)
PROVE = Record(
    domain.Proving,
    {
        "mode": Choice({mode: mode for mode in ("schema", "data", "rows")}),
        "mask": Several(v.SQL),
        "secrets": Several(v.SECRET),
        "timeout": v.DURATION,
        "traffic": Number("a number of statements, from 0 to 1000", 0, 1000),
        "scenarios": ByName(
            SCENARIO, v.NAME_PATTERN, v.NAME_WORDS, "add-item: {service: backend, run: ./add-item, kind: write}"
        ),
    },
    renamed={"scenarios": "exercise"},
    former={"exercise": "scenarios"},
)
