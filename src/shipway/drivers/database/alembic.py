"""Alembic, run inside the release's image: the team's own version with its own env.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from shipway.domain.errors import Irreversible, MigrationFailed
from shipway.domain.own_tables import OwnTables, OwnTablesCache
from shipway.drivers.database import alembic_output as read
from shipway.drivers.database import alembic_scripts as sources
from shipway.ports import OneOff, OnLine

# One container per method, two for down, with one process each: starting a container or alembic is slow. The process is
# the interpreter of the image's own `alembic`, taken from its first line (from the second if the path is long). Any
# other program, such as a wrapper script, is started for each command. Arguments: the folder of alembic.ini, the
# program, a verb, and its operands.
SCRIPT = r"""
cd "$1" || exit 2
program=$2
shift 2
any() { for python in python3 python ''; do ! "$python" -c "$1" 2>/dev/null || break; done; }
if tool=$(command -v alembic); then
  beside=${tool%/*}
  first=$(head -n 1 "$tool")
  case $first in
    '#!'*python*) python=${first#??} ;;
    *) python=$(sed -n "2s/^'''exec' \(.*\) \"\$0\" \"\$@\"\$/\1/p" "$tool" | sed 's/\$0/$tool/g') ;;
  esac
  [ -n "$python" ] || { beside=; any pass; }
else
  beside=-
  any 'import alembic'
fi
[ -n "$python" ] || { echo 'alembic: not found, or no Python' >&2; exit 127; }
eval "exec $python"' -c "$program" "$beside" "$@"'
"""
PROGRAM = Path(__file__).with_name("inside") / "alembic_program.py"
UNKNOWN = 64  # exit code if the image lacks the target revision
_MERGE = "merge them with `alembic merge heads`, commit the new script and release again"
_FIX = {
    "upgrade": "correct the migration and release again: it continues from the current schema revision",
    "downgrade": "correct the down migration and release again, or restore the database from a snapshot",
}


class Alembic:
    """See ports.DatabaseTool. `folder` contains alembic.ini in the image; None is its WORKDIR."""

    def __init__(self, run: OneOff, folder: str | None = None, cache: OwnTablesCache | None = None) -> None:
        self._run = run
        self._folder = folder or "."
        self._cache = cache or OwnTablesCache()

    def head(self) -> str | None:
        code, output = self._call("heads")
        if code:
            raise _broken("alembic can't list the migrations of the image", code, read.plain(output))
        return _single_head(read.heads(output.splitlines()))

    def current(self) -> str | None:
        tips = self._state().tips()
        if len(tips) > 1:
            raise MigrationFailed(
                f"the database is on {len(tips)} branches at the same time: {', '.join(tips)}",
                hint="run `alembic upgrade` to the script that merges them",
            )
        return tips[0] if tips else None

    def pending(self) -> list[str]:
        state = self._state()
        head = _single_head(state.heads())
        return state.pending(head) if head else []

    def up(self, on_line: OnLine, to: str | None = None) -> None:
        self._migrate("upgrade", [to or "head"], on_line)

    def down(self, to: str | None, on_line: OnLine) -> None:
        state, files = self._look(to or "base")
        where = _tips(state)
        if to is not None and to not in state.scripts:
            raise MigrationFailed(
                f"can't migrate down to {to}: the image has no such revision; the schema is at {where}",
                hint="use the image of the deployed release: it has all migrations",
            )
        applied = state.below(state.rows)
        if to is not None and to not in applied:
            raise MigrationFailed(
                f"can't migrate down to {to}: it isn't applied; the schema is at {where}",
                hint="choose an applied revision: `alembic history` lists all",
            )
        kept = self._kept(state, to)
        reverted = [name for name in state.scripts if name in applied - kept]
        if not reverted:
            return
        self._require_down_migrations(reverted, files)
        targets = self._downgrade_targets(state, to, reverted)
        self._migrate("downgrade", targets, on_line)
        if len(targets) > 1 and (now := self._state()).below(now.rows) != kept:
            raise MigrationFailed(
                f"alembic reverted to {_tips(now)} instead of {to}", hint="correct the schema manually"
            )

    def scripts(self, revisions: Sequence[str]) -> Mapping[str, str]:
        if not revisions:
            return {}
        _, output = self._call("scripts", *revisions)
        files = sources.files(output)
        if missing := [name for name in revisions if name not in files]:
            raise _broken(f"the image has no migration {', '.join(missing)}", 0, read.plain(output))
        found = {file.path: file.text for file in files.values() if not file.lacks_down()}
        if sql := sources.sql(output, revisions):
            found[f"alembic downgrade {revisions[-1]}:{revisions[0]}-1 --sql"] = sql
        return found

    def own_tables(self) -> OwnTables:
        """The `version_table` that env.py configures, as each query of the state reports it; the default if env.py can't
        run. Where `alembic` is a program without a Python that is known, it is read from env.py's text."""
        if self._cache.found is None:
            self._call("state")
        return self._cache.found or OwnTables(history=frozenset({"alembic_version"}))

    def _kept(self, state: read.State, to: str | None) -> set[str]:
        """The revisions that stay applied."""
        return state.below([to]) if to else set()

    def _downgrade_targets(self, state: read.State, to: str | None, reverted: Sequence[str]) -> list[str]:
        """Arguments of successive `alembic downgrade` calls that revert exactly these, newest first."""
        return state.downgrade_targets(to) if to else ["base"]

    def _require_down_migrations(self, reverted: Sequence[str], files: Mapping[str, sources.ScriptFile]) -> None:
        if any(name not in files for name in reverted):  # those of merged branches are not in alembic's range
            files = sources.files(self._call("files", *reverted)[1])
        lacking = [files[name] for name in reverted if name in files and files[name].lacks_down()]
        if lacking:
            raise Irreversible(
                f"no down migration in {', '.join(file.path.rpartition('/')[2] for file in lacking)}; nothing was reverted",
                hint="write their downgrade(), or restore the database from a snapshot",
            )

    def _call(self, verb: str, *targets: str) -> tuple[int, str]:
        code, output = self._execute(verb, *targets)
        if tables := read.version_tables(output):
            self._cache.found = OwnTables(history=tables)
        return code, output

    def _execute(self, *arguments: str) -> tuple[int, str]:
        return self._run(start_command(self._folder, *arguments))

    def _state(self) -> read.State:
        return self._look()[0]

    def _look(self, *below: str) -> tuple[read.State, Mapping[str, sources.ScriptFile]]:
        """The state, and the files from a revision on."""
        code, output = self._call("state", *below)
        state = _parse(output)
        if state is None:
            _refuse_unknown(output)
            printed = read.section(output, "history")[1] + read.section(output, "current")[1]
            raise _broken("alembic can't read the state of the database", code, read.plain(output) + printed)
        return state, sources.files(output)

    def _migrate(self, verb: str, targets: Sequence[str], on_line: OnLine) -> None:
        code, output = self._call(verb, *targets)
        lines = read.plain(output)
        for line in lines:
            on_line(line)
        if code == 0:
            return
        state = _parse(output)
        if state is None:
            _refuse_unknown(output)
        elif code == UNKNOWN:
            raise MigrationFailed(
                f"can't migrate up to {targets[0]}: the image has no such revision; the schema is at {_tips(state)}"
            )
        elif verb == "upgrade":
            _single_head(state.heads())
        culprit = read.culprit(lines)
        if culprit is None:
            raise _broken(f"alembic {verb} failed; {_where(state)}", code, lines)
        what = "migration" if verb == "upgrade" else "the down migration of"
        raise MigrationFailed(f"{what} {culprit} failed; {_where(state)}\n{read.reason(lines)}", hint=_FIX[verb])


def start_command(folder: str, *arguments: str) -> list[str]:
    """The command that runs the program with a verb and its operands."""
    return ["sh", "-c", SCRIPT, "shipway", folder, PROGRAM.read_text(encoding="utf-8"), *arguments]


def _parse(output: str) -> read.State | None:
    """None if one of the two commands failed or didn't run."""
    history_code, history = read.section(output, "history")
    current_code, current = read.section(output, "current")
    if history_code != 0 or current_code != 0:
        return None
    scripts = read.history(history)
    return read.State(scripts, read.current(current, scripts))


def _single_head(heads: Sequence[str]) -> str | None:
    if len(heads) > 1:
        raise MigrationFailed(f"the migrations have {len(heads)} heads: {', '.join(heads)}", hint=_MERGE)
    return heads[0] if heads else None


def _refuse_unknown(output: str) -> None:
    if unknown := read.unknown_revision(output):
        raise MigrationFailed(
            f"the schema is at revision {unknown}, which the image lacks",
            hint="a newer or different release migrated this database: deploy one that has this revision",
        )


def _where(state: read.State | None) -> str:
    if state is None:
        return "the schema's revision could not be read afterwards"
    return f"the schema is now at {' and '.join(state.tips()) or 'no revision: nothing is applied'}"


def _tips(state: read.State) -> str:
    return " and ".join(state.tips()) or "no revision"


def _broken(what: str, code: int, lines: Sequence[str]) -> MigrationFailed:
    """The error of a tool that can't run: its output, and a hint at the cause."""
    text = "\n".join(lines)
    hint = "check that the database is reachable and that the service's variables contain its address"
    if code == 127 or "alembic: not found" in text:
        hint = "the image of the service needs alembic on its PATH"
    elif "No config file" in text or "No 'script_location'" in text or "can't cd" in text:
        hint = "alembic.ini must be in the image's WORKDIR, or in `database: {folder: …}` of the plan"
    return MigrationFailed(f"{what}\n{read.reason(lines)}", hint=hint)
