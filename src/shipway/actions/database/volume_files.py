"""Copy the files of services' volumes into the volume of snapshots and back, in containers of the database's image.

A restore unpacks beside the current files, in the same volume, and then renames both. The renames are many, so a
reader may see a mixture for a moment; after a crash they are completed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

from shipway.context import Context
from shipway.domain.container import ContainerSpec
from shipway.domain.database import DatabaseFile
from shipway.domain.disk import relief
from shipway.domain.errors import DiskFull, SnapshotFailed
from shipway.domain.size import readable
from shipway.domain.snapshot import Archive
from shipway.domain.value import dataclass
from shipway.steps.container import capture

TARGET = "/volumes"  # each volume is mounted below it, under its name in the plan
TIMEOUT = 6 * 3600.0
TAIL = 8
ENTRY = "shipway-archive"
FULL = "shipway-full"
SCRIPT = r"""
set -u
say() { printf 'shipway-%s\n' "$*"; }
digest() { sha256sum "$1" | cut -d ' ' -f 1; }
apart() { db=.shipway-none; [ "$1" != "${DB_VOLUME-}" ] || db=$DB_NAME; }  # the database's files are no files of its volume
take() {
  file=$1
  size=$(du -sk . | awk '{ printf "%.0f", $1 * 1024 }') || return
  free=$(df -Pk /snapshots | awk 'NR == 2 { printf "%.0f", $4 * 1024 }')
  [ "$free" -gt $((size + 300000000)) ] || { say "full $size $free"; return 1; }
  for name in *; do
    to=/snapshots/$file.$name.tar
    apart "$name"
    tar -C "$name" --numeric-owner --exclude './.shipway-*' --exclude "./$db" --exclude "./$db-wal" --exclude "./$db-shm" \
      --exclude "./$db-journal" -cf "$to.part" . 2>/tmp/problems
    code=$?
    cat /tmp/problems
    [ "$code" -le 1 ] || return "$code"  # 1: files changed or disappeared meanwhile
    tar -tf "$to.part" >/tmp/list || return
    sync "$to.part" 2>/dev/null || sync
    mv "$to.part" "$to" || return
    say "archive $name $(wc -c < "$to") $(digest "$to") $(grep -c -v '/$' /tmp/list) $code"
  done
  for old in /snapshots/*.tar /snapshots/*.tar.part; do
    kept=
    for file; do case "${old##*/}" in "$file".*) kept=1 ;; esac; done
    [ -n "$kept" ] || rm -f "$old"
  done
}
load() {
  new=.shipway-restore-$1 file=$2
  shift 2
  while [ $# -gt 0 ]; do
    from=/snapshots/$file.$1.tar
    [ -f "$from" ] || { echo "the snapshot volume has no file ${from##*/}"; return 1; }
    [ "$(digest "$from")" = "$2" ] || { echo "${from##*/} is damaged: its digest differs"; return 1; }
    rm -rf "$1/$new"
    mkdir -p "$1/$new/content" && tar -C "$1/$new/content" --numeric-owner -xpf "$from" || return
    shift 2
  done
}
move() {  # everything in $1 to $2; a running service may have created the same name there: that goes to $3
  mkdir -p "$2" "$3" || return
  find "$1" -mindepth 1 -maxdepth 1 ! -name '.shipway-restore-*' ! -name '.shipway-before-*' \
    ! -name "$db" ! -name "$db-wal" ! -name "$db-shm" ! -name "$db-journal" -exec sh -c '
    to=$0 aside=$1; shift
    for path; do
      there=$to/${path##*/}
      if [ -e "$there" ] || [ -L "$there" ]; then mv "$there" "$aside/$$.${path##*/}" || exit; fi
      mv "$path" "$to/" || exit
    done' "$2" "$3" {} +
}
swap() {
  for name in *; do
    new=$name/.shipway-restore-$1 old=$name/.shipway-before-$1
    [ -d "$new/content" ] || continue
    apart "$name"
    [ -e "$old/moved" ] || { move "$name" "$old/content" "$old/aside" && : > "$old/moved"; } || return
    move "$new/content" "$name" "$old/aside" || return
    rm -rf "$new" || return
  done
}
sweep() { for name in *; do rm -rf "$name"/.shipway-restore-* "$name"/.shipway-before-* || return; done; }
cd /volumes && "$@" 2>&1
"""
Operation = Literal["take", "load", "swap", "sweep"]
WHAT = {"take": "the copy", "load": "the restore", "swap": "the renaming", "sweep": "the clean-up"}


@dataclass(frozen=True)
class VolumeFiles:
    """The volumes of an environment whose files are part of its snapshots. ctx: of the host where they are."""

    ctx: Context
    spec: ContainerSpec  # with the volume of snapshots
    volumes: Mapping[str, str]  # the engine's name by name in the plan
    database: DatabaseFile | None = None  # in one of them: copied and restored on its own

    def take(self, file: str, kept: tuple[str, ...]) -> dict[str, Archive]:
        """Archive each volume beside the database's FILE, and remove the archives of files not kept."""
        lines = self._run("take", file, *kept)
        words = [line.split()[1:] for line in lines if line.startswith(f"{ENTRY} ")]
        return {name: Archive(int(size), digest, int(files), code == "0") for name, size, digest, files, code in words}

    def load(self, id: int, file: str, archives: Mapping[str, Archive]) -> None:
        """Unpack these archives beside the current files."""
        words = [word for name, archive in archives.items() if name in self.volumes for word in (name, archive.digest)]
        self._run("load", str(id), file, *words)

    def swap(self, id: int) -> None:
        """Replace the current files by the unpacked ones. Completes an interrupted one; without unpacked files it does
        nothing."""
        self._run("swap", str(id))

    def sweep(self) -> None:
        """Remove unpacked and replaced files."""
        self._run("sweep")

    def _run(self, what: Operation, *arguments: str) -> list[str]:
        self.ctx.images.pull(self.spec.image, lambda line: None)
        mounts = {source: f"{TARGET}/{name}" for name, source in self.volumes.items()}
        spec = dataclasses.replace(
            self.spec,
            entrypoint=("sh", "-c"),
            command=(SCRIPT, "shipway", what, *arguments),
            networks={},
            env={"DB_VOLUME": self.database.volume, "DB_NAME": self.database.name} if self.database else {},
            volumes={**self.spec.volumes, **mounts},
        )
        code, output = capture(self.ctx, spec, timeout=TIMEOUT)
        lines = output.splitlines()
        if code == 0:
            return lines
        full = next((line.split()[1:] for line in lines if line.startswith(f"{FULL} ")), None)
        if full:
            size, free = map(int, full)
            raise DiskFull(
                f"the disk is too full for a snapshot: {readable(free)} are free, but the files of the services have "
                f"{readable(size)}",
                hint=relief(self.ctx.runtime.commands),
            )
        raise SnapshotFailed(
            f"{WHAT[what]} of the files of {', '.join(self.volumes)} failed:\n" + "\n".join(lines[-TAIL:])
        )
