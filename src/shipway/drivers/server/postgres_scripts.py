"""Shell scripts that work on whole PostgreSQL databases with the programs of the server's own image."""

from __future__ import annotations

from shipway.drivers.libpq import PARAMETERS
from shipway.drivers.server.postgres_recovery import RECOVERY
from shipway.drivers.server.snapshot_script import snapshot_script

# What an external server's address may set, and no other server's sessions may get.
_PLAIN = f"unset {' '.join(PARAMETERS.values())} PGSERVICE"
# In the server's own container, by the variables that its image was created with; elsewhere by PG… of the client.
ACCESS = r"""
[ -n "${PGHOST:-}" ] || {
  export PGUSER="$POSTGRES_USER" PGPASSWORD="$POSTGRES_PASSWORD" PGDATABASE="${POSTGRES_DB:-$POSTGRES_USER}"
}
"""
# Prints, in one line, the rights that a restore needs and the role lacks: it creates a database and renames both.
_LACKING = """
SELECT string_agg(what, '; ') FROM (
  SELECT format('the right to create databases (ALTER ROLE %I CREATEDB)', current_user)
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = current_user AND (rolcreatedb OR rolsuper))
  UNION ALL
  SELECT format('ownership of the database (ALTER DATABASE %I OWNER TO %I)', datname, current_user) FROM pg_database
  WHERE datname = current_database() AND NOT pg_has_role(current_user, datdba, 'USAGE')
) lacking (what);
"""

