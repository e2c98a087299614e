"""Shell scripts that work on whole MySQL and MariaDB databases with the programs of the server's own image."""

from __future__ import annotations

from shipway.drivers.mysql_client import CLIENT
from shipway.drivers.server.snapshot_script import snapshot_script

# With our user as the DEFINER of all code: the right to name another one is as good as root's.
AS_OWN = r"""
as_own() {
  sed -e '/^\/\*![0-9]* DEFINER=/s/DEFINER=`[^`]*`@`[^`]*`/DEFINER=CURRENT_USER/' \
    -e '/^\(\/\*![0-9]* \)\{0,1\}CREATE\(\*\/ \/\*![0-9]*\)\{0,1\} DEFINER=/s/DEFINER=`[^`]*`@`[^`]*`/DEFINER=CURRENT_USER/'
}
"""

# DB_HOST, DB_PORT, DB_USER, MYSQL_PWD and DB_NAME select the database. A dump has two parts: the tables with their rows,
# then the code (routines, views, triggers, events), so that the tables can be loaded without it.
_CLIENT = (
    CLIENT
    + AS_OWN
    + r"""
MARK='-- shipway: code'
sql() { $client --host="$DB_HOST" --port="$DB_PORT" --user="$DB_USER" --default-character-set=utf8mb4 --batch --raw --skip-column-names "$@"; }
literal() { printf %s "$1" | sed "s/'/''/g"; }
id() { echo "CONCAT(CHAR(96 USING utf8mb4), REPLACE($1, CHAR(96 USING utf8mb4), REPEAT(CHAR(96 USING utf8mb4), 2)), CHAR(96 USING utf8mb4))"; }
views() { sql "$DB_NAME" -e "SELECT table_name FROM information_schema.views WHERE table_schema = database() ORDER BY 1"; }
dump() { # option…, table…: of the database, without the words of MySQL's replication, with the former rows that MariaDB keeps
  [ -z "${more+x}" ] && more=$($dumper --help 2>/dev/null |
    sed -n -e 's/^ *\(--set-gtid-purged\).*/\1=OFF/p' -e 's/^ .*\(--dump-history\) .*/\1/p' | sort -u)
  $dumper --host="$DB_HOST" --port="$DB_PORT" --user="$DB_USER" --default-character-set=utf8mb4 --single-transaction \
    --no-tablespaces --skip-comments --hex-blob --quick $more "$@"
}
tables() { # option…
  views > /tmp/views || return
  while read -r view; do set -- "$@" "--ignore-table=$DB_NAME.$view"; done < /tmp/views
  dump --skip-triggers "$@" "$DB_NAME"
}
code() {
  echo "$MARK"
  tables --no-data --no-create-info --routines || return
  set --
  while read -r view; do set -- "$@" "$view"; done < /tmp/views
  [ $# = 0 ] || dump --no-data --skip-triggers "$DB_NAME" "$@" || return
  triggers --events
}
triggers() { # option…: without views, whose dump is last in it
  views > /tmp/views || return
  while read -r view; do set -- "$@" "--ignore-table=$DB_NAME.$view"; done < /tmp/views
  dump --no-data --no-create-info --triggers --add-drop-trigger "$@" "$DB_NAME"
}
only_tables() { sed "/^$MARK\$/,\$d"; }
only_code() { sed "1,/^$MARK\$/d" | as_own; }
lasting() { # rows of tables with system versioning that are current: from MariaDB 11.5 on, they end at another time
  if [ "$(sql -e 'SELECT FROM_UNIXTIME(4294967295) IS NOT NULL' </dev/null)" = 1 ]; then
    sed "s/'2038-01-19 03:14:07.999999')/'2106-02-07 06:28:15.999999')/g"
  else cat; fi
}
settings() { # of the database, as options of CREATE or ALTER DATABASE
  sql -e "SELECT CONCAT('CHARACTER SET ', default_character_set_name, ' COLLATE ', default_collation_name)
    FROM information_schema.schemata WHERE schema_name = '$(literal "$DB_NAME")'"
}
rows() {
  sql "$DB_NAME" <<'SQL' > /tmp/counts.sql && sql "$DB_NAME" < /tmp/counts.sql
SELECT CONCAT('SELECT ''shipway-rows ', REPLACE(IF(table_name REGEXP '^[A-Za-z_][A-Za-z0-9_]*$', table_name, quoted), '''', ''''''),
  ''', COUNT(*) FROM ', quoted, IF(table_type = 'SYSTEM VERSIONED', ' FOR SYSTEM_TIME ALL', ''), ';')
FROM (SELECT table_name, table_type, CONCAT('`', REPLACE(table_name, '`', '``'), '`') AS quoted FROM information_schema.tables
  WHERE table_schema = database() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')) t ORDER BY table_name;
SQL
}
"""
)

