"""Runs in a container with the volume of an environment's SQLite file, whose path is $DB_FILE. Passed to `python3 -c` as text;
for Python 3.7 and later.

Arguments: an operation of ports.DatabaseServer with its words, or `migrate` with those of drivers.database.sql_client. Other
processes use the file meanwhile: it is only read and written by SQLite itself, in transactions.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import re
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

FILE = os.environ["DB_FILE"]  # an empty name would be a database of its own, which is lost
PATIENCE = float(os.environ.get("DB_PATIENCE", "60"))  # seconds to wait for another process's transaction
SPARE = 300_000_000  # bytes
SWAPPED = "shipway_swapped"  # table in the file that a restore has replaced; its row names the restore
CHUNK = 1 << 20
DONE = 101  # what SQLite returns once a copy is complete
SHADOW = ("config", "content", "data", "docsize", "idx", "node", "parent", "rowid", "segdir", "segments", "stat")


class Stop(Exception):
    pass


def say(text: str) -> None:
    print("shipway-" + text, flush=True)


def connect(path: str, create: bool = False) -> sqlite3.Connection:
    new = path != ":memory:" and not os.path.exists(path)
    if new and not create:
        raise Stop("there is no file " + path)
    db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    if new:
        db.execute("VACUUM")  # writes the file
        if os.geteuid() == 0:  # the service may run as another user
            owner = os.stat(os.path.dirname(path) or ".")
            os.chown(path, owner.st_uid, owner.st_gid)
    return db


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def tables(db: sqlite3.Connection) -> list[str]:
    rows = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    return sorted(name for (name,) in rows if name != SWAPPED)


def copy(source: sqlite3.Connection, target: sqlite3.Connection, deadline: float) -> None:
    """All pages in one read transaction of the source and one write transaction of the target. Whoever reads the target
    sees all or nothing, also if this process ends in between: then SQLite rolls the file back."""

    def progress(status: int, remaining: int, total: int) -> None:
        if status != DONE and time.monotonic() > deadline:
            raise Stop("another process keeps the database locked")

    source.backup(target, pages=-1, progress=progress, sleep=0.1)


def take_copy(path: str) -> None:
    """A consistent copy in a new file, as of one moment. In the mode WAL no writer waits for it."""
    source = connect(FILE if os.path.exists(FILE) else ":memory:")  # nothing has written it yet: it is empty
    target = sqlite3.connect(path, isolation_level=None)
    copy(source, target, time.monotonic() + PATIENCE)
    source.close()
    target.close()


def print_rows(db: sqlite3.Connection) -> None:
    for name in tables(db):
        shown = name if re.fullmatch("[a-z_][a-z0-9_]*", name) else quoted(name)
        try:
            count = db.execute("SELECT count(*) FROM " + quoted(name)).fetchone()[0]
        except sqlite3.OperationalError as error:
            if "no such module" in str(error):  # of a virtual table, which only the app's SQLite has
                continue
            raise
        say(f"rows {shown}\t{count}")
    if os.environ.get("SHAPE"):
        found = sorted(str(row) for row in db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))
        say("shape " + hashlib.sha256("\n".join(found).encode()).hexdigest())


def digest(path: str) -> str:
    found = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            found.update(chunk)
    return found.hexdigest()


def sync(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def size_of() -> int:
    return sum(os.path.getsize(FILE + end) for end in ("", "-wal") if os.path.exists(FILE + end))


def check(path: str) -> sqlite3.Connection:
    """Open a copy, which becomes a single file, and verify it."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = DELETE").fetchall()
    found = [text for (text,) in db.execute("PRAGMA integrity_check(5)")]
    if found != ["ok"]:
        raise Stop("the copy of the database is damaged:\n" + "\n".join(found))
    return db


def rows() -> None:
    if os.path.exists(FILE):
        db = connect(FILE)
        db.execute("BEGIN")
        print_rows(db)


def reach() -> None:
    say("server " + sqlite3.sqlite_version)


def size() -> None:
    print(size_of())


def take(file: str, *kept: str) -> None:
    for old in Path().glob("*.part*"):
        old.unlink()
    needed, free = size_of(), shutil.disk_usage(".").free
    if free < 2 * needed + SPARE:
        say(f"full {needed} {free}")
        raise Stop("the disk is too full")
    part = file + ".part"
    take_copy(part)
    db = check(part)
    print_rows(db)
    db.close()
    sync(part)
    os.replace(part, file)
    sync(".")
    for path in Path().glob("*.dump"):
        if path.name not in (file, *kept):
            path.unlink()
    say(f"taken {os.path.getsize(file)} {digest(file)}")


