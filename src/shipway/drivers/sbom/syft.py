"""syft: lists the packages of an image."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from shipway.domain.errors import Interrupted, SbomError
from shipway.system.process import run
from shipway.system.variables import for_others

VARIABLE = "SHIPWAY_SYFT"  # path of the program, or `off`, see services
LIMIT = 600.0  # seconds; a scan takes a few
LARGEST = 64 << 20  # bytes of a document
QUIET = {"SYFT_CHECK_FOR_APP_UPDATE": "false"}


def found() -> str | None:
    """The program: that of SHIPWAY_SYFT, else in the PATH. None: there is none."""
    return shutil.which(os.environ.get(VARIABLE) or "syft")


class Syft:
    """See ports.SbomTool. connection: variables that select the engine. cancelled: a scan in progress is ended."""

    def __init__(
        self, program: str, connection: Mapping[str, str], cancelled: threading.Event | None = None
    ) -> None:  # fmt: skip
        self._program, self._connection, self._cancelled = program, connection, cancelled

    def tool(self) -> str:
        done = self._run("version", "-o", "json", limit=30.0)
        try:
            return f"syft {json.loads(done)['version']}"
        except (ValueError, KeyError, TypeError) as error:
            raise SbomError(f"{self._program} isn't syft: {done[:200]}") from error

    def scan(self, image: str) -> str:
        with tempfile.TemporaryDirectory(prefix="shipway-syft-") as folder:
            file = Path(folder) / "sbom.json"
            self._run("scan", f"docker:{image}", "-q", "-o", f"cyclonedx-json={file}", limit=LIMIT, folder=folder)
            if not file.is_file() or not 0 < file.stat().st_size <= LARGEST:
                raise SbomError(f"syft wrote no SBOM of {image}")
            text = file.read_text(encoding="utf-8")
        try:
            known = json.loads(text).get("bomFormat") == "CycloneDX"
        except (ValueError, AttributeError):
            known = False
        if not known:
            raise SbomError(f"syft wrote an SBOM of {image} that can't be read")
        return text

    def _run(self, *args: str, limit: float, folder: str | None = None) -> str:
        """Its temporary files are as large as the image: they go where this machine has them, and not into memory."""
        environment = {**for_others(), **self._connection, **QUIET, **({"TMPDIR": folder} if folder else {})}
        try:
            done = run([self._program, *args], env=environment, timeout=limit, cancelled=self._cancelled)
        except OSError as error:
            raise SbomError(f"syft can't be started: {error}", hint=f"check the program {self._program}") from error
        if self._cancelled is not None and self._cancelled.is_set():
            raise Interrupted("the scan of an image was interrupted")
        if done.code != 0:
            last = next((line for line in reversed(done.output.splitlines()) if line.strip()), "")
            raise SbomError(f"syft failed with exit code {done.code}: {last[:300]}")
        return done.output
