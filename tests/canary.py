"""Search for secret values in everything that a project leaves, in the spellings in which programs print them.

Written apart from the redactor, so that what that one forgets is found here.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import io
import json
import os
import re
import shlex
import subprocess
import tarfile
import threading
import urllib.parse
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COLOUR = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")
MIDDLE = 12  # bytes of base64 text that must be there: the rest depends on what stands before and behind
PART = 12  # bytes of a half of a value, which is left where a message is cut
GZIP = b"\x1f\x8b"
OWN_SERVER = b"rclone"  # a server of the tests, which gets its key as an argument

Thing = tuple[str, bytes]  # a name and a content


def spellings(value: bytes) -> dict[str, bytes]:
    """Each spelling by its name. value: at least 16 bytes, so that no spelling is found by chance."""
    text = value.decode()
    found = {
        "raw": value,
        "hex": value.hex().encode(),
        "HEX": value.hex().upper().encode(),
        "percent": urllib.parse.quote(text, safe="").encode(),
        "percent, each byte": "".join(f"%{byte:02X}" for byte in value).encode(),
        "form": urllib.parse.quote_plus(text).encode(),
        "JSON": json.dumps(text)[1:-1].encode(),
        "JSON, UTF-8": json.dumps(text, ensure_ascii=False)[1:-1].encode(),
        "JSON in JSON": json.dumps(json.dumps(text)[1:-1])[1:-1].encode(),
        "shell": shlex.quote(text).strip("'").encode(),
        "HTML": html.escape(text).encode(),
        "UTF-16 LE": text.encode("utf-16-le"),
        "UTF-16 BE": text.encode("utf-16-be"),
    }
    if len(value) >= 2 * PART:
        found |= {"its first half": value[: len(value) // 2], "its last half": value[-(len(value) // 2) :]}
    quoted = urllib.parse.quote(text, safe="").encode()  # as in an address, which is encoded as a whole
    found |= {"hex of percent": quoted.hex().encode(), "HEX of percent": quoted.hex().upper().encode()}
    for how, data, offset in (
        (how, data, offset) for how, data in (("", value), (" of percent", quoted)) for offset in range(3)
    ):
        padded = b"\0" * offset + data
        standard = base64.b64encode(padded)
        url = base64.urlsafe_b64encode(padded)
        start, end = (offset * 8 + 5) // 6, (len(padded) * 8) // 6  # characters that the value alone decides
        assert end - start >= MIDDLE
        found[f"base64{how} at {offset}"], found[f"base64url{how} at {offset}"] = standard[start:end], url[start:end]
    return found


def leaks(values: Mapping[str, str], things: Iterator[Thing]) -> list[str]:
    """Where a value stands: `NAME as SPELLING in THING`."""
    known = [(name, how, form) for name, value in values.items() for how, form in spellings(value.encode()).items()]
    found = []
    for thing, content in things:
        plain = COLOUR.sub(b"", content)  # what a terminal shows in one piece may be written in several
        texts = [content] if plain == content else [content, plain]
        found += [f"{name} as {how} in {thing}" for name, how, form in known if any(form in text for text in texts)]
    return found


def files(folder: Path) -> Iterator[Thing]:
    """All files below a folder, and what those hold that are compressed."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            yield str(path.relative_to(folder)), content
            if content.startswith(GZIP):
                yield f"{path.relative_to(folder)}, unpacked", gzip.decompress(content)


def objects(folder: Path) -> Iterator[Thing]:
    """All objects of all git repositories below a folder, also of those that no ref leads to."""
    for head in sorted(folder.rglob("HEAD")):
        if (head.parent / "objects").is_dir():
            command = ["git", "-c", "safe.bareRepository=all", "--git-dir", str(head.parent), "cat-file", "--batch-all-objects", "--batch"]  # fmt: skip
            done = subprocess.run(command, capture_output=True, check=True)
            yield f"git objects of {head.parent.relative_to(folder)}", done.stdout


