"""The history of environments: deployments to them, and snapshots of their databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.release import Deployment
    from shipway.domain.snapshot import Snapshot
    from shipway.domain.totals import Total


class DeploymentLedger(Protocol):
    """Deployments: pending from their start until their outcome is recorded. Raises StoreError."""

    def begin_deployment(self, deployment: Deployment) -> int:
        """Append it as pending (its id is ignored) and return its id."""

    def end_deployment(self, id: int, outcome: str, at: float, schema: str | None, detail: str) -> None:
        """Record its outcome; StoreError if it has one."""

    def deployments(self, app: str, environment: str | None = None, limit: int = 50) -> list[Deployment]:
        """A listing for display, newest first. Not for decisions: it may be truncated."""

    def deployment(self, app: str, environment: str, id: int) -> Deployment | None:
        """The one with that id there."""

    def latest(self, app: str, environment: str) -> Deployment | None:
        """The newest deployment, with any outcome."""

    def current(self, app: str, environment: str) -> Deployment | None:
        """The newest successful one since the environment was last destroyed: what runs there."""

    def pending(self, app: str, environment: str) -> list[Deployment]:
        """All that began and have no outcome, newest first."""

    def deployments_of(self, app: str, environment: str, release: int) -> list[Deployment]:
        """Deployments of one release since the environment was last destroyed, newest first."""

    def history(self, app: str, environment: str) -> list[Deployment]:
        """All since the environment was last destroyed, newest first, for `domain.history` and `domain.schema_history`:
        no limit."""

    def destroyed(self, app: str, environment: str) -> float:
        """When it was last destroyed, in seconds since the epoch; 0: never."""

    def environments(self, app: str) -> list[str]:
        """All that were ever deployed to, in the order of their first deployment."""

    def deployment_totals(self) -> list[Total]:
        """Of all apps, by app, environment, kind and outcome."""

    def add_snapshot(self, snapshot: Snapshot) -> Snapshot:
        """Append it under its environment's next number (its own is ignored), and return it with that."""

    def snapshots(self, app: str, environment: str) -> list[Snapshot]:
        """Newest first."""
