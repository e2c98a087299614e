"""An in-memory scratch server. Instead of SQL, its databases understand these statements, one per line:

table items id name     create a table with these columns      row items 1 pen    add a row
drop items              drop it                                clear items        remove all rows
column items note       add a column, empty                    set items name x   write a value to all rows
drop items.note         drop it                                notice any words   emit a notice
fail any words          fail with an error                     hang               wait to be interrupted
interrupt               like Ctrl-C                            rewrite items      rewrite the whole table
setting name value      which only the dump shows              code f any words   create or replace a function
stamp items             a property that differs each time      role name          create a role of the server
unrole name             drop it
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from shipway.domain.catalog import Catalog, Content, Difference, Entry
from shipway.domain.errors import ProofError
from shipway.domain.proof import Lock
from shipway.ports import Fill, ScratchDatabase

Rows = list[dict[str, str]]


@dataclass
class Replay:
    """See ports.Replayed."""

    statements: int
    failures: Sequence[str] = ()


@dataclass
class Seen:
    """See ports.Watched."""

    locks: list[Lock] = field(default_factory=list)
    rewrites: list[str] = field(default_factory=list)


@dataclass
class State:
    columns: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, Rows] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)
    stamps: dict[str, str] = field(default_factory=dict)  # by table


class MemoryScratchDatabase:
    """See ports.ScratchDatabase."""

    def __init__(self, name: str, state: State, roles: dict[str, str] | None = None) -> None:
        self._name = name
        self.state = state
        self._roles = {} if roles is None else roles
        self.interrupted = threading.Event()
        self._touched: dict[str, int | None] = {}
        self._seen = Seen()

    @property
    def name(self) -> str:
        return self._name

    @property
    def url(self) -> str:
        return f"memory:///{self._name}"

    def catalog(self) -> Catalog:
        tables = self.state.columns
        entries = [Entry("table", table, {"made": self.state.stamps.get(table, "")}) for table in tables]
        entries += [Entry("function", name, {"code": code}) for name, code in self.state.code.items()]
        entries += [
            Entry("column", f"{table}.{name}", {"type": "text"}) for table, names in tables.items() for name in names
        ]
        return Catalog(
            {(entry.kind, entry.name): entry for entry in entries},
            {table: tuple(names) for table, names in tables.items()},
        )

    def touched(self) -> Mapping[str, int | None]:
        return {table: count for table, count in self._touched.items() if table in self.state.columns}

    def forget(self) -> None:
        self._touched.clear()

    def content(self, table: str, columns: Sequence[str]) -> Content:
        rows = self.state.rows[table]
        kept = [name for name in columns if name in self.state.columns[table]]
        return Content(len(rows), {name: repr(sorted(row.get(name, "") for row in rows)) for name in kept})

    @contextmanager
    def hashes(self, table: str, columns: Sequence[str]) -> Iterator[Iterator[int]]:
        yield iter(sorted(hash(tuple(row.get(name, "") for name in columns)) for row in self.state.rows[table]))

    def dump(self) -> Mapping[str, str]:
        return {f"SETTING {name}": value for name, value in self.state.settings.items()}

    def collisions(self) -> Sequence[str]:
        return ()

    def execute(self, sql: str, *, transaction: bool = True, timeout: float | None = None) -> Sequence[str]:
        before, notices = copy.deepcopy(self.state), list[str]()
        self.interrupted.clear()
        try:
            for line in sql.splitlines():
                if line.strip() and not line.startswith("--"):
                    self._statement(line.strip(), notices)
        except ProofError:
            if transaction:
                self.state = before
            raise
        return notices

    @contextmanager
    def watch(self) -> Iterator[Seen]:
        self._seen = Seen()
        yield self._seen

    @contextmanager
    def replay(self, statements: Sequence[str]) -> Iterator[Replay]:
        yield Replay(len(statements))

    def interrupt(self) -> Sequence[str]:
        self.interrupted.set()
        return ["running: hang"]

    def _statement(self, line: str, notices: list[str]) -> None:
        verb, _, rest = line.partition(" ")
        table, *words = rest.split() or [""]
        if verb == "table":
            self._need(table not in self.state.columns, f"{table} already exists")
            self.state.columns[table], self.state.rows[table] = words, []
        elif verb == "notice":
            notices.append(f"NOTICE: {rest}")
        elif verb == "fail":
            raise ProofError(rest)
        elif verb == "setting":
            self.state.settings[table] = " ".join(words)
        elif verb == "code":
            self.state.code[table] = rest.partition(" ")[2]
        elif verb in ("role", "unrole"):
            self._need(
                (table in self._roles) is (verb == "unrole"),
                f"role {table} {'already exists' if verb == 'role' else 'does not exist'}",
            )
            self._roles.update({table: ""}) if verb == "role" else self._roles.pop(table)
        elif verb == "interrupt":
            raise KeyboardInterrupt
        elif verb == "hang":
            self.interrupted.wait()
            raise ProofError("terminating connection due to administrator command")
        elif verb == "drop" and "." in table:
            table, _, column = table.partition(".")
            self._need(column in self.state.columns.get(table, []), f"{table}.{column} does not exist")
            self.state.columns[table].remove(column)
            for row in self.state.rows[table]:
                row.pop(column, None)
        else:
            self._need(table in self.state.columns, f"{table} does not exist")
            self._change(verb, table, words)

    def _change(self, verb: str, table: str, words: list[str]) -> None:
        rows = self.state.rows[table]
        if verb == "drop":
            del self.state.columns[table], self.state.rows[table]
        elif verb == "column":
            self._need(words[0] not in self.state.columns[table], f"{table}.{words[0]} already exists")
            self.state.columns[table].append(words[0])
        elif verb == "row":
            rows.append(dict(zip(self.state.columns[table], words, strict=True)))
            self._touch(table, 1)
        elif verb == "set":
            for row in rows:
                row[words[0]] = words[1]
            self._touch(table, len(rows))
        elif verb == "clear":
            self._touch(table, len(rows))
            rows.clear()
        elif verb == "stamp":
            self.state.stamps[table] = f"at {time.time_ns()}"
        elif verb == "rewrite":
            self._seen.rewrites.append(table)
            self._touched[table] = None
        else:
            raise ProofError(f"no such statement: {verb}")

    def _touch(self, table: str, count: int) -> None:
        earlier = self._touched.get(table, 0)
        if count and earlier is not None:
            self._touched[table] = earlier + count

    @staticmethod
    def _need(condition: bool, words: str) -> None:
        if not condition:
            raise ProofError(words)


class MemoryScratch:
    """See ports.Scratch. `databases` are the existing ones; `made` counts all that were ever created."""

    def __init__(self, fill: Fill | None = None) -> None:
        self.fill = fill
        self.databases: dict[str, MemoryScratchDatabase] = {}
        self.roles: dict[str, str] = {}
        self.made = 0

    def create(self, like: ScratchDatabase | None = None) -> MemoryScratchDatabase:
        self.made += 1
        state = State() if like is None else copy.deepcopy(self.databases[like.name].state)
        database = MemoryScratchDatabase(f"scratch_{self.made}", state, self.roles)
        self.databases[database.name] = database
        return database

    def drop(self, database: ScratchDatabase) -> None:
        self.databases.pop(database.name, None)

    def drop_orphans(self) -> Sequence[str]:
        return []

    def version(self) -> str:
        return "memory 1.0"

    def free_space(self) -> int | None:
        return None

    def hints(self, message: str) -> Sequence[str]:
        return ("release the lock",) if "deadlock" in message else ()

    def notices(self, lines: Sequence[str]) -> Sequence[str]:
        return [line.partition("NOTICE: ")[2] for line in lines if "NOTICE: " in line]

    def cosmetic(self, difference: Difference) -> bool:
        before, after = difference.facets.get("code", ("", ""))
        return before.split() == after.split() and set(difference.facets) == {"code"}

    def server_objects(self) -> Mapping[str, str]:
        return dict(self.roles)

    def restore_server_objects(self, known: Mapping[str, str]) -> Sequence[str]:
        different = sorted(self.roles.keys() ^ known.keys())
        self.roles.clear()
        self.roles.update(known)
        return different

    def skipped(self, notice: str) -> bool:
        return "skipping" in notice