def load(file: str, wanted: str, new: str) -> None:
    if not os.path.exists(file):
        raise Stop("the snapshot volume has no file " + file)
    if digest(file) != wanted:
        raise Stop(file + " is damaged: its digest differs")
    remove(new)
    shutil.copyfile(file, new + ".part")
    check(new + ".part").close()
    sync(new + ".part")
    os.replace(new + ".part", new + ".db")


def verify(file: str, wanted: str) -> None:
    if not os.path.exists(file):
        raise Stop("the volume has no file " + file)
    if digest(file) != wanted:
        raise Stop(file + " is damaged: its digest differs")
    db = check(file)
    print_rows(db)
    db.close()


def swap(new: str, old: str) -> None:
    """Replace the content of the file, not the file: the processes that have it open go on with the new content."""
    if swapped() == old:
        return
    source = connect(new + ".db")
    source.execute("CREATE TABLE IF NOT EXISTS " + SWAPPED + " (name text)")
    source.execute("DELETE FROM " + SWAPPED)
    source.execute("INSERT INTO " + SWAPPED + " VALUES (?)", [old])
    target = connect(FILE, create=True)
    if target.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        size = source.execute("PRAGMA page_size").fetchone()[0]
        if target.execute("PRAGMA page_size").fetchone()[0] != size:
            raise Stop("the file has pages of another size than the snapshot, which the mode WAL doesn't allow")
    copy(source, target, time.monotonic() + PATIENCE)
    target.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def swapped() -> str:
    if not os.path.exists(FILE):
        return ""
    db = connect(FILE)
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [SWAPPED]).fetchall():
        return ""
    found = db.execute("SELECT name FROM " + SWAPPED).fetchall()
    return found[0][0] if found else ""


def remove(new: str) -> None:
    for path in Path().glob(new + ".*"):
        path.unlink()


def there() -> None:
    for path in sorted(Path().glob("shipway_restore_*.db")):
        say("there " + path.stem)
    name = swapped()
    if name:
        say("there " + name)


def sweep() -> None:
    for path in Path().glob("shipway_restore_*"):
        path.unlink()
    if swapped():
        connect(FILE).execute("DROP TABLE IF EXISTS " + SWAPPED)


def schema(*history: str) -> None:
    if not os.path.exists(FILE):
        return
    for name, text in connect(FILE).execute("SELECT tbl_name, sql FROM sqlite_master ORDER BY type, name"):
        if text and name not in history and not name.startswith("sqlite_"):
            print(text)


def template(mode: str, folder: str, *history: str) -> None:
    """Copy the file into the same name in FOLDER, where an empty one is."""
    write_copy(mode, os.path.join(folder, os.path.basename(FILE)), history)


def write_copy(mode: str, target: str, history: Sequence[str]) -> None:
    """With all rows, or only those of the migration history tables."""
    if mode == "data" or not os.path.exists(FILE):
        take_copy(target)
        return
    source, made = connect(FILE), sqlite3.connect(target, isolation_level=None)
    source.execute("BEGIN")
    for pragma in ("page_size", "auto_vacuum", "encoding"):
        value = source.execute("PRAGMA " + pragma).fetchone()[0]
        made.execute(f"PRAGMA {pragma} = {repr(value) if isinstance(value, str) else value}")
    made.execute("VACUUM")
    made.execute("PRAGMA journal_mode = {}".format(source.execute("PRAGMA journal_mode").fetchone()[0])).fetchall()
    found = source.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
    ).fetchall()
    virtual = [
        name for kind, name, _, text in found if kind == "table" and re.match(r"\s*create\s+virtual", text, re.I)
    ]
    shadows = {name + "_" + end for name in virtual for end in SHADOW}
    made.execute("BEGIN")
    order = {"table": 0, "index": 1, "view": 2, "trigger": 3}
    for kind, name, table, text in sorted(found, key=lambda item: order[item[0]]):
        if not name.startswith("sqlite_") and table not in shadows:
            made.execute(text)
        if kind == "table" and name in history:
            for row in source.execute("SELECT * FROM " + quoted(name)):
                made.execute("INSERT INTO {} VALUES ({})".format(quoted(name), ", ".join("?" * len(row))), row)
    made.execute("COMMIT")
    for pragma in ("user_version", "application_id"):
        value = source.execute("PRAGMA " + pragma).fetchone()[0]
        made.execute(f"PRAGMA {pragma} = {value}")
    made.close()


