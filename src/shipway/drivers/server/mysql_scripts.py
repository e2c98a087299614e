"""Shell scripts that work on whole MySQL and MariaDB databases with the programs of the server's own image."""

from __future__ import annotations

from shipway.drivers.server.snapshot_script import snapshot_script

# DB_HOST, DB_PORT, DB_USER, MYSQL_PWD and DB_NAME select the database. A dump has two parts: the tables with their rows,
# then the code (routines, views, triggers, events), so that the tables can be loaded without it.
_CLIENT = r"""
MARK='-- shipway: code'
client=$(command -v mariadb || command -v mysql)
dumper=$(command -v mariadb-dump || command -v mysqldump)
sql() { "$client" --host="$DB_HOST" --port="$DB_PORT" --user="$DB_USER" --default-character-set=utf8mb4 --batch --raw --skip-column-names "$@"; }
literal() { printf %s "$1" | sed "s/'/''/g"; }
id() { echo "CONCAT(CHAR(96 USING utf8mb4), REPLACE($1, CHAR(96 USING utf8mb4), REPEAT(CHAR(96 USING utf8mb4), 2)), CHAR(96 USING utf8mb4))"; }
views() { sql "$DB_NAME" -e "SELECT table_name FROM information_schema.views WHERE table_schema = database() ORDER BY 1"; }
dump() { # option…, table…: of the database, without the words of MySQL's replication
  [ -z "${no_gtid+x}" ] && no_gtid=$("$dumper" --help 2>/dev/null | sed -n 's/^ *\(--set-gtid-purged\).*/\1=OFF/p' | head -n 1)
  "$dumper" --host="$DB_HOST" --port="$DB_PORT" --user="$DB_USER" --default-character-set=utf8mb4 --single-transaction \
    --no-tablespaces --skip-comments --hex-blob --quick $no_gtid "$@"
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
only_code() { sed "1,/^$MARK\$/d"; }
settings() { # of the database, as options of CREATE or ALTER DATABASE
  sql -e "SELECT CONCAT('CHARACTER SET ', default_character_set_name, ' COLLATE ', default_collation_name)
    FROM information_schema.schemata WHERE schema_name = '$(literal "$DB_NAME")'"
}
rows() {
  sql "$DB_NAME" <<'SQL' > /tmp/counts.sql && sql "$DB_NAME" < /tmp/counts.sql
SELECT CONCAT('SELECT ''shipway-rows ', REPLACE(IF(table_name REGEXP '^[A-Za-z_][A-Za-z0-9_]*$', table_name, quoted), '''', ''''''),
  ''', COUNT(*) FROM ', quoted, ';')
FROM (SELECT table_name, CONCAT('`', REPLACE(table_name, '`', '``'), '`') AS quoted FROM information_schema.tables
  WHERE table_schema = database() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')) t ORDER BY table_name;
SQL
}
"""

# No server of this family renames a database. RENAME TABLE moves all tables in one step, both ways, but no view, and no
# table with triggers. So the code is dropped and created around that step, which a table beside the previous ones marks as
# done; whoever comes later can tell what is left to do.
DATABASE = snapshot_script(
    _CLIENT
    + r"""
DONE=shipway_swapped
size() { sql "$DB_NAME" -e "SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables WHERE table_schema = database()"; }
here() { ([ -n "${DB_HOST:-}" ] || {
  export DB_HOST=127.0.0.1 DB_PORT=3306 DB_USER="${MARIADB_USER:-${MYSQL_USER:-}}" DB_NAME="${MARIADB_DATABASE:-${MYSQL_DATABASE:-}}"
  export MYSQL_PWD="${MARIADB_PASSWORD:-${MYSQL_PASSWORD:-}}"
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
{ { echo "ALTER DATABASE $(old settings);" && old tables && old code; } || touch /tmp/failed; } | new sql "$DB_NAME" || exit 1
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
load() { DB_HOST=$TO_HOST DB_PORT=$TO_PORT DB_USER=$TO_USER MYSQL_PWD=$TO_PASSWORD DB_NAME=$TO_DATABASE; export MYSQL_PWD; sql "$DB_NAME"; }
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
export DB_HOST=127.0.0.1 DB_PORT=3306 DB_USER="${MARIADB_USER:-${MYSQL_USER:-}}" DB_NAME="${MARIADB_DATABASE:-${MYSQL_DATABASE:-}}"
export MYSQL_PWD="${MARIADB_PASSWORD:-${MYSQL_PASSWORD:-}}"
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
