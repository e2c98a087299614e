"""What the files of other platforms declare: Procfile, fly.toml, render.yaml, Kamal's deploy.yml, railway.json."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shipway.drafting.platforms import fly, kamal, procfile, railway, render
from shipway.drafting.platforms.declared import Declared
from shipway.drafting.tree import Tree, within

# The most complete ones first: in one folder, the first that declares services is used.
_READERS: tuple[Callable[[Tree], Iterator[Declared]], ...] = (
    kamal.read, render.read, fly.read, procfile.read, railway.read,
)  # fmt: skip


def find(tree: Tree) -> tuple[list[Declared], list[str]]:
    """One for each app, and notes about the files that are not used. Files in a folder cover what is below it too."""
    found: list[Declared] = []
    notes: list[str] = []
    everything = [item for read in _READERS for item in read(tree) if item.services]
    for item in sorted(everything, key=lambda item: 0 if item.folder == "." else item.folder.count("/") + 1):
        other = next((known for known in found if within(item.folder, known.folder) is not None), None)
        if other is None:
            found.append(item)
            continue
        same = item.folder == other.folder
        other.release = other.release or (item.release if same else None)
        notes.append(f"{item.file}: not used for services, since {other.file} declares them")
    return found, notes
