"""A commit's files in a separate index, in a repository that borrows the team's objects: independent of a clone's or
user's configuration, and without filters."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from shipway.domain.value import dataclass
from shipway.system.git.command import environment, git
from shipway.system.git.submodules import Submodule, submodules

TIMEOUT = 600.0
UMASK = 0o022  # of written files, regardless of the process: 0644 and 0755


@dataclass(frozen=True)
class Source:
    """A commit, and the repository that has it."""

    folder: Path  # git directory
    revision: str
    hash: str = "sha1"  # hash algorithm of the objects
    common: Path | None = None  # git directory of the main work tree, if this is a linked one

    @property
    def folders(self) -> tuple[Path, ...]:
        """Folders that may contain LFS content and submodules."""
        return (self.folder, *([self.common] if self.common and self.common != self.folder else []))


@dataclass(frozen=True)
class View:
    """The index of one commit."""

    folder: Path
    files: dict[str, tuple[str, str]]  # path: mode and object

    @classmethod
    @contextmanager
    def of(cls, source: Source) -> Iterator[View]:
        """Create a temporary one."""
        with tempfile.TemporaryDirectory(prefix="shipway-view-") as made:
            folder = Path(made)
            for name in ("objects/info", "refs"):
                (folder / name).mkdir(parents=True)
            (folder / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
            kind = f"repositoryformatversion = 1\n[extensions]\n\tobjectformat = {source.hash}\n"
            (folder / "config").write_text(f"[core]\n\tbare = true\n\t{kind}", encoding="utf-8")
            (folder / "objects" / "info" / "alternates").write_bytes(
                os.fsencode((source.common or source.folder) / "objects") + b"\n"
            )
            view = cls(folder, {})
            view.run("read-tree", f"{source.revision}^{{tree}}")
            for line in view.run("ls-files", "--stage", "-z").split("\0"):
                kind, _, path = line.partition("\t")
                if path:
                    mode, object, _ = kind.split(" ")
                    view.files[path] = (mode, object)
            yield view

    def below(self, folder: str) -> dict[str, tuple[str, str]]:
        """The files in a folder ('': all)."""
        return {path: entry for path, entry in self.files.items() if not folder or path.startswith(folder + "/")}

    def write(self, paths: Sequence[str], target: Path) -> None:
        """Write these files as in a checkout."""
        self.run(
            "checkout-index", "--force", "-z", "--stdin", work=target, input="".join(f"{path}\0" for path in paths)
        )

    def filters(self, paths: Sequence[str]) -> dict[str, str]:
        """The attribute `filter` of each path that has it."""
        if not any(path.rpartition("/")[2] == ".gitattributes" for path in self.files):
            return {}
        parts = self.run(
            "check-attr", "--cached", "--stdin", "-z", "filter", input="".join(f"{path}\0" for path in paths)
        ).split("\0")
        given = dict(zip(parts[0::3], parts[2::3], strict=False))
        return {path: value for path, value in given.items() if value not in ("unspecified", "unset", "set", "")}

    def small(self, objects: Sequence[str], largest: int) -> dict[str, str]:
        """Content of those with at most that many bytes."""
        sizes = self.run("cat-file", "--batch-check", input="".join(f"{item}\n" for item in objects))
        chosen = [
            line.split(" ")[0]
            for line in sizes.splitlines()
            if line.split(" ")[1] == "blob" and int(line.split(" ")[2]) <= largest
        ]
        data = self.run("cat-file", "--batch", input="".join(f"{item}\n" for item in chosen)).encode(
            "utf-8", "surrogateescape"
        )
        found, at = {}, 0
        for item in chosen:
            begin = data.index(b"\n", at) + 1
            at = begin + int(data[at:begin].split(b" ")[2]) + 1
            found[item] = data[begin : at - 1].decode("utf-8", "replace")
        return found

    def submodules(self) -> dict[str, Submodule]:
        """Submodules by path, from the commit's `.gitmodules`."""
        if ".gitmodules" not in self.files:
            return {}
        return submodules(self.run("config", "--blob", self.files[".gitmodules"][1], "--list", "-z"))

    def run(self, *args: str, work: Path | None = None, input: str = "") -> str:
        """Run a git command in it."""
        env = _alone(self.folder, work or self.folder)
        return git(work or self.folder, *args, env=env, input=input, timeout=TIMEOUT, umask=UMASK).stdout


def _alone(folder: Path, work: Path | None) -> dict[str, str]:
    """Environment without any configuration but its own."""
    given = {name: value for name, value in environment().items() if not name.startswith("GIT_CONFIG")}
    own = {"GIT_DIR": str(folder), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    return {**given, **own, **({"GIT_WORK_TREE": str(work)} if work else {})}
