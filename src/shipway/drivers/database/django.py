"""Django's migrations, run by `manage.py` inside the release's image: the project's own version."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from shipway.domain.errors import Irreversible, MigrationFailed
from shipway.domain.own_tables import OwnTables, OwnTablesCache
from shipway.drivers.database import django_state as read
from shipway.drivers.database.named import reason
from shipway.ports import OneOff, OnLine

# Arguments: the folder, the query, its program, and pairs of app and target migration; `all` and an empty target means
# all. One container per method, two for down: starting a container is slow, and so is Django (about 0.5 s).
SCRIPT = r"""
export PGCONNECT_TIMEOUT="${PGCONNECT_TIMEOUT:-10}" SHIPWAY_ASK=$2
cd "$1" || exit 2
ask=$3
shift 3
command -v python >/dev/null || python() { python3 "$@"; }
[ $# -gt 0 ] || { python manage.py shell -c "$ask"; exit; }
while [ $# -gt 0 ]; do
  [ "$1" != all ] || set --
  python manage.py migrate --noinput ${1+"$1" "$2"} 2>&1 || {
    failed=$?; python manage.py shell -c "$ask" 2>/dev/null; exit $failed; }
  [ $# -gt 0 ] && shift 2
done
exit 0
"""
DEFAULT = OwnTables(
    frozenset({"django_migrations"}), frozenset({"django_content_type", "auth_permission", "django_site"})
)
_FIX_UP = "correct the migration and release again: it continues from the current schema revision"
_FIX_DOWN = "correct the down migration and release again, or restore the database from a snapshot"
_RUNNING = re.compile(r"^ *(?:Applying|Unapplying) (\S+?)\.\.\.", re.MULTILINE)


class Django:
    """See ports.DatabaseTool, and django_state about revisions. `folder` contains manage.py in the image; None is its
    WORKDIR. The database is the one that the settings call `default`."""

    def __init__(self, run: OneOff, folder: str | None = None, cache: OwnTablesCache | None = None) -> None:
        self._run = run
        self._folder = folder or "."
        self._cache = cache or OwnTablesCache()
        self._adds: dict[str, str] = {}  # by formerly pending revision: its newest migration

    def head(self) -> str | None:
        state = self._ask("brought")
        return state.revision(state.parents.keys())

    def current(self) -> str | None:
        state = self._state()
        return state.revision(state.applied)

    def pending(self) -> list[str]:
        state = self._state()
        missing = state.missing()
        revisions = [state.revision({*state.applied, *missing[: at + 1]}) or "" for at in range(len(missing))]
        self._adds.update(zip(revisions, missing, strict=True))
        return revisions

    def up(self, on_line: OnLine, to: str | None = None) -> None:
        state = self._state()
        targets = ["all"] if state.missing() else []
        if to is not None:
            desired = self._resolve(state, to)
            if desired is None:
                raise MigrationFailed(f"can't migrate up to {to}: the image lacks it; {_where(state)}")
            targets = [part for name in state.tips(desired) if name not in state.applied for part in name.split(".", 1)]
        if targets:
            self._migrate("migration", targets, _FIX_UP, on_line)

    def down(self, to: str | None, on_line: OnLine) -> None:
        state = self._state()
        keep = frozenset[str]() if to is None else self._resolve(state, to)
        if keep is None or not keep <= state.applied:
            raise MigrationFailed(
                f"can't migrate down to {to}: {'the image lacks it' if keep is None else 'it is not applied'}; {_where(state)}",
                hint="use the image of the deployed release, and a revision that the schema had before",
            )
        reverted = state.applied - keep
        if lacking := sorted(reverted & state.one_way):
            raise Irreversible(
                f"no down migration in {', '.join(lacking)}; nothing was reverted",
                hint="give its operations a `reverse_code` or `reverse_sql`, or restore the database from a snapshot",
            )
        targets = state.migrate_targets(keep)
        if other := sorted(state.reverted(targets) ^ reverted):
            raise MigrationFailed(
                f"Django can't migrate down to {to}: it reverts whole branches of an app, and can't separate {', '.join(other)}",
                hint="restore the database from a snapshot, or revert manually what `manage.py migrate` can't",
            )
        if targets:
            self._migrate("the down migration of", [part for pair in targets for part in pair], _FIX_DOWN, on_line)

    def scripts(self, revisions: Sequence[str]) -> Mapping[str, str]:
        if not revisions:
            return {}
        wanted: list[str] = []
        for revision in revisions:  # the newest part of a revision is only known if it was pending here
            wanted += [self._adds[revision]] if revision in self._adds else revision.split("+")
        state = self._ask(" ".join(["scripts", *dict.fromkeys(wanted)]))
        found: dict[str, str] = {}
        for name, (path, text, sql) in state.scripts.items():
            if name not in state.one_way:
                found[path] = text
                if sql:
                    found[f"manage.py sqlmigrate {name.replace('.', ' ', 1)} --backwards"] = sql
        return found

    def own_tables(self) -> OwnTables:
        """Kept are the tables that each `migrate` fills with content types, permissions and the default site. Those of a
        project's own receivers of `post_migrate` are unknown."""
        if self._cache.found is None:
            self._call("brought")
        return self._cache.found or DEFAULT

    def _resolve(self, state: read.State, revision: str) -> frozenset[str] | None:
        """All migrations of a revision; None if the image lacks one."""
        return state.resolve(revision)

    def _state(self) -> read.State:
        state = self._ask("state")
        if state.unknown:
            raise MigrationFailed(
                f"the database has {', '.join(state.unknown)} applied, which the image lacks",
                hint="a newer or different release migrated this database: deploy one that has it. "
                "If its app was removed permanently, delete its rows from django_migrations",
            )
        return state

    def _ask(self, what: str) -> read.State:
        code, output = self._call(what)
        state = read.read(output)
        if code or state is None:
            raise _broken("Django can't list its migrations", code, output)
        for app, names in state.conflicts.items():
            raise MigrationFailed(
                f"the migrations of {app} have {len(names)} heads: {', '.join(names)}",
                hint="merge them with `manage.py makemigrations --merge`, commit the new migration and release again",
            )
        return state

    def _call(self, what: str, *targets: str) -> tuple[int, str]:
        code, output = self._run(["sh", "-c", SCRIPT, "shipway", self._folder, what, read.ASK, *targets])
        if state := read.read(output):
            self._cache.found = state.own
        return code, output

    def _migrate(self, what: str, targets: Sequence[str], hint: str, on_line: OnLine) -> None:
        code, output = self._call("state", *targets)
        lines = [line.rstrip() for line in output.splitlines() if not line.startswith("shipway-django: ")]
        for line in lines:
            on_line(line)
        if code == 0:
            return
        state = read.read(output)
        culprit = next(reversed(_RUNNING.findall(output)), None)
        if state is not None and state.unknown:
            self._state()
        if culprit is None:
            raise _broken("manage.py migrate failed", code, output)
        where = _where(state) if state else "the schema's revision could not be read afterwards"
        raise MigrationFailed(f"{what} {culprit} failed; {where}\n{reason(_plain(lines))}", hint=hint)


def _where(state: read.State) -> str:
    return f"the schema is now at {state.revision(state.applied) or 'no revision: nothing is applied'}"


def _plain(lines: Sequence[str]) -> list[str]:
    """Without traceback frames."""
    return [line for line in lines if not line.startswith("  File ") and not line.startswith("    ")]


def _broken(what: str, code: int, output: str) -> MigrationFailed:
    lines = [line for line in output.splitlines() if not line.startswith("shipway-django: ")]
    hint = "check that the database is reachable and that the service's variables contain its address"
    if code == 127 or "No module named 'django'" in output:
        hint = "the image of the service needs python and Django"
    elif "can't open file" in output or "can't cd" in output:
        hint = "manage.py must be in the image's WORKDIR, or in `database: {folder: …}` of the plan"
    return MigrationFailed(f"{what}\n{reason(_plain(lines))}", hint=hint)