# No server of this family renames a database. RENAME TABLE moves all tables in one step, both ways, but no view, and no
# table with triggers. So the code is dropped and created around that step, which a table beside the previous ones marks as
# done; whoever comes later can tell what is left to do.
DATABASE = snapshot_script(
    _CLIENT
    + r"""
DONE=shipway_swapped
size() { sql "$DB_NAME" -e "SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables WHERE table_schema = database()"; }
here() { (export DB_HOST=127.0.0.1 DB_PORT=3306 MYSQL_PWD=none; "$@"); }
serve() {
  env -u DB_HOST -u DB_PORT -u MYSQL_PWD MYSQL_RANDOM_ROOT_PASSWORD=yes MYSQL_USER="$DB_USER" MYSQL_PASSWORD=none MYSQL_DATABASE="$DB_NAME" \
    docker-entrypoint.sh --bind-address=127.0.0.1 --skip-log-bin --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 \
    --event-scheduler=OFF >/tmp/server.log 2>&1 &
  until here sql "$DB_NAME" -e 'SELECT 1' >/dev/null 2>&1; do
    kill -0 $! 2>/dev/null || { cat /tmp/server.log; return 1; }
    sleep 0.1
  done
}
save() { { tables && code || touch /tmp/incomplete; } | gzip -1; [ ! -e /tmp/incomplete ]; }
test_it() {
  gunzip -c "$1" | only_tables | here lasting | here sql "$DB_NAME" || return
  gunzip -c "$1" | only_code | here sql "$DB_NAME" || return
  here rows
}
shape() { here tables --no-data && here code; }
restore() {
  file=$1 new=$2
  create "$new" || return
  gunzip -c "$file" | only_code > "$new.code" || return
  gunzip -c "$file" | only_tables | lasting | sql "$new" || return
  # The code is tried here: after the step that moves the tables, an error would be too late.
  sql "$new" < "$new.code" && (DB_NAME=$new; { drops TRIGGER triggers trigger && drop_code; } > /tmp/drop.sql && sql "$new" < /tmp/drop.sql)
}
create() {
  options=$(settings) || return
  sql -e "CREATE DATABASE IF NOT EXISTS \`$1\` $options" 2>&1 && return
  echo "the user $DB_USER needs the right to create such databases; the server's root grants it:"
  echo "GRANT ALL ON \`shipway\\_%\`.* TO '$DB_USER'@'%'"
  return 1
}
swap() {
  new=$1 old=$2
  swapped "$old" || move || { return_triggers "$new"; return 1; }
  rm -f "$new.triggers"
  drop_code > /tmp/drop.sql || return
  sql "$DB_NAME" < /tmp/drop.sql && sql "$DB_NAME" < "$new.code"
}
drop_code() { drops VIEW views table && drops '' routines routine && drops EVENT events event; }
drops() { # word, table of information_schema, prefix of its columns: statements that drop the database's code
  kind=routine_type
  [ -z "$1" ] || kind="'$1'"
  sql "$DB_NAME" -e "SELECT CONCAT('DROP ', $kind, ' ', $(id 'database()'), '.', $(id "$3_name"), ';')
    FROM information_schema.$2 WHERE $3_schema = database()"
}
move() {
  create "$old" || return
  sql "$new" -e "CREATE TABLE IF NOT EXISTS $DONE (n int)" || return
  triggers > "$new.part" && mv "$new.part" "$new.triggers" || return
  { drops TRIGGER triggers trigger && echo 'SET SESSION lock_wait_timeout = 60; RENAME TABLE' &&
    pairs "$DB_NAME" "$old" && pairs "$new" "$DB_NAME" && echo "$new.$DONE TO $old.$DONE;"
  } > /tmp/move.sql || return
  # The rename blocks new statements while this ends the existing sessions.
  ( while sleep 0.1; do
      sql -e "SELECT CONCAT('KILL ', id, ';') FROM information_schema.processlist
        WHERE user = substring_index(user(), '@', 1) AND db = '$(literal "$DB_NAME")' AND id <> connection_id()" > /tmp/kill.sql &&
        sql --force < /tmp/kill.sql >/dev/null 2>&1
    done ) & ending=$!
  sql < /tmp/move.sql
  code=$?
  kill "$ending"
  return "$code"
}
pairs() { # from, to: of RENAME TABLE
  sql "$1" -e "SELECT CONCAT($(id table_schema), '.', $(id table_name), ' TO ', $(id "'$(literal "$2")'"), '.', $(id table_name), ',')
    FROM information_schema.tables WHERE table_schema = database() AND table_type <> 'VIEW' AND table_name <> '$DONE'"
}
swapped() { [ -n "$(sql -e "SELECT 1 FROM information_schema.tables WHERE table_schema = '$1' AND table_name = '$DONE'")" ]; }
return_triggers() { [ ! -s "$1.triggers" ] || sql "$DB_NAME" < "$1.triggers" && rm -f "$1.triggers"; }
names() { sql -e "SELECT schema_name FROM information_schema.schemata WHERE schema_name REGEXP '^shipway_(restore|before)_[0-9]+\$' AND schema_name <> '$(literal "$DB_NAME")'"; }
drop() {
  for name; do
    return_triggers "$name" || return  # of a swap that died before its step
    sql -e "SET foreign_key_checks = 0; DROP DATABASE IF EXISTS \`$name\`" 2>&1 || return
    rm -f "$name.code"
  done
}
there() {
  for name in $(names); do
    case $name in shipway_before_*) swapped "$name" || continue ;; esac
    say "there $name"
  done
}
"""
)