# PG… in the environment select the database.
DATABASE = snapshot_script(
    r"""
tab=$(printf '\t')
database=$PGDATABASE user=$PGUSER
sql() { psql -X -q -A -t -F "$tab" -v ON_ERROR_STOP=1 "$@"; }
beside() { PGDATABASE=$other sql -v name="$database" "$@"; }
ask() { echo "$1" | beside -f -; }  # -c would not replace :'name'
rows() {
  sql -f - <<'SQL'
SELECT format('SELECT %L, count(*) FROM %I.%I', 'shipway-rows ' || format('%I.%I', schemaname, tablename), schemaname, tablename)
FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1 \gexec
SQL
}
size() { sql -c 'SELECT pg_database_size(current_database())'; }
here() { (plain; export PGHOST=127.0.0.1 PGPORT=5432 PGPASSWORD=none; "$@"); }
serve() {
  plain
  env -u PGHOST -u PGPORT -u PGUSER -u PGPASSWORD -u PGDATABASE POSTGRES_HOST_AUTH_METHOD=trust \
    POSTGRES_PASSWORD=none POSTGRES_USER="$PGUSER" POSTGRES_DB="$PGDATABASE" \
    docker-entrypoint.sh postgres -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off \
    -c synchronous_commit=off -c archive_mode=off -c wal_level=minimal -c max_wal_senders=0 -c max_wal_size=256MB \
    -c autovacuum=off >/tmp/server.log 2>&1 &
  until here pg_isready -q; do
    kill -0 $! 2>/dev/null || { cat /tmp/server.log; return 1; }
    sleep 0.1
  done
}
save() { pg_dump -Fc; }
test_it() { here pg_restore --exit-on-error --no-owner --no-privileges -d "$database" "$@" && here rows; } # its input without FILE
dump_tested() { # restores while it dumps; what was restored has the digest of the file
  mkfifo /tmp/tested /tmp/summed || return
  sha256sum < /tmp/summed > /tmp/sum & summing=$!
  { serve < /dev/null && test_it; code=$?; cat > /dev/null; exit "$code"; } < /tmp/tested > /tmp/test 2>&1 & testing=$!
  { save || : > /tmp/unsaved; } | tee /tmp/tested /tmp/summed > "$1" && [ ! -e /tmp/unsaved ] || return
  sum=$(digest "$1")
  wait "$testing"
  code=$?
  cat /tmp/test
  [ "$code" = 0 ] && wait "$summing" || return
  [ "$sum" = "$(cut -d ' ' -f 1 /tmp/sum)" ] || { echo "the file of the dump is not what was restored: its digest differs"; return 1; }
}
shape() { here pg_dump -s --no-owner --no-privileges > /tmp/schema && sed -e '/^--/d' -e '/^\\/d' /tmp/schema; }
restore() {
  file=$1 new=$2
  provider=$(ask "SELECT to_jsonb(d) ->> 'datlocprovider' FROM pg_database d WHERE datname = :'name'") || return
  [ "${provider:-c}" = c ] || { echo "its locale is not provided by libc: no second database can be created"; return 1; }
  may || return
  beside -v new="$new" -f - <<'SQL' || return
SELECT format('CREATE DATABASE %I TEMPLATE template0 OWNER %I ENCODING %L LC_COLLATE %L LC_CTYPE %L', :'new',
  pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype) FROM pg_database WHERE datname = :'name' \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'new') FROM pg_database WHERE datname = :'name' AND datacl IS NOT NULL \gexec
SELECT format('GRANT %s ON DATABASE %I TO %s', privilege_type, :'new', CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
FROM pg_database, aclexplode(datacl) WHERE datname = :'name' \gexec
SELECT format('ALTER %s SET %I TO %s', CASE setrole WHEN 0 THEN format('DATABASE %I', :'new')
    ELSE format('ROLE %I IN DATABASE %I', pg_get_userbyid(setrole), :'new') END, split_part(setting, '=', 1),
  CASE WHEN split_part(setting, '=', 1) ~ '(_path|_libraries|_tablespaces|^datestyle)$' THEN value ELSE quote_literal(value) END)
FROM pg_database d JOIN pg_db_role_setting s ON s.setdatabase = d.oid, unnest(setconfig) setting,
  LATERAL (SELECT substr(setting, strpos(setting, '=') + 1) AS value) v WHERE datname = :'name' \gexec
SQL
  pg_restore --exit-on-error -d "$new" "$file"
}
may() {
  lacking=$(sql -f - <<'SQL'
"""
    + _LACKING
    + r"""
SQL
  ) || return
  [ -z "$lacking" ] || { echo "the role $user lacks what a restore needs: $lacking"; return 1; }
}
swap() {
  new=$1 old=$2
  case " $(names | tr '\n' ' ')" in *" $old "*) return 0 ;; esac  # it was done
  # The rename blocks new sessions while this ends the existing ones.
  ( while sleep 0.1; do
      beside -f - >/dev/null 2>&1 <<'SQL'
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :'name' AND CASE
  WHEN usesysid IS NULL THEN (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
  ELSE pg_has_role(usesysid, 'MEMBER') OR pg_has_role('pg_signal_backend', 'MEMBER')
    AND NOT (SELECT rolsuper FROM pg_roles WHERE oid = usesysid) END;
SQL
    done ) & ending=$!
  beside -1 -v new="$new" -v old="$old" -f - <<'SQL'
ALTER DATABASE :"name" RENAME TO :"old";
ALTER DATABASE :"new" RENAME TO :"name";
SQL
  code=$?
  kill "$ending"
  return "$code"
}
names() { ask "SELECT datname FROM pg_database WHERE datname ~ '^shipway_(restore|before)_[0-9]+$' AND datname <> :'name'"; }
drop() { for name; do beside -c "DROP DATABASE IF EXISTS \"$name\" WITH (FORCE)" 2>&1 || return; done; }
"""
    + RECOVERY
    + r"""
plain() { """
    + _PLAIN
    + """; }
other=template1
case $1 in  # a managed server may not let everyone into it
  load | swap | sweep | there) beside -c '' >/dev/null 2>&1 || other=postgres ;;
esac
"""
)

