"""The files of a commit as in a checkout: line endings by attributes, submodules, content of Git LFS.

`export-ignore` and `export-subst` have no effect, as in a checkout.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from shlex import quote

from shipway.domain.errors import RepositoryError
from shipway.domain.value import dataclass
from shipway.system.git.command import printable
from shipway.system.git.lfs import LARGEST, Pointer
from shipway.system.git.login import masked
from shipway.system.git.submodules import GITLINK, SKIPPED
from shipway.system.git.view import Source, View

CHUNK = 1 << 16
BLOCK = 512  # bytes of a tar block

Filter = Callable[[str], bool]  # whether the clone's configuration has a program for a filter


@dataclass(frozen=True)
class Problem:
    """A file of a checkout that this clone lacks."""

    what: str
    remedy: str


def checkout(source: Source, target: Path, folder: str, configured: Filter) -> None:
    """Write the files of a folder ('': all) to `target`, below their full paths. RepositoryError if some are
    missing."""
    with View.of(source) as view:
        parts = _parts(source, view, folder, configured)
        if parts.problems:
            raise refusal(source.revision, parts.problems)
        view.write([path for path, (mode, _) in view.below(folder).items() if mode != GITLINK], target)
    for path, (pointer, kept) in parts.content.items():
        if not pointer.lay(kept, target / path):
            raise refusal(source.revision, [_not_fetched(path, source)])
    for path, inner in parts.inner.items():
        (target / path).mkdir(parents=True, exist_ok=True)
        if inner is not None:
            checkout(inner, target / path, "", configured)


def problems(source: Source, folder: str, configured: Filter) -> list[Problem]:
    """All problems that `checkout` would raise, including nested submodules."""
    with View.of(source) as view:
        parts = _parts(source, view, folder, configured)
    found = [*parts.problems]
    for path, inner in parts.inner.items():
        found += [
            replace(item, what=f"{path}/{item.what}") for item in (problems(inner, "", configured) if inner else ())
        ]
    return found


def refusal(revision: str, found: list[Problem]) -> RepositoryError:
    """One error with all problems."""
    listed = "\n".join(f"  - {printable(item.what)}" for item in found[:20])
    more = f"\n  … and {len(found) - 20} more" if len(found) > 20 else ""
    remedies = "\n".join(dict.fromkeys(printable(item.remedy) for item in found))
    return RepositoryError(f"{revision[:12]} has files that this clone can't check out:\n{listed}{more}", hint=remedies)


@dataclass(frozen=True)
class _Parts:
    """Files whose content isn't in the commit itself."""

    inner: dict[str, Source | None]  # by path of a submodule; None: a checkout leaves it empty
    content: dict[str, tuple[Pointer, Path]]  # by path of a Git LFS file
    problems: list[Problem]


def _parts(source: Source, view: View, folder: str, configured: Filter) -> _Parts:
    parts = _Parts({}, {}, [])
    files = view.below(folder)
    known = view.submodules() if any(mode == GITLINK for mode, _ in files.values()) else {}
    for path, (mode, commit) in files.items():
        if mode != GITLINK:
            continue
        module = known.get(path)
        if module is None:
            remedy = f"add it to .gitmodules (git submodule add ADDRESS {quote(path)}), or remove it (git rm --cached {quote(path)})"
            parts.problems.append(Problem(f"{path} is a submodule that is missing in .gitmodules", remedy))
            continue
        folders = [place / "modules" / module.name for place in source.folders]
        has = next((place for place in folders if _has(place, commit)), None)
        if has is None and module.update != SKIPPED:
            url, place = quote(masked(module.url)), quote(str(folders[0]))
            bare = f"git clone --bare {url} {place}; if that exists: git -C {place} fetch {url} {commit}"
            remedy = f"git submodule update --init --recursive (in a bare repository: {bare})"
            parts.problems.append(
                Problem(f"{path} is a submodule whose commit {commit[:12]} is not in this clone", remedy)
            )
        parts.inner[path] = Source(has, commit, source.hash) if has else None
    _filtered(source, view, files, configured, parts)
    return parts


def _has(folder: Path, commit: str) -> bool:
    """Whether a repository exists there and has the commit."""
    if not (folder / "HEAD").is_file():
        return False
    try:
        with View.of(Source(folder, commit, "sha256" if len(commit) == 64 else "sha1")):
            return True
    except RepositoryError:
        return False


def _filtered(source: Source, view: View, files: dict[str, tuple[str, str]], configured: Filter, parts: _Parts) -> None:
    filters = view.filters([path for path, (mode, _) in files.items() if mode.startswith("100")])
    objects = {path: files[path][1] for path, name in filters.items() if name == "lfs"}
    texts = view.small(sorted(set(objects.values())), LARGEST) if objects else {}
    for path, object in objects.items():
        pointer = Pointer.parse(texts.get(object, ""))
        kept = next((found for place in source.folders if (found := pointer.kept(place))), None) if pointer else None
        if pointer and kept:
            parts.content[path] = (pointer, kept)
        elif pointer:
            parts.problems.append(_not_fetched(path, source))
    for path, name in filters.items():
        if name != "lfs" and configured(name):
            remedy = "store secrets with `shipway secret set`, generate other content in a pipeline step, or commit the files without the filter"
            parts.problems.append(
                Problem(
                    f"{path} has the attribute filter={name}: a checkout runs a program on it, but Shipway doesn't",
                    remedy,
                )
            )


def _not_fetched(path: str, source: Source) -> Problem:
    return Problem(
        f"{path} is stored in Git LFS, and its content is not in this clone", f"git lfs fetch origin {source.revision}"
    )


def dated(folder: Path, seconds: int) -> None:
    """Set all files to the time of the commit, so that the same commit yields the same archive and image."""
    for place, folders, files in os.walk(folder, topdown=False):
        for name in (*files, *folders):
            path = os.path.join(place, name)
            if name in folders and not os.path.islink(path):
                os.chmod(path, 0o755)  # parents of a submodule are created by this process, with its own umask
            os.utime(path, (seconds, seconds), follow_symlinks=False)


def tar(folder: Path, prefix: str) -> Iterator[bytes]:
    """Stream of all files in a folder, with names below a prefix; owned by root, without user names."""
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted((*files, *folders)):
            path = Path(place, name)
            info = tarfile.TarInfo("/".join(part for part in (prefix, path.relative_to(folder).as_posix()) if part))
            found = path.lstat()
            info.mtime, info.mode = int(found.st_mtime), found.st_mode & 0o777
            if path.is_symlink():
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
            elif path.is_dir():
                info.type = tarfile.DIRTYPE
            else:
                info.size = found.st_size
            yield info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
            if info.size:
                yield from _content(path, info.size)
    yield b"\0" * BLOCK * 2


def _content(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
    if size % BLOCK:
        yield b"\0" * (BLOCK - size % BLOCK)
