"""The state of a run whose process died: its journal, and the containers of its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path

from shipway.domain.container import LABEL_ATTEMPT, LABEL_KEY, LABEL_LOG, LABEL_NAME, ContainerInfo
from shipway.domain.release import PENDING
from shipway.domain.run import StepRecord
from shipway.domain.value import dataclass

# Exit codes after SIGKILL, SIGTERM, or unknown: the engine stopped, or the machine ran out of memory.
KILLED_EXTERNALLY = (137, 143, 255)


def scratch(home: Path, number: int) -> Path:
    """The folder of an unfinished run: if it exists, something of the run may be on the engine too."""
    return home / "runs" / str(number)


@dataclass(frozen=True)
class ResumeState:
    """The state of a resumed run, by step. Empty for a new run."""

    journal: Mapping[str, StepRecord] = field(default_factory=dict)
    containers: Sequence[ContainerInfo] = ()

    def begun(self, step: str) -> ContainerInfo | None:
        """The newest container of an unfinished step that runs, or was not killed externally."""
        record = self.journal.get(step)
        if record is None or record.outcome != PENDING:
            return None
        usable = [item for item in self.of(step) if item.labels.get(LABEL_KEY) == record.key and _usable(item)]
        return max(usable, key=attempt_of, default=None)

    def of(self, step: str) -> list[ContainerInfo]:
        """All containers of a step."""
        return [item for item in self.containers if item.labels.get(LABEL_NAME) == step]

    def __str__(self) -> str:
        """Describe as in 'lint passed, unit is still running'."""
        return (
            ", ".join(f"{name} {self._state(name, record)}" for name, record in self.journal.items())
            or "no step had started"
        )

    def _state(self, name: str, record: StepRecord) -> str:
        if record.passed or record.failed:
            return "passed" if record.passed else "failed"
        begun = self.begun(name)
        if begun is None:
            return "is restarted"
        return "is still running" if begun.running else "has exited"


def attempt_of(container: ContainerInfo) -> int:
    """The number of its step's attempt, from 0."""
    return int(container.labels[LABEL_ATTEMPT])


def log_of(container: ContainerInfo) -> int:
    """Offset in bytes at which its output begins in the step's log."""
    return int(container.labels[LABEL_LOG])


def _usable(container: ContainerInfo) -> bool:
    """A container that was never started may lack its files."""
    return container.running or (container.state == "exited" and container.exit_code not in KILLED_EXTERNALLY)
