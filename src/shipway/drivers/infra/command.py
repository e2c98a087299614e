"""Any program, by JSON on stdin and stdout: Pulumi, a script of the team. See docs/infrastructure.md."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from shipway.domain.errors import InfraError, UsageError
from shipway.domain.infra import InfraPlace, InfraPlan, Output, ResourceChange
from shipway.domain.provisioned import Infra
from shipway.drivers.infra.data import holds_data
from shipway.drivers.infra.process import environment, run_gently
from shipway.system.redact import shortened


class CommandTool:
    """Implements ports.InfraTool. The program keeps its state; SHIPWAY_WORK is a private folder that stays."""

    def __init__(self, settings: Infra, place: InfraPlace, cancelled: threading.Event) -> None:
        if not settings.run:
            raise UsageError("`infra` with the tool command needs `run`", hint="add the command to the plan")
        self._settings, self._place, self._cancelled = settings, place, cancelled

    def plan(self, file: Path, on_line: Callable[[str], None], *, destroy: bool = False) -> InfraPlan:
        """`{"action": "plan", "destroy": …}`."""
        found = self._ask({"action": "plan", "destroy": destroy}, on_line)
        data = json.dumps(found, sort_keys=True).encode()
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(data)
        outputs = _outputs(found.get("outputs", {}))
        return InfraPlan(_changes(found), outputs, "sha256:" + hashlib.sha256(data).hexdigest(), destroy)

    def apply(self, file: Path, on_line: Callable[[str], None]) -> None:
        """`{"action": "apply", "plan": …}`: what it returned."""
        self._ask({"action": "apply", "plan": json.loads(file.read_bytes())}, on_line)

    def outputs(self) -> Mapping[str, Output]:
        """`{"action": "outputs"}`."""
        return _outputs(self._ask({"action": "outputs"}, lambda line: None).get("outputs", {}))

    def drift(self, on_line: Callable[[str], None]) -> Sequence[ResourceChange]:
        """`{"action": "drift"}`."""
        return _changes(self._ask({"action": "drift"}, on_line))

    def _ask(self, request: Mapping[str, Any], on_line: Callable[[str], None]) -> dict[str, Any]:
        assert self._settings.run
        env = environment(self._place.secrets, SHIPWAY_WORK=str(self._place.work))
        text = json.dumps({**request, "variables": dict(self._settings.variables)})
        code, out, err = run_gently(
            ["sh", "-c", self._settings.run], self._place.source, env, self._cancelled, input=text, on_line=on_line
        )
        what = request["action"]
        try:
            found = json.loads(out) if out.strip() else {}
        except ValueError:
            found = None
        if isinstance(found, dict) and found.get("locked"):
            raise InfraError(f"the state is locked ({found['locked']})", hint="wait until that has ended")
        if isinstance(found, dict) and found.get("stale"):
            raise InfraError("the plan is stale: the state was changed since", hint="plan again, and apply that plan")
        if code or not isinstance(found, dict) or found.get("error"):
            last = err.strip().splitlines()[-1:] or [f"exit code {code}"]
            told = found.get("error") if isinstance(found, dict) else None
            why = shortened(str(told or (last[0] if code else "it printed no JSON object")), 500)
            raise InfraError(f"`{self._settings.run[:60]}` failed to {what}: {why}")
        return found


def _changes(found: Mapping[str, Any]) -> tuple[ResourceChange, ...]:
    try:
        return tuple(
            ResourceChange(
                str(item["address"]),
                str(item.get("type", "")),
                str(item["action"]),
                tuple(map(str, item.get("attributes", ()))),
                bool(item.get("data")) or holds_data(str(item["address"]), str(item.get("type", ""))),
            )
            for item in found.get("changes", [])
        )
    except (TypeError, KeyError, AttributeError) as error:
        raise InfraError("a change in the command's answer has no `address` or `action`") from error


def _outputs(found: Any) -> dict[str, Output]:
    try:
        return {str(name): Output(item.get("value"), bool(item.get("sensitive"))) for name, item in found.items()}
    except AttributeError as error:
        raise InfraError('the outputs in the command\'s answer are not like {"NAME": {"value": …}}') from error
