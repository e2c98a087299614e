"""Proofs of every kind, as they come out of a walk: small ones that say one thing each, and a huge one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from shipway.domain import proof as words
from shipway.domain.catalog import ADDITIVE, BREAKING, REVIEW, Difference
from shipway.domain.proof import CompatibilityTest, Growth, Lock, Loss, MigrationReport, Proof, Stage, Traffic, Wait

RENAMED = Difference(
    "changed", "column", "public.items.price", {"type": ("integer", "numeric(10,2)"), "default": ("0", "")}
)
GONE = Difference("removed", "index", "public.items_price_idx")
LEFT = Difference("added", "type", "public.currency")
LOCKS = (
    Lock("public.items", "AccessExclusiveLock", 0.05, 1.9),
    Lock("public.items", "ShareLock", 0.4, 0.7),
    Lock("public.orders", "RowExclusiveLock", 0.3, 1.2),
    Lock("public.items", "AccessExclusiveLock", 2.0, 0.1),
)
UP = Stage(
    "up",
    14.0,
    2.2,
    "succeeded",
    locks=LOCKS,
    rewrites=("public.items",),
    rows={"public.items": 120_000},
    notices=("NOTICE: the column was converted",),
)
DOWN = Stage("down", 18.1, 1.4, "succeeded", locks=(Lock("public.items", "AccessExclusiveLock", 0.02, 1.1),))
AGAIN = Stage("up again", 21.0, 2.0, "succeeded")
SAFE = CompatibilityTest(
    words.SAFE,
    checks=("health: backend", "read: list-items", "write: add-item", "job: send-mail"),
    stages=(Stage("old code", 25.5, 6.1, "succeeded"),),
)
UNSAFE = CompatibilityTest(
    words.UNSAFE,
    ("write add-item: exit code 1", '42703: column "price" of relation "items" does not exist'),
    ("health: backend", "read: list-items"),
    (
        Stage(
            "old code",
            25.5,
            6.1,
            "failed",
            ("Traceback (most recent call last):", 'psycopg.errors.UndefinedColumn: column "price" does not exist'),
        ),
    ),
)
NEW = CompatibilityTest(
    words.SAFE, checks=("health: backend", "read: list-items"), stages=(Stage("new code", 33.0, 4.0, "succeeded"),)
)
IDLE = CompatibilityTest(words.SAFE, ("the release brings no migration",))
TRAFFIC = Traffic(
    (
        Wait("migration", "ALTER TABLE items ADD note text", "SELECT * FROM items FOR UPDATE", "public.items", "AccessExclusiveLock", 0.01, 4.9),
        Wait("traffic", "SELECT price FROM items", "ALTER TABLE items ADD note text", "public.items", "AccessShareLock", 0.2, 0.3, 12),
    ),
    ("write add-item exited with 1: canceling statement due to lock timeout",), 31, "", (Stage("up under traffic", 16.0, 5.0, "succeeded"),),
)  # fmt: skip
GROWTH = Growth("public.items", 1_200_000, 340_000_000, "rewrite", "ACCESS EXCLUSIVE", 7.4, "ALTER TABLE items ALTER price TYPE bigint", "add a column of the new type")  # fmt: skip
TOGETHER = CompatibilityTest(
    words.UNSAFE, ("release 12: write add-item fails after release 14's job send-mail",), ("release 14: write add-item",),
    (Stage("both, start", 17.0, 2.0, "succeeded"),),
)  # fmt: skip
RESTORED = MigrationReport(
    ("0008_price", "0009_currency"),
    words.RESTORED,
    triage=ADDITIVE,
    triage_reasons=("column public.items.note added, and it may be empty",),
    changes=(Difference("added", "column", "public.items.note"), LEFT),
    stages=(UP, DOWN, AGAIN),
)
PROOF = Proof(
    app="catalogue", environment="production", release=14, digest="sha256:" + "4f" * 32, before=12, before_digest="sha256:" + "a1" * 32,
    schema_before="0007_orders", schema_after="0009_currency", mode=words.DATA, at=1_795_572_000.0, seconds=41.2, way=RESTORED,
    each=(
        dataclasses.replace(RESTORED, migrations=("0008_price",)),
        dataclasses.replace(RESTORED, migrations=("0009_currency",), stages=()),
    ),
    old_code=SAFE, new_code=NEW, image="postgres:15@sha256:" + "c0" * 32,
    stages=(Stage("template", 0.0, 13.6, "succeeded"), Stage("compare", 23.5, 1.5, "succeeded")),
    scripts={"migrations/versions/0008_price.py": 'def downgrade():\n    op.alter_column("items", "price")\n'},
)  # fmt: skip


def with_way(
    verdict: str, *reasons: str, triage: str = REVIEW, old_code: CompatibilityTest = UNSAFE, **way: object
) -> Proof:
    """The proof above with another migration report."""
    why = RESTORED.triage_reasons if triage else ()
    changed = dataclasses.replace(RESTORED, verdict=verdict, reasons=reasons, triage=triage, triage_reasons=why, **way)  # type: ignore[arg-type]
    return dataclasses.replace(PROOF, way=changed, old_code=old_code)


def failing(name: str, *output: str) -> tuple[Stage, ...]:
    """The stages up to the one that fails."""
    found = []
    for stage in (UP, DOWN, AGAIN):
        found.append(dataclasses.replace(stage, outcome="failed", output=output) if stage.name == name else stage)
        if stage.name == name:
            break
    return tuple(found)


SAMPLES: Mapping[str, Proof] = {
    "restored": PROOF,
    "down-then-code": dataclasses.replace(PROOF, old_code=UNSAFE),
    "column-order": with_way(words.COLUMN_ORDER, "public.items: price is last"),
    "data-lost": with_way(
        words.DATA_LOST, "public.items has different values in price, note (120000 rows)", "public.discounts has 0 rows; before: 312", triage=BREAKING,
        losses=(Loss("public.items", (120_000, 120_000), ("price", "note")), Loss("public.discounts", (312, 0))),
    ),
    "not-restored": with_way(
        words.NOT_RESTORED, *(f"after the down migration: {item}" for item in (GONE, RENAMED, LEFT)), differences=(GONE, RENAMED, LEFT), triage=BREAKING,
        warnings=('down: NOTICE: index "items_pirce_idx" does not exist, skipping',),
    ),
    "irreversible": with_way(words.IRREVERSIBLE, "0009_currency has no downgrade", stages=(UP,), triage=BREAKING),
    "up-fails": with_way(words.FAILS, "up: syntax error at or near \"TABEL\"", stages=failing("up", 'ERROR:  syntax error at or near "TABEL"', "LINE 1: ALTER TABEL items"), triage=""),
    "down-fails": with_way(words.FAILS, "down: not done within 5 min 0 s", stages=failing("down", "canceling statement due to statement timeout")),
    "no-evidence": dataclasses.replace(PROOF, old_code=CompatibilityTest(words.NO_EVIDENCE, ("the plan has no scenario",)), new_code=CompatibilityTest(words.NO_EVIDENCE)),
    "breaking": with_way(words.RESTORED, triage=BREAKING, old_code=CompatibilityTest(words.NO_EVIDENCE, ("the plan has no scenario",))),
    "schema-only": dataclasses.replace(PROOF, mode=words.SCHEMA),
    "no-migration": dataclasses.replace(PROOF, way=None, each=(), schema_after="0007_orders", scripts={}, old_code=IDLE, new_code=IDLE, stages=()),
    "traffic": dataclasses.replace(PROOF, traffic=TRAFFIC, growth=(GROWTH,), together=TOGETHER),
    "no-traffic": dataclasses.replace(PROOF, traffic=Traffic(reason="not measured: the old code does not work on its own schema: add exited with 1")),
    "first": dataclasses.replace(PROOF, release=0, before=None, before_digest="", schema_before=None, old_code=CompatibilityTest(words.NO_EVIDENCE)),
}  # fmt: skip


def huge() -> Proof:
    """300 migrations over 240 tables, with a hundred things wrong."""
    migrations = tuple(f"{number:04}_change_{number * 7 % 240}_of_the_accounting_module" for number in range(1, 301))
    verdicts = (words.RESTORED,) * 7 + (words.NOT_RESTORED, words.COLUMN_ORDER, words.DATA_LOST)
    each = tuple(
        MigrationReport(
            (name,),
            verdicts[index % 10],
            (f"reason of {name}",) if index % 10 > 6 else (),
            (ADDITIVE, REVIEW, BREAKING)[index % 3],
            differences=(GONE,) * (index % 10 == 7),
        )
        for index, name in enumerate(migrations)
    )
    modes = (
        "AccessExclusiveLock",
        "ShareRowExclusiveLock",
        "ShareLock",
        "ShareUpdateExclusiveLock",
        "RowExclusiveLock",
        "AccessShareLock",
    )
    locks = tuple(
        Lock(
            f"accounting.ledger_entries_of_quarter_{number % 80}",
            modes[number % 6],
            number * 0.37 % 80,
            0.3 + number % 17,
        )
        for number in range(400)
    )
    rows = {f"accounting.ledger_entries_of_quarter_{number}": number * 10_001 for number in range(80)}
    stages = (
        Stage(
            "up",
            640.0,
            97.0,
            "succeeded",
            locks=locks,
            rewrites=tuple(rows)[:20],
            rows=rows,
            notices=tuple(f"NOTICE: row {number} converted" for number in range(300)),
        ),
        Stage("down", 790.0, 60.0, "succeeded", locks=locks[:100]),
        Stage("up again", 900.0, 99.0, "succeeded"),
    )
    differences = tuple(
        Difference(
            "changed",
            "function",
            f"accounting.recompute_balance_of_quarter_{number}(bigint, timestamp with time zone)",
            {"definition": (f"SELECT sum(amount) FROM entries WHERE quarter = {number} AND deleted_at IS NULL", "")},
        )
        for number in range(110)
    )
    losses = tuple(
        Loss(name, (count + 5, count), ("amount", "currency", "converted_at")) for name, count in rows.items()
    )
    way = MigrationReport(
        migrations, words.NOT_RESTORED, tuple(f"object {number} is not what it was" for number in range(40)), BREAKING, tuple(f"table t{number} removed" for number in range(30)),
        differences, differences, losses, stages, tuple(f"prefer-nothing: line {number}: a constraint is checked for each row while all wait" for number in range(60)),
    )  # fmt: skip
    scripts = {f"db/down/{name}.sql": f"DROP TABLE {name};\n" * 20 for name in migrations}
    return dataclasses.replace(
        PROOF,
        way=way,
        each=each,
        seconds=1400.0,
        stages=(Stage("template", 0.0, 620.0, "succeeded"),),
        scripts=scripts,
        old_code=UNSAFE,
    )


HOSTILE = "</script></style><script>alert(1)</script>'\"><img src=x onerror=alert(1)>&amp;]]><!--\x1b[31m\x00\u202etxt"


def hostile(value: Any) -> Any:
    """The same proof, where each text has something in it that wants to be more than a text."""
    if isinstance(value, str):
        return value + HOSTILE
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(
            value, **{item.name: hostile(getattr(value, item.name)) for item in dataclasses.fields(value)}
        )
    if isinstance(value, Mapping):
        return {hostile(key): hostile(item) for key, item in value.items()}
    return tuple(hostile(item) for item in value) if isinstance(value, tuple) else value


def texts(value: Any) -> Iterator[str]:
    """All texts of a proof."""
    if isinstance(value, str):
        yield value
    elif dataclasses.is_dataclass(value):
        for item in dataclasses.fields(value):
            yield from texts(getattr(value, item.name))
    elif isinstance(value, Mapping):
        yield from (text for pair in value.items() for part in pair for text in texts(part))
    elif isinstance(value, tuple):
        yield from (text for item in value for text in texts(item))
