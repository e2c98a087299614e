"""The one exception tree. Each class has an exit code of its own; scripts may rely on the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self


class ShipwayError(Exception):
    """Base of every error that a user may see: what happened, and in `hint` what to do next."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message  # which may have got the name of a host since

    def within(self, where: str, *, hint: str = "") -> Self:
        """The same error with a message that begins with where it was; hint: for one that has none. What a class needs to
        be made of isn't known here, so it is never made a second time."""
        self.message = f"{where}: {self.message}"
        self.hint = self.hint or hint
        return self


class UsageError(ShipwayError):
    """The command line asks for something that isn't there or makes no sense."""

    exit_code = 2


class PlanError(ShipwayError):
    """The plan file is missing, unreadable or has problems; the message lists all of them."""

    exit_code = 3


class RepositoryError(ShipwayError):
    """No git repository, an unknown revision, or a dirty tree where a commit is asked for."""

    exit_code = 4


class SecretError(ShipwayError):
    """A secret is missing or blank."""

    exit_code = 5


class KeyMissing(SecretError):
    """This machine lacks the key under which the ledger's secrets are encrypted."""


class StepFailed(ShipwayError):
    """A step of the pipeline or a check failed or ran into its time-out."""

    exit_code = 10


class GateRefused(ShipwayError):
    """The release may not go into this environment; the message lists every reason."""

    exit_code = 11


class MigrationFailed(ShipwayError):
    """The migration tool failed; the message says at which revision the schema now is."""

    exit_code = 12


class Irreversible(MigrationFailed):
    """There is no way down from a migration, or one that does nothing; nothing was reverted."""


class DeployFailed(ShipwayError):
    """The new release did not become healthy or failed its checks; the previous one keeps serving."""

    exit_code = 13


class NotRunnable(DeployFailed):
    """A container's command can't be executed: a fault of its image or of the plan, not of the engine."""


class LeaseHeld(ShipwayError):
    """Another process works on this environment; the message says who, since when and why."""

    exit_code = 14


class NothingToRollBack(ShipwayError):
    """The ledger has no earlier good release for this environment."""

    exit_code = 15


class DriftFound(ShipwayError):
    """`shipway doctor` found something that is not as the ledger says."""

    exit_code = 16


class NotProven(ShipwayError):
    """The way back from a release was walked, and isn't one; the message says what is not as it was."""

    exit_code = 17


class ForwardOnly(ShipwayError):
    """The proof of the release shows no way back; the message names the options."""

    exit_code = 18


class EngineError(ShipwayError):
    """The container engine can't be reached, refuses access, or failed a call."""

    exit_code = 20


class RegistryError(ShipwayError):
    """The registry can't be reached, refuses the credentials, or lacks an image."""

    exit_code = 21


class EdgeError(ShipwayError):
    """The edge proxy can't be started or did not take the new routes."""

    exit_code = 22


class StoreError(ShipwayError):
    """The ledger can't be opened, is newer than this version, or refused a write."""

    exit_code = 23


class DiskFull(EngineError):
    """There is too little space on a host's disk, or on this machine's; the message says how much, the hint what frees some."""

    exit_code = 24


class LedgerFull(DiskFull, StoreError):
    """The disk of a ledger in a file is full, and its reserve is used up."""


class ProofError(ShipwayError):
    """A proof could not be carried out: its database server, the target's dump, a mask, or a time-out."""

    exit_code = 25


class SnapshotFailed(ShipwayError):
    """A snapshot could not be taken, tried or restored; the database is as it was."""

    exit_code = 26


class OtherLedger(ShipwayError):
    """What runs there belongs to another ledger, or this ledger to another machine; nothing was changed."""

    exit_code = 27


class Interrupted(ShipwayError):
    """Ctrl-C or SIGTERM: what was begun has been cleaned up."""

    exit_code = 130
