"""Shell functions that copy all files of a PostgreSQL server, and restore a server as it was at a time from them."""

from __future__ import annotations

# `base` shares the network of the server's container: its image lets replication in from there, and from nowhere else.
# What is recovered is a server of its own beside the test server of a snapshot, in the same container.
RECOVERY = r"""
base() {
  export PGHOST=127.0.0.1 PGPORT=5432
  rm -f base.* /tmp/failed
  [ "$(sql -c 'SELECT count(*) FROM pg_tablespace')" = 2 ] || { echo "the server has other tablespaces: their files can't be copied"; return 1; }
  size=$(sql -c 'SELECT sum(pg_database_size(oid)) FROM pg_database') || return
  free=$(df -Pk . | awk 'NR == 2 { printf "%.0f", $4 * 1024 }')
  [ "$free" -gt $((size + 300000000)) ] || { say "full $size $free"; return 1; }
  piece=$(sql -c "SELECT format('%s-%s', system_identifier, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)) FROM pg_control_system()") &&
    first=$(sql -c "SELECT div(pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0'), pg_size_bytes(current_setting('wal_segment_size')))") || return
  { pg_basebackup -w -D - -F tar -X fetch -c fast || touch /tmp/failed; } | gzip -1 > base.part
  [ ! -e /tmp/failed ] || return 1
  ended=$(sql -c 'SELECT extract(epoch FROM clock_timestamp())') || return
  sync base.part 2>/dev/null || sync
  mv base.part base.tar.gz || return
  say "base $(wc -c < base.tar.gz) $(sha256sum base.tar.gz | cut -d ' ' -f 1) $piece $first $ended $size"
}
recovered() { # option…: until it has replayed all, and accepts connections
  env -u PGHOST -u PGPORT -u PGUSER -u PGPASSWORD -u PGDATABASE PGDATA=/archive/data docker-entrypoint.sh postgres \
    -c port=5433 -c listen_addresses=127.0.0.1 -c hba_file=/archive/hba.conf -c hot_standby=off -c ssl=off -c archive_mode=off \
    -c synchronous_standby_names= -c primary_conninfo= -c logging_collector=off -c log_destination=stderr -c fsync=off \
    -c full_page_writes=off -c recovery_target_timeline=current -c recovery_target_action=promote \
    -c restore_command='test -f /archive/%f.gz && gunzip -c /archive/%f.gz > %p' "$@" >/tmp/recovery.log 2>&1 &
  until pg_isready -q; do
    kill -0 $! 2>/dev/null || return 1
    sleep 0.1
  done
}
recover() {
  moment=$1
  shift
  rm -rf /archive/data
  mkdir /archive/data && gunzip -c /archive/base.tar.gz | tar -x -C /archive/data && touch /archive/data/recovery.signal || return
  made=$(cat /archive/data/PG_VERSION) here=$(postgres --version)
  here=${here#*) } here=${here%%[!0-9]*}
  [ "$made" = "$here" ] || { echo "the files are of PostgreSQL $made, and the image has PostgreSQL $here, which can't read them"; return 1; }
  chmod 700 /archive/data
  echo 'host all all 127.0.0.1/32 trust' > /archive/hba.conf
  plain
  export PGHOST=127.0.0.1 PGPORT=5433 PGPASSWORD=none
  set -- "$moment" "$@"
  if [ -z "$moment" ] || ! recovered -c "recovery_target_time=$moment"; then
    # Nothing was committed after that time: then all there is belongs to it.
    [ -z "$moment" ] || grep -q 'recovery ended before configured recovery target' /tmp/recovery.log || { tail -n 20 /tmp/recovery.log; return 1; }
    recovered || { tail -n 20 /tmp/recovery.log; return 1; }
  fi
  shift
  take "$@"
}
"""
