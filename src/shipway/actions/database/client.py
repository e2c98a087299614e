"""Operate on a whole database with its own image's tools: each call runs one container that prints marked lines."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

from shipway.actions.environment.accessory_rules import serving_image
from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import ContainerSpec
from shipway.domain.desired import Settings
from shipway.domain.disk import relief
from shipway.domain.errors import DiskFull, SnapshotFailed
from shipway.domain.plan import Accessory, Environment
from shipway.domain.release import Release
from shipway.domain.size import readable
from shipway.steps.container import capture

FOLDER = "/snapshots"
TIMEOUT = 6 * 3600.0
TAIL = 8

# $1: the operation. PG… in the environment select the database. Lines for the caller begin with `shipway-`.
# The copy that tests a snapshot runs in this container, so it disappears with it in any case.
SCRIPT = r"""
set -u
say() { printf 'shipway-%s\n' "$*"; }
tab=$(printf '\t')
database=$PGDATABASE
sql() { psql -X -q -A -t -F "$tab" -v ON_ERROR_STOP=1 "$@"; }
beside() { PGDATABASE=template1 sql "$@"; }
rows() {
  sql -f - <<'SQL'
SELECT format('SELECT %L, count(*) FROM %I.%I', 'shipway-rows ' || format('%I.%I', schemaname, tablename), schemaname, tablename)
FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1 \gexec
SQL
}
here() { (export PGHOST=127.0.0.1 PGPORT=5432 PGPASSWORD=none; "$@"); }
serve() {
  env -u PGHOST -u PGPORT -u PGUSER -u PGPASSWORD -u PGDATABASE POSTGRES_HOST_AUTH_METHOD=trust \
    POSTGRES_PASSWORD=none POSTGRES_USER="$PGUSER" POSTGRES_DB="$PGDATABASE" docker-entrypoint.sh postgres \
    -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off -c synchronous_commit=off >/tmp/server.log 2>&1 &
  until here pg_isready -q; do
    kill -0 $! 2>/dev/null || { cat /tmp/server.log; return 1; }
    sleep 0.1
  done
}
take() {
  file=$1; shift
  rm -f ./*.part
  size=$(sql -c 'SELECT pg_database_size(current_database())') || return
  free=$(df -Pk . | awk 'NR == 2 { printf "%.0f", $4 * 1024 }')
  [ "$free" -gt $((2 * size + 300000000)) ] || { say "full $size $free"; return 1; }
  serve & server=$!
  pg_dump -Fc -f "$file.part" || return
  wait "$server" || return
  here pg_restore --exit-on-error --no-owner --no-privileges -d "$database" "$file.part" || return
  here rows || return
  sync "$file.part" 2>/dev/null || sync
  mv "$file.part" "$file" || return
  for old in *.dump; do
    case " $file $* " in *" $old "*) ;; *) rm -f "$old" ;; esac
  done
  say "taken $(wc -c < "$file") $(sha256sum "$file" | cut -d ' ' -f 1)"
}
load() {
  file=$1 digest=$2 new=$3
  [ -f "$file" ] || { echo "the volume has no $file"; return 1; }
  [ "$(sha256sum "$file" | cut -d ' ' -f 1)" = "$digest" ] || { echo "$file is not what was written: its digest differs"; return 1; }
  provider=$(beside -c "SELECT to_jsonb(d) ->> 'datlocprovider' FROM pg_database d WHERE datname = '$database'") || return
  [ "${provider:-c}" = c ] || { echo "its locale is not of the C library: nothing else can be made beside it"; return 1; }
  drop "$new" || return
  beside -v old="$database" -v new="$new" -f - <<'SQL' || return
SELECT format('CREATE DATABASE %I TEMPLATE template0 OWNER %I ENCODING %L LC_COLLATE %L LC_CTYPE %L', :'new',
  pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype) FROM pg_database WHERE datname = :'old' \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'new') FROM pg_database WHERE datname = :'old' AND datacl IS NOT NULL \gexec
SELECT format('GRANT %s ON DATABASE %I TO %s', privilege_type, :'new', CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
FROM pg_database, aclexplode(datacl) WHERE datname = :'old' \gexec
SELECT format('ALTER %s SET %I TO %s', CASE setrole WHEN 0 THEN format('DATABASE %I', :'new')
    ELSE format('ROLE %I IN DATABASE %I', pg_get_userbyid(setrole), :'new') END, split_part(setting, '=', 1),
  CASE WHEN split_part(setting, '=', 1) ~ '(_path|_libraries|_tablespaces|^datestyle)$' THEN value ELSE quote_literal(value) END)
FROM pg_database d JOIN pg_db_role_setting s ON s.setdatabase = d.oid, unnest(setconfig) setting,
  LATERAL (SELECT substr(setting, strpos(setting, '=') + 1) AS value) v WHERE datname = :'old' \gexec
SQL
  pg_restore --exit-on-error -d "$new" "$file"
}
swap() {
  new=$1 old=$2
  # The rename holds off whoever comes while this ends the sessions that are there.
  ( while sleep 0.1; do
      beside -v name="$database" -f - >/dev/null 2>&1 <<'SQL'
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :'name';
SQL
    done ) & ending=$!
  beside -1 -c "ALTER DATABASE \"$database\" RENAME TO \"$old\"" -c "ALTER DATABASE \"$new\" RENAME TO \"$database\""
  code=$?
  kill "$ending"
  return "$code"
}
sweep() { for name in $(names); do drop "$name" || return; done; }
names() { beside -c "SELECT datname FROM pg_database WHERE datname LIKE 'shipway\_%'"; }
drop() { for name; do beside -c "DROP DATABASE IF EXISTS \"$name\" WITH (FORCE)" 2>&1 || return; done; }
there() { for name in $(names); do say "there $name"; done; }
cd /snapshots && "$@" 2>&1
"""


@dataclass(frozen=True)
class Answer:
    """The marked lines of a call."""

    rows: dict[str, int] = field(default_factory=dict)
    taken: tuple[int, str] | None = None  # size and digest
    there: tuple[str, ...] = ()  # databases that Shipway created


@dataclass(frozen=True)
class DatabaseClient:
    """The database of an environment, by the plan of a release. ctx: of the host where it runs."""

    ctx: Context
    app: str
    environment: str
    accessory: Accessory
    spec: ContainerSpec

    def run(self, what: str, *words: str) -> Answer:
        """Run an operation. SnapshotFailed with its last lines if it fails."""
        self.ctx.images.pull(self.spec.image, lambda line: None)
        spec = dataclasses.replace(self.spec, entrypoint=("sh", "-c"), command=(SCRIPT, "shipway", what, *words))
        code, output = capture(self.ctx, spec, timeout=TIMEOUT)
        answer, said = _read(output)
        if code != 0:
            full = next((line.split()[1:] for line in output.splitlines() if line.startswith("shipway-full ")), None)
            if full:
                size, free = map(int, full)
                raise DiskFull(
                    f"the disk is too full for a snapshot: {readable(free)} are free, and the database has {readable(size)}, "
                    "which a snapshot and its trial need twice", hint=relief(self.ctx.runtime.commands),
                )  # fmt: skip
            raise SnapshotFailed(f"{what} of the database of {self.environment} failed:\n" + "\n".join(said[-TAIL:]))
        return answer


def database_client(
    ctx: Context, release: Release, environment: Environment, settings: Settings
) -> DatabaseClient | None:
    """None if the release's plan has no database with migrations, or one of a kind that Shipway doesn't copy."""
    plan = release.plan
    accessory = plan.accessories[plan.database.accessory] if plan.database else None
    server = ctx.servers.get(accessory.kind) if accessory else None
    if accessory is None or server is None:
        return None
    password = settings.passwords.get(accessory.name, "")
    login = ctx.kind(accessory).login_of(accessory, plan.app, accessory.name, password)
    spec = ContainerSpec(
        name=f"{plan.app}_{environment.name}_job_snapshot",
        image=serving_image(ctx, names.accessory(plan.app, environment.name, accessory.name), accessory),
        labels=names.labels(plan.app, environment.name, "job", accessory.name),
        env=server.client(login),
        networks={names.network(plan.app, environment.name): ()},
        volumes={names.snapshots(plan.app, environment.name, accessory.name): FOLDER},
    )
    return DatabaseClient(ctx, plan.app, environment.name, accessory, spec)


def _read(output: str) -> tuple[Answer, Sequence[str]]:
    rows: dict[str, int] = {}
    taken, there, said = None, [], []
    for line in output.splitlines():
        mark, _, rest = line.partition(" ")
        if mark == "shipway-rows":
            table, _, count = rest.rpartition("\t")
            rows[table] = int(count)
        elif mark == "shipway-taken":
            size, digest = rest.split()
            taken = (int(size), digest)
        elif mark == "shipway-there":
            there.append(rest)
        else:
            said.append(line)
    return Answer(rows, taken, tuple(there)), said
