"""Terraform, and OpenTofu, whose command line is the same."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from shipway.domain.errors import InfraError, UsageError
from shipway.domain.infra import (
    CREATE,
    DESTROY,
    READ,
    REPLACE,
    UPDATE,
    InfraPlace,
    InfraPlan,
    Output,
    ResourceChange,
    attribute_lines,
    lock_holder,
)
from shipway.domain.provisioned import Infra
from shipway.drivers.infra.data import holds_data
from shipway.drivers.infra.process import environment, run_gently
from shipway.system.redact import shortened

BACKEND = re.compile(r"\b(backend\b|cloud\s*\{)|\"(backend|cloud)\"\s*:")
OVERRIDE = "shipway_override.tf.json"
LOCK_TIMEOUT = "10s"
ACTIONS = {
    ("create",): CREATE, ("update",): UPDATE, ("delete",): DESTROY, ("read",): READ, ("delete", "create"): REPLACE,
    ("create", "delete"): REPLACE, ("forget",): "forget",
}  # fmt: skip
NEWS = re.compile(r"complete after|Still |ing\.\.\.|^Error|^│|Apply complete|Destroy complete|lock")


class Terraform:
    """Implements ports.InfraTool. Without a backend in the code, the state is in the place's work folder."""

    program = "terraform"

    def __init__(self, settings: Infra, place: InfraPlace, cancelled: threading.Event) -> None:
        self._settings, self._place, self._cancelled = settings, place, cancelled
        if shutil.which(self.program) is None:
            raise UsageError(
                f"{self.program} is not installed on this machine",
                hint=f"install it, so that `{self.program} version` works",
            )
        self._ready = False

    def plan(self, file: Path, on_line: Callable[[str], None], *, destroy: bool = False) -> InfraPlan:
        """`init`, `plan`, `show`."""
        self._init(on_line)
        with_destroy = ["-destroy"] if destroy else []
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        self._run(
            ["plan", "-input=false", f"-lock-timeout={LOCK_TIMEOUT}", *with_destroy, f"-out={file}"], "plan", on_line
        )
        file.chmod(0o600)
        shown = self._json(["show", "-json", str(file)])
        planned = shown.get("planned_values", {}).get("outputs", {})
        outputs = {name: Output(item.get("value"), bool(item.get("sensitive"))) for name, item in planned.items()}
        content = "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()
        changed = any(item.get("actions") != ["no-op"] for item in shown.get("output_changes", {}).values())
        return InfraPlan(_changes(shown.get("resource_changes", [])), outputs, content, destroy, outputs_change=changed)

    def apply(self, file: Path, on_line: Callable[[str], None]) -> None:
        """Of the saved plan."""
        self._init(on_line)
        self._run(["apply", "-input=false", f"-lock-timeout={LOCK_TIMEOUT}", str(file)], "apply", on_line)

    def outputs(self) -> Mapping[str, Output]:
        """From the state."""
        self._init(lambda line: None)
        found = self._json(["output", "-json"])
        return {name: Output(item.get("value"), bool(item.get("sensitive"))) for name, item in found.items()}

    def drift(self, on_line: Callable[[str], None]) -> Sequence[ResourceChange]:
        """A plan that only refreshes."""
        self._init(on_line)
        file = self._place.work / "drift.tfplan"
        file.unlink(missing_ok=True)
        try:
            command = ["plan", "-refresh-only", "-input=false", f"-lock-timeout={LOCK_TIMEOUT}", f"-out={file}"]
            self._run(command, "drift", on_line)
            file.chmod(0o600)
            return _changes(self._json(["show", "-json", str(file)]).get("resource_drift", []))
        finally:
            file.unlink(missing_ok=True)

    def _init(self, on_line: Callable[[str], None]) -> None:
        if self._ready:
            return
        texts = [
            path.read_text(encoding="utf-8", errors="replace")
            for path in self._place.source.glob("*.tf*")
            if path.is_file() and path.name != OVERRIDE
        ]
        if not texts:
            raise UsageError(
                f"{self._settings.folder} has no files of {self.program} (*.tf)",
                hint="correct `infra.folder` in the plan",
            )
        own_state = not any(BACKEND.search(text) for text in texts)
        override = self._place.source / OVERRIDE
        if own_state:
            state = {"path": str(self._place.work / "terraform.tfstate")}
            override.write_text(json.dumps({"terraform": {"backend": {"local": state}}}), encoding="utf-8")
        self._run(["init", "-input=false", "-reconfigure"], "init", on_line)
        if not own_state and not (self._data / "terraform.tfstate").exists():
            raise UsageError(
                f"where the state of {self._settings.folder} is kept can't be told",
                hint="set a `backend` or `cloud` block in its `terraform` block, or none at all",
            )
        self._ready = True

    @property
    def _data(self) -> Path:
        return self._place.work / "data"

    def _run(self, args: Sequence[str], what: str, on_line: Callable[[str], None]) -> str:
        variables = {f"TF_VAR_{name}": value for name, value in self._settings.variables.items()}
        env = environment(
            self._place.secrets, TF_DATA_DIR=str(self._data), TF_IN_AUTOMATION="1", CHECKPOINT_DISABLE="1", **variables
        )  # fmt: skip
        command = [self.program, args[0], "-no-color", *args[1:]] if args[0] != "output" else [self.program, *args]
        code, out, err = run_gently(
            command, self._place.source, env, self._cancelled, on_stdout=what in ("apply",),
            on_line=lambda line: on_line(line) if NEWS.search(line) else None,
        )  # fmt: skip
        if code:
            raise self._error(what, out, err)
        return out

    def _error(self, what: str, out: str, err: str) -> InfraError:
        text = f"{err}\n{out}"
        if holder := lock_holder(text):
            return InfraError(
                f"the state is locked ({holder})",
                hint=f"wait until that has ended; if it died: {self.program} force-unlock ID, in {self._settings.folder}",
            )
        if "Saved plan is stale" in text:
            return InfraError("the plan is stale: the state was changed since", hint="plan again, and apply that plan")
        lines = [line.strip("│╷╵ ") for line in err.splitlines()]
        begin = next((number for number, line in enumerate(lines) if line.startswith("Error")), 0)
        told = shortened(" ".join(line for line in lines[begin:] if line), 1500)
        return InfraError(f"{self.program} {what} failed: {told or 'without a message'}")

    def _json(self, args: Sequence[str]) -> dict[str, Any]:
        text = self._run(args, args[0], lambda line: None)
        try:
            found: dict[str, Any] = json.loads(text)
        except ValueError as error:
            raise InfraError(f"{self.program} {args[0]} printed no JSON") from error
        return found


class Tofu(Terraform):
    """Implements ports.InfraTool."""

    program = "tofu"


def _changes(found: Sequence[Mapping[str, Any]]) -> tuple[ResourceChange, ...]:
    made = []
    for item in found:
        actions = tuple(item["change"]["actions"])
        if actions == ("no-op",) or item.get("mode") == "data":
            continue
        lines = attribute_lines(item["change"])
        address, kind, action = item["address"], item.get("type", ""), ACTIONS.get(actions, "+".join(actions))
        made.append(ResourceChange(address, kind, action, lines, holds_data(address, kind)))
    return tuple(made)
