"""Migration pairs: what a team's folder of migrations may hold, with the verdict that each deserves.

`tests/migrations/NAME.sql` is one pair. Its head is a line in words, and what is expected:

    -- verdict: DATA_LOST                  with the rows below
    -- empty: RESTORED                     without rows; else the same as with them, RESTORED instead of DATA_LOST
    -- generated: FAILS                    with generated rows; else the same as with the rows below
    -- unseen: yes                        the up migration fails with generated rows: they prove nothing, and the warnings say so
    -- triage: breaking                    of the up migration
    -- reason: words                       that are among the reasons
    -- warns: words                        that are among the warnings; without such a line there are none about the down
    -- differs: column public.a.b changed: default        each difference after the down migration, and no other
    -- lost: public.a 3 → 2: b, c          each table whose rows differ (without numbers: as many as before) in these columns
    -- transaction: no                     the scripts, and the schema before, can't run in one
    -- since: 15                           the oldest version of PostgreSQL that can run it; `until` is the newest one

Then come the sections `--- before` (the schema), `--- rows`, `--- up` and `--- down`; without the last one there is no file. The
section `--- after` removes what the whole server keeps, such as roles; it runs in another database.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from shipway.domain.catalog import Difference
from shipway.domain.proof import DATA_LOST, RESTORED, Loss
from shipway.drivers.database.sql_folder import NO_TRANSACTION, Migration, SqlFile

FOLDER = Path(__file__).parent / "migrations"
VERSION = "2"  # of the migration; the schema before it is version 1
_SECTION = re.compile(r"^--- (before|rows|up|down|after)$\n?", re.MULTILINE)
_FIELD = re.compile(
    r"^-- (verdict|empty|generated|unseen|triage|reason|warns|differs|lost|transaction|since|until): (.*)$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Pair:
    """One file, as it is written."""

    name: str
    fields: tuple[tuple[str, str], ...]
    sections: dict[str, str]

    def all(self, field: str) -> list[str]:
        return [value for name, value in self.fields if name == field]

    def one(self, field: str, other: str = "") -> str:
        return next(iter(self.all(field)), other)

    @property
    def verdict(self) -> str:
        return self.one("verdict")

    @property
    def empty(self) -> str:
        return self.one("empty", RESTORED if self.verdict == DATA_LOST else self.verdict)

    @property
    def generated(self) -> str:
        return self.one("generated", self.verdict)

    def runs_on(self, version: int) -> bool:
        """Whether this version of PostgreSQL can run it."""
        return int(self.one("since", "0")) <= version <= int(self.one("until", "99"))

    @property
    def migration(self) -> Migration:
        mark = f"{NO_TRANSACTION}\n" if self.one("transaction") == "no" else ""
        down = self.sections.get("down")
        return Migration(
            VERSION, self.name, SqlFile(f"{self.name}.up.sql", mark + self.sections["up"]),
            None if down is None else SqlFile(f"{self.name}.down.sql", mark + down),
        )  # fmt: skip


def load_pairs() -> list[Pair]:
    """All of them, by name."""
    return [read(path) for path in sorted(FOLDER.glob("*.sql"))]


def read(path: Path) -> Pair:
    head, *parts = _SECTION.split(path.read_text())
    assert len(parts) >= 4, f"{path}: see the head of {__file__}"
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    return Pair(path.stem, tuple((match[1], match[2]) for match in _FIELD.finditer(head)), sections)


def write_difference(difference: Difference) -> str:
    """As in a pair's head: the facets' names, without their values."""
    facets = f": {', '.join(difference.facets)}" if difference.change == "changed" else ""
    return f"{difference.kind} {difference.name} {difference.change}{facets}"


def write_loss(loss: Loss) -> str:
    """As in a pair's head."""
    before, after = loss.rows
    count = "" if before == after else f" {before} → {after}"
    columns = f": {', '.join(loss.columns)}" if loss.columns else ""
    return f"{loss.table}{count}{columns}"