# $OLD and $NEW: the two servers. All tools are of the new version, since they read older servers, but not newer ones.
UPGRADE = r"""
set -u
old() { PGHOST=$OLD "$@"; }
new() { PGHOST=$NEW "$@"; }
rows() {
  "$1" psql -X -q -A -t -v ON_ERROR_STOP=1 -f - <<'SQL'
SELECT format('SELECT %L, count(*) FROM %I.%I', format('%I.%I', schemaname, tablename), schemaname, tablename)
FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1 \gexec
SQL
}
others=$(echo "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname NOT IN ('postgres', :'name')" |
  old psql -X -A -t -d template1 -v name="$PGDATABASE" -f -) || exit 1
[ -z "$others" ] || { echo "the server has other databases, which would not be copied:" $others; exit 1; }
old pg_dumpall --globals-only > /tmp/globals.sql || exit 1
new psql -X -q -d template1 -f /tmp/globals.sql 2>&1 | grep ERROR | grep -v 'already exists' > /tmp/errors
[ ! -s /tmp/errors ] || { cat /tmp/errors; exit 1; }
rm -f /tmp/failed
{ old pg_dump --format=custom --create || touch /tmp/failed; } | new pg_restore --create --clean --if-exists --exit-on-error -d template1 || exit 1
[ ! -e /tmp/failed ] || exit 1
rows old > /tmp/old && rows new > /tmp/new || exit 1
cmp -s /tmp/old /tmp/new || { echo "the row counts of the copy differ:"; diff /tmp/old /tmp/new | head -n 20; exit 1; }
new vacuumdb --quiet --analyze-only || exit 1
new psql -X -q -d template1 -c CHECKPOINT || exit 1
echo "shipway-tables $(wc -l < /tmp/new)"
"""

# $1: pipe, save or load; $2: schema or data; $3: file of save and load; then the names of tables whose rows are always
# included.
# psql reads passwords and addresses from PG… (of the target) and TO_… (of the scratch server, by its superuser). TO_ROLE:
# the role that owns the copy and logs in as on the target, where that is external; empty: the superuser.
COPY = (
    f"plain() {{ {_PLAIN}; }}"
    r"""
what=$1 mode=$2 file=$3
shift 3
export PGCONNECT_TIMEOUT=10 PGCLIENTENCODING=UTF8
history_tables() {
  for name; do echo "$name"; done | psql -X -q -A -t -v ON_ERROR_STOP=1 -c 'CREATE TEMP TABLE wanted (name text)' \
    -c '\copy wanted FROM pstdin' -c "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables JOIN wanted ON tablename = name"
}
pick() {
  history_tables "$@" > /tmp/history-tables || return
  set --
  while read -r table; do set -- "$@" -t "$table"; done < /tmp/history-tables
  [ $# = 0 ] || dump -a "$@"
}
dump() { pg_dump --no-publications --no-subscriptions --no-tablespaces --lock-wait-timeout=60000 "$@"; }
everything() {
  echo '\set ON_ERROR_STOP 0'
  pg_dumpall -l "$PGDATABASE" --roles-only --no-role-passwords --no-tablespaces | grep -v -x "CREATE ROLE \"\?$TO_USER\"\?;"
  echo '\set ON_ERROR_STOP 1'
  if [ "$mode" = data ]; then dump; else dump -s && pick "$@"; fi || echo "$?" > /tmp/failed
}
load() {
  plain
  export PGHOST=$TO_HOST PGPORT=$TO_PORT PGUSER=$TO_USER PGPASSWORD=$TO_PASSWORD PGDATABASE=$TO_DATABASE
  psql -X -q -v ON_ERROR_STOP=1 -o /dev/null -f - && own
}
own() {
  [ -z "${TO_ROLE:-}" ] || psql -X -q -v ON_ERROR_STOP=1 -f - <<'SQL'
\set role `printf %s "$TO_ROLE"`
\set password `printf %s "$TO_PASSWORD"`
\set database `printf %s "$TO_DATABASE"`
ALTER ROLE :"role" LOGIN PASSWORD :'password' VALID UNTIL 'infinity' CONNECTION LIMIT -1;
ALTER DATABASE :"database" OWNER TO :"role";
SQL
}
case $what in
  pipe) everything "$@" | (load) ;;
  save) everything "$@" | gzip -1 > "$file" ;;
  load) gunzip -c "$file" | load ;;
esac && [ ! -e /tmp/failed ]
"""
)

SIZE = ACCESS + "psql -X -A -t -c 'SELECT pg_database_size(current_database())'"

REACH = f"""
export PGCONNECT_TIMEOUT="${{PGCONNECT_TIMEOUT:-10}}"
psql -X -q -A -t -v ON_ERROR_STOP=1 -f - <<'SQL' 2>&1
SELECT 'shipway-server ' || current_setting('server_version');
SELECT 'shipway-lacks ' || lacks FROM ({_LACKING.strip().removesuffix(";")}) restore (lacks) WHERE lacks <> '';
SQL
"""
SCHEMA = ACCESS + "pg_dump -s"