# $OLD and $NEW: the two servers.
UPGRADE = (
    r"""
set -u
"""
    + _CLIENT
    + r"""
old() { (DB_HOST=$OLD; "$@"); }
new() { (DB_HOST=$NEW; "$@"); }
others=$(old sql -e "SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema', '$DB_NAME')") || exit 1
[ -z "$others" ] || { echo "the server has other databases, which would not be copied:" $others; exit 1; }
{ { echo "ALTER DATABASE $(old settings);" && old tables && old code; } || touch /tmp/failed; } | as_own | new lasting | new sql "$DB_NAME" || exit 1
[ ! -e /tmp/failed ] || exit 1
old rows > /tmp/old && new rows > /tmp/new || exit 1
cmp -s /tmp/old /tmp/new || { echo "the row counts of the copy differ:"; diff /tmp/old /tmp/new | head -n 20; exit 1; }
echo "shipway-tables $(wc -l < /tmp/new)"
"""
)

# $1: pipe, save or load; $2: schema or data; $3: file of save and load; then the names of tables whose rows are always
# included.
COPY = (
    r"""
what=$1 mode=$2 file=$3
shift 3
"""
    + _CLIENT
    + r"""
history_tables() { # the names of those that exist
  for name; do
    sql "$DB_NAME" -e "SELECT table_name FROM information_schema.tables WHERE table_schema = database() AND table_name = '$name' AND table_type = 'BASE TABLE'" || return
  done
}
pick() {
  history_tables "$@" > /tmp/history-tables || return
  set --
  while read -r table; do set -- "$@" "$table"; done < /tmp/history-tables
  [ $# = 0 ] || dump --no-create-info --skip-triggers "$DB_NAME" "$@"
}
everything() {
  { echo "ALTER DATABASE $(settings);" &&
    if [ "$mode" = data ]; then tables; else tables --no-data && pick "$@"; fi && code; } || touch /tmp/failed
}
load() { DB_HOST=$TO_HOST DB_PORT=$TO_PORT DB_USER=$TO_USER MYSQL_PWD=$TO_PASSWORD DB_NAME=$TO_DATABASE; export MYSQL_PWD; lasting | sql "$DB_NAME"; }
case $what in
  pipe) everything "$@" | (load) ;;
  save) everything "$@" | gzip -1 > "$file" ;;
  load) gunzip -c "$file" | (load) ;;
esac && [ ! -e /tmp/failed ]
"""
)

# In the server's own container, by the variables that its image was created with.
INSIDE = (
    r"""
[ -n "${DB_HOST:-}" ] || {
  export DB_HOST=127.0.0.1 DB_PORT=3306 DB_USER="${MARIADB_USER:-${MYSQL_USER:-}}" DB_NAME="${MARIADB_DATABASE:-${MYSQL_DATABASE:-}}"
  export MYSQL_PWD="${MARIADB_PASSWORD:-${MYSQL_PASSWORD:-}}"
}
"""
    + _CLIENT
)
SIZE = (
    INSIDE
    + r"""
sql "$DB_NAME" -e "SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables WHERE table_schema = database()"
"""
)
# The schema as text, to see whether a migration that failed has changed it. Arguments: tables that are left out.
SCHEMA = (
    INSIDE
    + r"""
for table; do set -- "$@" "--ignore-table=$DB_NAME.$table"; shift; done
{ tables --no-data "$@" && code; } | sed -e 's/ AUTO_INCREMENT=[0-9]*//' -e '/^DO SETVAL(/d' -e '/^DROP [A-Z]* IF EXISTS/d' -e '/^\/\*![0-9]* SET /d' \
  -e '/^SET /d' -e '/^\/\*M!/d' -e '/^$/d'
"""
)
