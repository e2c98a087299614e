"""Shell scripts that keep PostgreSQL's write-ahead log until it is stored, with the programs of the server's own image.

A replication slot keeps its segments, so that none is lost between two calls; the files themselves are read from the server's
folder.
"""

from __future__ import annotations

from shipway.drivers.server.postgres_scripts import ACCESS

_SLOT = "shipway"
_MOST = "8GB"  # that the slot may keep, so that a store that is gone doesn't fill the server's disk

_SQL = f"""
psql -X -q -A -t -v ON_ERROR_STOP=1 -v piece="${{1:-}}" -v number="${{2:--1}}" -f - <<'SQL' 2>&1
\\set slot {_SLOT}
"""
ARCHIVE = rf"""{ACCESS}{_SQL}
SELECT pg_size_bytes(current_setting('wal_segment_size')) AS size \gset
DO $$ BEGIN
  IF current_setting('server_version_num')::int < 130000 THEN RAISE 'PostgreSQL 13 or later is needed'; END IF;
  IF current_setting('wal_level') = 'minimal' THEN RAISE 'its wal_level is minimal: remove that setting'; END IF;
END $$;
SELECT source = 'default' AS bare FROM pg_settings WHERE name = 'max_slot_wal_keep_size' \gset
\if :bare
  ALTER SYSTEM SET max_slot_wal_keep_size = '{_MOST}';
  SELECT pg_reload_conf();
\endif
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
WHERE slot_name = :'slot' AND (restart_lsn IS NULL OR wal_status = 'lost');
SELECT pg_create_physical_replication_slot(:'slot', true)
WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = :'slot');
SELECT format('%s-%s', system_identifier, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)) AS own FROM pg_control_system() \gset
SELECT pg_replication_slot_advance(:'slot', stored) FROM pg_replication_slots,
  LATERAL (SELECT (:number + 1) * :size::bigint AS bytes) b,
  LATERAL (SELECT format('%s/%s', to_hex(bytes >> 32), to_hex(bytes & 4294967295))::pg_lsn AS stored) s
WHERE slot_name = :'slot' AND :'piece' = :'own' AND stored > restart_lsn AND stored <= pg_current_wal_flush_lsn();
SELECT extract(epoch FROM clock_timestamp()) AS moment \gset
SELECT pg_switch_wal();
SELECT format('shipway-archive %s %s %s/pg_wal', :'own', :'moment', current_setting('data_directory'));
SELECT format('shipway-segment %s %s', number, name) FROM pg_replication_slots, LATERAL (
  SELECT name, ('x' || substr(name, 9, 8))::bit(32)::bigint * (4294967296 / :size)
    + ('x' || substr(name, 17, 8))::bit(32)::bigint AS number
  FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{{24}}$' AND substr(name, 1, 8) = split_part(:'own', '-', 2)) segments
WHERE slot_name = :'slot' AND number >= div(pg_wal_lsn_diff(restart_lsn, '0/0'), :size)
  AND number < div(pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0'), :size) ORDER BY number;
SQL
"""
UNARCHIVE = rf"""{ACCESS}{_SQL}
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = :'slot';
SQL
"""
