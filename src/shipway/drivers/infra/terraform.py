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
from shipway.drivers.infra.backends import STATE, has_backend, last_backend, lineage, lineage_of
from shipway.drivers.infra.data import holds_data
from shipway.drivers.infra.process import environment, run_gently
from shipway.system.redact import shortened

OVERRIDE = "shipway_override.tf.json"
LOCK_TIMEOUT = "10s"
PLAIN = ("output", "state")  # commands that take no -no-color
PLACE = 4  # last parts of the path of an own state: APP/ENVIRONMENT/work/terraform.tfstate
CHANGED = re.compile(r"Backend configuration changed|-migrate-state|input is disabled")  # of `init`
ACTIONS = {
    ("create",): CREATE, ("update",): UPDATE, ("delete",): DESTROY, ("read",): READ, ("delete", "create"): REPLACE,
    ("create", "delete"): REPLACE, ("forget",): "forget",
}  # fmt: skip
NEWS = re.compile(r"complete after|Still |ing\.\.\.|^Error|^│|Apply complete|Destroy complete|lock")


class Terraform:
    """Implements ports.InfraTool. Without a backend in the code, the state is in the place's work folder."""

    program = "terraform"
    suffixes: tuple[str, ...] = (".tf", ".tf.json")

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
        files = [
            path
            for path in sorted(self._place.source.iterdir())
            if path.is_file() and path.name != OVERRIDE and path.name.endswith(self.suffixes)
        ]
        if not files:
            raise UsageError(
                f"{self._settings.folder} has no files of {self.program} (*.tf)",
                hint="correct `infra.folder` in the plan",
            )
        own_state = not has_backend(files)
        last = last_backend(self._data)
        was_own = last is None or (last[0] == "local" and Path(last[1]).parts[-PLACE:] == self._state.parts[-PLACE:])
        if own_state:
            if was_own and self._place.applied and not self._state.exists():
                raise self._lost()
            own = {"path": str(self._state)}
            override = self._place.source / OVERRIDE
            override.write_text(json.dumps({"terraform": {"backend": {"local": own}}}), encoding="utf-8")
        # The tool itself refuses a backend that is another one than before; only a home folder may have been moved.
        moved = ["-reconfigure"] if own_state and was_own else []
        self._run(["init", "-input=false", *moved], "init", on_line)
        if not own_state and not (self._data / STATE).exists():
            raise UsageError(
                f"where the state of {self._settings.folder} is kept can't be told",
                hint="set a `backend` or `cloud` block in its `terraform` block, or none at all",
            )
        if not own_state:
            self._require_migrated()
        self._ready = True

    def _lost(self) -> UsageError:
        return UsageError(
            f"the infrastructure was applied, and its state is not on this machine: there is no {self._state}",
            hint="copy it from the home folder of the machine that applied it, or from a backup; if nothing of that "
            f"infrastructure is left: touch {self._state}",
        )

    def _require_migrated(self) -> None:
        """UsageError if the backend lacks what an own state of earlier code knows."""
        own = lineage_of(self._state)
        if own and lineage(self._run(["state", "pull"], "state pull", lambda line: None)) != own:
            raise UsageError(
                f"{self._settings.folder} has a backend now, and the state of what was made before is not in it, but in "
                f"{self._state}: a plan would create everything a second time",
                hint=f"with the credentials as variables: cd {self._place.source} && TF_DATA_DIR={self._data} "
                f"{self.program} state push {self._state}; then run the command again. If nothing of that infrastructure is "
                f"left: rm {self._state}",
            )

    @property
    def _state(self) -> Path:
        return self._place.work / STATE

    @property
    def _data(self) -> Path:
        return self._place.work / "data"

    def _run(self, args: Sequence[str], what: str, on_line: Callable[[str], None]) -> str:
        variables = {f"TF_VAR_{name}": value for name, value in self._settings.variables.items()}
        env = environment(
            self._place.secrets, TF_DATA_DIR=str(self._data), TF_IN_AUTOMATION="1", CHECKPOINT_DISABLE="1", **variables
        )  # fmt: skip
        command = [self.program, args[0], "-no-color", *args[1:]] if args[0] not in PLAIN else [self.program, *args]
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
        if what == "init" and CHANGED.search(text):
            return InfraError(
                f"{self._settings.folder} keeps its state elsewhere than before: a plan against an empty state would create "
                "everything a second time",
                hint=f"move the state, with the credentials as variables: cd {self._place.source} && "
                f"TF_DATA_DIR={self._data} {self.program} init -migrate-state; then run the command again",
            )
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
    suffixes = (".tf", ".tf.json", ".tofu", ".tofu.json")


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