def pack(mode: str, file: str, *history: str) -> None:
    write_copy(mode, file + ".db", history)
    with open(file + ".db", "rb") as source, gzip.open(file, "wb", 1) as target:
        shutil.copyfileobj(source, target, CHUNK)
    os.unlink(file + ".db")


def unpack(file: str, folder: str) -> None:
    target = os.path.join(folder, os.path.basename(FILE))
    with gzip.open(file, "rb") as source, open(file + ".db", "wb") as plain:
        shutil.copyfileobj(source, plain, CHUNK)
    copy(connect(file + ".db"), connect(target, create=True), time.monotonic() + PATIENCE)


def applied(table: str, *columns: str) -> Iterator[Sequence[str]]:
    """The rows of a migration history table, if it exists."""
    if os.path.exists(FILE):
        db = connect(FILE)
        if db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", [table]).fetchall():
            yield from db.execute("SELECT {} FROM {} ORDER BY 1".format(", ".join(columns), quoted(table)))


def versions(table: str) -> None:
    for (version,) in applied(table, "version"):
        print("applied " + str(version))


def state() -> None:
    for version, checksum in applied("shipway_migrations", "version", "checksum"):
        say(f"applied {version} {checksum}")
    say("read")


def migrate(*words: str) -> None:
    if not words:
        state()
        return
    db = connect(FILE, create=True)
    db.execute(
        "CREATE TABLE IF NOT EXISTS shipway_migrations (version text PRIMARY KEY, name text NOT NULL, "
        "checksum text NOT NULL, applied_at text NOT NULL DEFAULT CURRENT_TIMESTAMP)"
    )
    rest = list(words)
    while rest:
        file, transaction, record, count = rest[:4]
        packed, rest = "".join(rest[4 : 4 + int(count)]), rest[4 + int(count) :]
        say("begin " + file)
        try:
            run(db, gzip.decompress(base64.b64decode(packed)).decode(), bool(transaction), record)
        except sqlite3.Error:
            if db.in_transaction:
                db.rollback()
            print(f"Error: {sys.exc_info()[1]}")
            state()
            sys.exit(1)
        say("done")


def run(db: sqlite3.Connection, script: str, transaction: bool, record: str) -> None:
    if transaction:
        try:
            db.executescript(f"BEGIN;\n{script}\n;{record};COMMIT;")
            return
        except sqlite3.OperationalError as error:
            if "within a transaction" not in str(error):
                raise
            db.rollback()  # the script has its own
    db.executescript(f"{script}\n;{record};")


def client(*words: str) -> None:
    """For a person: the program of SQLite if the image has it, else statements line by line. `-c STATEMENT` runs one."""
    only_reads, program = bool(os.environ.get("DB_READ_ONLY")), shutil.which("sqlite3")
    statements = [word for at, word in enumerate(words) if at and words[at - 1] == "-c"]
    options = [word for at, word in enumerate(words) if word != "-c" and not (at and words[at - 1] == "-c")]
    if not os.path.exists(FILE):
        raise Stop("there is no file " + FILE)
    if program:
        os.execv(program, ["sqlite3", *(["-readonly"] if only_reads else []), *options, FILE, *statements])
    if options:
        raise Stop(f"{options[0]} is an option of `sqlite3`, which the image lacks; it has `-c STATEMENT`")
    db = connect(FILE)
    if only_reads:
        db.execute("PRAGMA query_only = 1")
    if statements:
        for text in statements:
            for row in db.execute(text):
                print(*row, sep="|")
        return
    pending = ""
    while True:
        if sys.stdin.isatty():
            print("     ...> " if pending else "sqlite> ", end="", flush=True)
        line = sys.stdin.readline()
        pending += line
        if sqlite3.complete_statement(pending) or not line:
            try:
                for row in db.execute(pending):
                    print(*row, sep="|")
            except sqlite3.Error as error:
                print(f"Error: {error}")
                if not sys.stdin.isatty():
                    sys.exit(1)
            pending = ""
        if not line:
            return


OPERATIONS: dict[str, Callable[..., None]] = {
    "reach": reach, "rows": rows, "size": size, "take": take, "load": load, "swap": swap, "there": there, "sweep": sweep, "schema": schema,
    "template": template, "pack": pack, "unpack": unpack, "versions": versions, "migrate": migrate, "client": client,
    "verify": verify,
}  # fmt: skip

if __name__ == "__main__":
    if os.path.isdir("/snapshots"):
        os.chdir("/snapshots")
    try:
        OPERATIONS[sys.argv[1]](*sys.argv[2:])
    except (Stop, sqlite3.Error, OSError) as error:
        print(f"{FILE}: {error}" if isinstance(error, sqlite3.Error) else error)
        sys.exit(1)
