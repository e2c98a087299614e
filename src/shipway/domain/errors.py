"""The one exception tree. Each class has its own exit code, which scripts may rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self


class ShipwayError(Exception):
    """Base of all errors shown to users: what happened, and in `hint` what to do next."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message  # `within` may have added the name of a host

    def within(self, where: str, *, hint: str = "") -> Self:
        """Prefix the message with where the error happened, and return this error; hint: used if it has none. The
        object is reused, since the arguments of a subclass's constructor are unknown here."""
        self.message = f"{where}: {self.message}"
        self.hint = self.hint or hint
        return self


class UsageError(ShipwayError):
    """The command line is invalid or names something that does not exist."""

    exit_code = 2


def unknown_name(what: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a name that none of these has."""
    return UsageError(f"there is no {what} {name}", hint=f"there are: {', '.join(known) or 'none'}")


class PlanError(ShipwayError):
    """The plan file is missing, unreadable or has problems; the message lists all of them."""

    exit_code = 3


class RepositoryError(ShipwayError):
    """No git repository, an unknown revision, or uncommitted changes where a commit is required."""

    exit_code = 4


class SecretError(ShipwayError):
    """A secret is missing or blank."""

    exit_code = 5


class KeyMissing(SecretError):
    """This machine lacks the key that encrypts the ledger's secrets."""


class SecretUnavailable(SecretError):
    """A provider of secrets is unreachable, or refuses; nothing was changed."""


class StepFailed(ShipwayError):
    """A step of the pipeline, a check, a seed, a task or a job on a schedule failed or timed out."""

    exit_code = 10


class GateRefused(ShipwayError):
    """The release rules reject this deployment; the message lists every reason."""

    exit_code = 11


class DeploymentWaits(GateRefused):
    """Only people or time are missing: `why` lists for what. until: when time alone may change it. seen: what people had
    decided when it was judged."""

    def __init__(
        self, message: str, *, hint: str = "", release: int = 0, why: Sequence[str] = (), until: float | None = None,
        seen: str = "",
    ) -> None:  # fmt: skip
        super().__init__(message, hint=hint)
        self.release, self.why, self.until, self.seen = release, tuple(why), until, seen


class MigrationFailed(ShipwayError):
    """The migration tool failed; the message gives the schema's current revision."""

    exit_code = 12


class Irreversible(MigrationFailed):
    """A migration has no down migration, or an empty one; nothing was reverted."""


class DeployFailed(ShipwayError):
    """The new release did not become healthy or failed its checks; the previous release keeps serving."""

    exit_code = 13


class NotRunnable(DeployFailed):
    """A container's command can't be executed: an error in its image or in the plan, not in the engine."""


class LeaseHeld(ShipwayError):
    """The environment is locked by another process; the message gives owner, start time and reason."""

    exit_code = 14


class NothingToRollBack(ShipwayError):
    """The ledger has no earlier successful release for this environment."""

    exit_code = 15


class DriftFound(ShipwayError):
    """`shipway doctor` found differences from the ledger, `shipway host check` on a host, `shipway infra` in resources, or
    `shipway ci --check` in a file."""

    exit_code = 16


class NotProven(ShipwayError):
    """Rollback verification failed; the message lists what was not restored."""

    exit_code = 17


class ForwardOnly(ShipwayError):
    """There is no safe rollback according to the release's proof; the message lists the options."""

    exit_code = 18


class EngineError(ShipwayError):
    """The container engine is unreachable, denies access, or failed a call."""

    exit_code = 20


class RegistryError(ShipwayError):
    """The registry is unreachable, rejects the credentials, or lacks an image."""

    exit_code = 21


class EdgeError(ShipwayError):
    """The edge proxy failed to start or did not apply the new routes."""

    exit_code = 22


class StoreError(ShipwayError):
    """The ledger can't be opened, was written by a newer version, or rejected a write."""

    exit_code = 23


class DiskFull(EngineError):
    """A host's disk, or this machine's, has too little space; the message gives the amount, the hint how to free
    some."""

    exit_code = 24


class LedgerFull(DiskFull, StoreError):
    """The disk of a file ledger is full, and its reserve is used up."""


class ProofError(ShipwayError):
    """A proof could not be run: because of its database server, the target's dump, a mask, or a timeout."""

    exit_code = 25


class SnapshotFailed(ShipwayError):
    """A snapshot could not be taken, tested or restored; the database is unchanged."""

    exit_code = 26


class BackupFailed(ShipwayError):
    """A backup could not be written, read, decrypted or verified; the environment is unchanged."""

    exit_code = 29


class Damaged(BackupFailed):
    """What is stored differs from what was recorded: its content, not the attempt to read it."""


class OtherKey(BackupFailed):
    """The backup was made for other private keys."""


class StoreFull(BackupFailed):
    """The store of the backups has no space left."""


class StoreGone(BackupFailed):
    """The store of the backups can't be reached, isn't there, or rejects the credentials."""


class NotStored(BackupFailed):
    """The store has no such object."""


class OtherLedger(ShipwayError):
    """What runs there belongs to another ledger, or this ledger to another machine; nothing was changed."""

    exit_code = 27


class TimedOut(ShipwayError):
    """What `shipway wait`, `cancel`, `launch` or `dns` waited for did not happen in time; it may still happen."""

    exit_code = 28


class DnsError(ShipwayError):
    """The DNS provider is unreachable, refuses the key, or doesn't have the zone; or the records differ from those that were
    shown."""

    exit_code = 35


class InfraError(ShipwayError):
    """The infrastructure tool failed, its state is locked, or its plan differs from the one that was approved."""

    exit_code = 36


class CdnError(ShipwayError):
    """A CDN was not purged: the message says why, and the purge stays pending if it can be attempted again."""

    exit_code = 37

    def __init__(self, message: str, *, hint: str = "", retry_after: float = 0.0, refused: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after  # seconds, as the provider says
        self.refused = refused  # it is no use to repeat the request at once


class CertificateError(ShipwayError):
    """No certificate could be obtained, or it could not be put in place; the present one stays."""

    exit_code = 38
    retry: float = 0.0  # when the CA allows another attempt (seconds since the epoch); 0: it doesn't say


class NotAllowed(ShipwayError):
    """Who asks may not do this, or hasn't proven who they are; nothing was done."""

    exit_code = 41


class NotSignedIn(NotAllowed):
    """The sign-in was refused, or the session or the token doesn't count."""

    def __init__(self, message: str, *, hint: str = "", retry_after: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after  # seconds


class AuditBroken(ShipwayError):
    """`shipway audit verify` found entries of the audit that were changed, removed or inserted; the message lists them."""

    exit_code = 44


class ForgeError(ShipwayError):
    """A forge was not reached, refused, or answered what is not understood; nothing else depends on it."""

    exit_code = 42

    def __init__(self, message: str, *, hint: str = "", retry_after: float = 0.0, refused: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after  # seconds, as the forge says
        self.refused = refused  # it is no use to repeat the request


class NotifyError(ShipwayError):
    """A notification could not be sent; nothing else depends on it."""

    exit_code = 45

    def __init__(self, message: str, *, hint: str = "", refused: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.refused = refused  # it is no use to send it again


class PreviewFull(ShipwayError):
    """As many previews stand as the plan allows, and none of them sleeps; the next one follows when there is room."""

    exit_code = 47


class SbomError(ShipwayError):
    """The software of an image could not be listed, or no SBOM of it is known."""

    exit_code = 48


class ClusterError(ShipwayError):
    """A cluster was not reached, refused, or has something that stands in the way. absent: it has no such object. conflict: others
    have set the same fields. forbidden: whoever asks lacks the right."""

    exit_code = 49

    def __init__(
        self, message: str, *, hint: str = "", absent: bool = False, conflict: bool = False, forbidden: bool = False
    ) -> None:
        super().__init__(message, hint=hint)
        self.absent, self.conflict, self.forbidden = absent, conflict, forbidden


class Forged(ForgeError):
    """A webhook request is not signed with the secret. It never says what was wrong."""

    def __init__(self) -> None:
        super().__init__("the webhook request is not signed with the secret of this webhook", refused=True)


class Unreadable(ForgeError):
    """A webhook request is signed, but is not what this forge sends."""

    def __init__(self, message: str) -> None:
        super().__init__(message, refused=True)


class OtherRepository(ForgeError):
    """A webhook request is signed, and tells of a repository that the webhook isn't for."""


class Overtaken(ForgeError):
    """A webhook request is signed, and something newer is known of its pull request."""


class ServerError(ShipwayError):
    """The server that SHIPWAY_URL names was not reached, was lost, or answers what is not understood."""

    exit_code = 46


class Interrupted(ShipwayError):
    """Ctrl-C or SIGTERM; the interrupted work was cleaned up."""

    exit_code = 130
