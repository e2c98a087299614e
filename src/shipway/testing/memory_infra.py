"""Infrastructure in memory, which fails on script."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from shipway.domain.errors import InfraError
from shipway.domain.infra import CREATE, DESTROY, REPLACE, InfraPlan, Output, ResourceChange
from shipway.system.private_file import write_private


class MemoryInfra:
    """Implements ports.InfraTool. `code` (resource: input) and `results` (outputs) are what the repository would have; `real` is
    what exists. locked: who holds the state's lock. dies: at the next apply, after its first change."""

    def __init__(self, code: Mapping[str, str], results: Mapping[str, Output]) -> None:
        self.code, self.results = dict(code), dict(results)
        self.state: dict[str, str] = {}
        self.real: dict[str, str] = {}
        self.serial = 0
        self.locked = ""
        self.dies = False
        self.outputs_now: dict[str, Output] = {}

    def plan(self, file: Path, on_line: Callable[[str], None], *, destroy: bool = False) -> InfraPlan:
        """Compare the code with the state."""
        self._require_lock()
        code = {} if destroy else self.code
        text = json.dumps({"serial": self.serial, "code": code, "outputs": sorted({} if destroy else self.results)})
        write_private(file, text)
        made = []
        for name in sorted({*code, *self.state}):
            if code.get(name) != self.state.get(name):
                action = CREATE if name not in self.state else DESTROY if name not in code else REPLACE
                made.append(ResourceChange(name, name.partition(".")[0], action, holds_data="database" in name))
        content = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
        results = {} if destroy else self.results
        return InfraPlan(tuple(made), results, content, destroy, outputs_change=results != self.outputs_now)

    def apply(self, file: Path, on_line: Callable[[str], None]) -> None:
        """What the file says."""
        self._require_lock()
        found: Any = json.loads(file.read_text(encoding="utf-8"))
        if found["serial"] != self.serial:
            raise InfraError("the plan is stale: the state was changed since", hint="plan again, and apply that plan")
        self.serial += 1
        for name in sorted({*found["code"], *self.state}):
            if name in found["code"]:
                self.state[name] = self.real[name] = found["code"][name]
            else:
                del self.state[name], self.real[name]
            if self.dies:
                self.dies = False
                raise KeyboardInterrupt
        self.outputs_now = {name: self.results[name] for name in found["outputs"]}

    def outputs(self) -> Mapping[str, Output]:
        """As of the last apply."""
        return self.outputs_now

    def drift(self, on_line: Callable[[str], None]) -> Sequence[ResourceChange]:
        """The state and what exists."""
        self._require_lock()
        names = sorted(name for name in {*self.state, *self.real} if self.state.get(name) != self.real.get(name))
        return [
            ResourceChange(name, name.partition(".")[0], "update" if name in self.real else DESTROY) for name in names
        ]

    def _require_lock(self) -> None:
        if self.locked:
            raise InfraError(f"the state is locked ({self.locked})", hint="wait until that has ended")
