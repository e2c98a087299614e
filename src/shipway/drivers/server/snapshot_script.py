"""The shell script for whole databases that all servers share: it keeps the files of snapshots, and calls a server's own
functions.

$1 is the operation; variables of the client programs select the database. Lines for the caller begin with `shipway-`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

# Of a server: size (bytes), serve (a test server in this container, until it answers), save (the database to its output),
# test_it FILE (restore it to the test server, print the rows there), shape (the schema there as text), restore FILE NEW, rows, swap, names (databases that a
# restore made), drop NAME….
# The test of a snapshot restores it to a server in this container, so the copy is always removed with it.
_SHARED = r"""
say() { printf 'shipway-%s\n' "$*"; }
digest() { sha256sum "$1" | cut -d ' ' -f 1; }
dump_tested() { # FILE: dump the database into it and test it; sets sum, its digest
  serve & server=$!
  save > "$1" || return
  wait "$server" || return
  test_it "$1" || return
  sum=$(digest "$1")
}
take() {
  file=$1; shift
  rm -f ./*.part
  size=$(size) || return
  free=$(df -Pk . | awk 'NR == 2 { printf "%.0f", $4 * 1024 }')
  [ "$free" -gt $((2 * size + 300000000)) ] || { say "full $size $free"; return 1; }
  dump_tested "$file.part" && shaped || return
  [ -n "${TEMPORARY-}" ] || sync "$file.part" 2>/dev/null || sync
  mv "$file.part" "$file" || return
  for old in *.dump; do
    case " $file $* " in *" $old "*) ;; *) rm -f "$old" ;; esac
  done
  say "taken $(wc -c < "$file") $sum"
}
load() {
  file=$1 digest=$2 new=$3
  [ -f "$file" ] || { echo "the snapshot volume has no file $file"; return 1; }
  [ "$(digest "$file")" = "$digest" ] || { echo "$file is damaged: its digest differs"; return 1; }
  drop "$new" || return
  restore "$file" "$new"
}
verify() {
  file=$1 digest=$2
  [ -f "$file" ] || { echo "the volume has no file $file"; return 1; }
  serve & server=$!
  [ "$(digest "$file")" = "$digest" ] || { echo "$file is damaged: its digest differs"; return 1; }
  wait "$server" || return
  test_it "$file" && shaped
}
shaped() {
  [ -n "${SHAPE-}" ] || return 0
  shape > /tmp/shape || return
  say "shape $(sha256sum /tmp/shape | cut -d ' ' -f 1)"
}
sweep() { for name in $(names); do drop "$name" || return; done; }
there() { for name in $(names); do say "there $name"; done; }
cd /snapshots && "$@" 2>&1
"""


def snapshot_script(functions: str) -> str:
    """The script with a server's functions, which may replace the shared ones above them."""
    shared, start, call = _SHARED.rpartition("cd /snapshots")
    return f"set -u{shared}{functions}{start}{call}"


def copy_command(
    script: str, operation: Literal["copy", "dump", "restore"], words: Sequence[str], history: Collection[str]
) -> tuple[str, ...]:
    """The command of a server's script that copies a database: to another server, to a file, or from one. `words` as of
    ports.server; `history`: tables that are always copied with their rows."""
    match operation:
        case "copy":
            tables = sorted({*history, *words[1:]})
            return ("sh", "-c", script, "shipway", "pipe", *words[:1], "", *tables)
        case "dump":
            tables = sorted({*history, *words[2:]})
            return ("sh", "-c", script, "shipway", "save", *words[:2], *tables)
        case "restore":
            return ("sh", "-c", script, "shipway", "load", "", *words)