def images(references: Collection[str], base: str) -> Iterator[Thing]:
    """Of images: history, record, configuration and layers, except the layers of the image that they are built from."""
    known = set(json.loads(_docker("image", "inspect", base))[0]["RootFS"]["Layers"])
    for reference in references:
        yield f"docker history {reference}", _docker("history", "--no-trunc", reference)
        yield f"docker image inspect {reference}", _docker("image", "inspect", reference)
    with tarfile.open(fileobj=io.BytesIO(_docker("save", *references))) as saved:
        for member in saved.getmembers():
            opened = saved.extractfile(member) if member.isfile() else None
            content = opened.read() if opened else b""
            content = gzip.decompress(content) if content.startswith(GZIP) else content
            if f"sha256:{hashlib.sha256(content).hexdigest()}" not in known:
                yield f"docker save: {member.name}", content


def _docker(*args: str) -> bytes:
    return subprocess.run(["docker", *args], capture_output=True, check=True).stdout


@dataclass
class Seen:
    """What was visible on the machine while commands ran."""

    processes: set[Thing] = field(default_factory=set)  # arguments of all, and variables of those that Shipway starts
    containers: dict[str, dict[str, Any]] = field(
        default_factory=dict
    )  # records by id, also of those that lived for moments
    looked: set[tuple[str, bytes]] = field(default_factory=set)  # number and arguments of processes
    events: bytes = b""  # the engine's: labels of containers, and commands that were executed in them

    def records(self) -> Iterator[Thing]:
        """Records of containers without their own variables."""
        for record in self.containers.values():
            config = {name: item for name, item in record["Config"].items() if name != "Env"}
            yield (
                f"docker inspect {record['Name']}",
                json.dumps(record | {"Config": config}, ensure_ascii=False).encode(),
            )

    def variables(self) -> Iterator[tuple[str, str, Thing]]:
        """Role and name by the labels, and the variables, of each container."""
        for record in self.containers.values():
            labels = record["Config"]["Labels"] or {}
            content = "\n".join(record["Config"]["Env"] or ()).encode()
            role, name = labels.get("shipway.role", ""), labels.get("shipway.name", "")
            yield role, name, (f"variables of {record['Name']}, {role}", content)


@contextmanager
def watching(app: str) -> Iterator[Seen]:
    """Look again and again in the block. app: whose events are kept. The result is complete behind the block."""
    from tests.system.tiny import engine

    seen, over = Seen(), threading.Event()
    begun = engine("/info")["SystemTime"]

    def processes() -> None:
        own = os.readlink("/proc/self/ns/mnt")
        while not over.wait(0.02):
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    _look_at(folder, own, seen)
                except OSError:
                    continue  # it has ended

    def containers() -> None:
        while not over.wait(0.1):
            for item in engine("/containers/json", all=1):
                if item["Id"] in seen.containers:
                    continue
                try:
                    seen.containers[item["Id"]] = engine(f"/containers/{item['Id']}/json")
                except Exception:
                    continue  # it has gone

    threads = [threading.Thread(target=look) for look in (processes, containers)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join()
        until = engine("/info")["SystemTime"]
        seen.events = _docker(
            "events",
            "--since",
            begun,
            "--until",
            until,
            "--filter",
            f"label=shipway.app={app}",
            "--format",
            "{{json .}}",
        )


def _look_at(folder: Path, own: str, seen: Seen) -> None:
    """Arguments of one process; and variables, if it is no container's and not Shipway itself, which has what its operator
    gave it."""
    arguments = (folder / "cmdline").read_bytes()
    words = arguments.split(b"\0")
    if not arguments or words[0].endswith(OWN_SERVER) or (folder.name, arguments) in seen.looked:
        return
    seen.looked.add((folder.name, arguments))
    shown = repr(arguments[:80].replace(b"\0", b" ").decode(errors="replace"))
    seen.processes.add((f"arguments of {shown}", arguments.replace(b"\0", b"\n")))
    if os.readlink(folder / "ns" / "mnt") == own and not any(word.rpartition(b"/")[2] == b"shipway" for word in words):
        seen.processes.add((f"variables of {shown}", (folder / "environ").read_bytes()))
