"""Every driver protocol. Actions and steps know these and never a driver.

Unless a docstring says otherwise: methods are blocking, safe to call from several threads, raise the class of
`domain.errors` that is named at the protocol, and are idempotent: asking for what is already so is no error.
"""

from __future__ import annotations

import builtins
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # what every command imports must be cheap
    from shipway.domain.catalog import Catalog, Content
    from shipway.domain.container import ContainerInfo, ContainerSpec, EngineObject, Publish
    from shipway.domain.disk import DiskUsage
    from shipway.domain.image import ImageInfo, Layer
    from shipway.domain.ownership import Adoption
    from shipway.domain.proof import Lock
    from shipway.domain.registration import AcceptedRules, Registration
    from shipway.domain.release import Acceptance, Approval, Deployment, Evidence, Lease, Release, Trigger
    from shipway.domain.snapshot import Snapshot
    from shipway.domain.traffic import Traffic

OnLine = Callable[[str], None]  # takes one line of output, without its line end
Dial = Callable[[tuple[str, int], float], socket.socket]  # as socket.create_connection: host and port, seconds


class Host(Protocol):
    """The way to a machine with a Docker Engine that is not this one. Raises EngineError where there is none.

    It is opened at the first use, and anew where it broke; what was under way then has failed.
    """

    def engine(self) -> socket.socket:
        """A connection to its engine's API."""

    def dial(self, address: tuple[str, int], timeout: float) -> socket.socket:
        """A connection from there: to its loopback ports, its containers, and whatever else it reaches. OSError as of
        socket.create_connection where that refuses or is silent."""

    def lend(self, port: int) -> AbstractContextManager[bool]:
        """In the block, the host's port on 127.0.0.1 leads to the same one of this machine; False where it is taken."""

    def close(self) -> None:
        """Nothing of it is left, here and there. The next use would open it again."""


class Runtime(Protocol):
    """Containers and networks of one engine. Raises EngineError."""

    def ping(self) -> str:
        """The engine's version; says how to start it or get access where it doesn't answer."""

    def list(self, labels: Mapping[str, str]) -> list[ContainerInfo]:
        """All containers (stopped ones too) that carry these labels; an empty value matches any value."""

    def objects(self, labels: Mapping[str, str]) -> builtins.list[EngineObject]:
        """All containers, networks and volumes that carry these labels, whoever made them; as `list` matches."""

    def variables(self, container: str) -> Mapping[str, str]:
        """Environment variables of a container, running or not, secrets too; none where it is missing."""

    def find(self, container: str) -> ContainerInfo | None:
        """One container by name or id; None where there is none."""

    def create(self, spec: ContainerSpec) -> str:
        """Create (not start) it and return its id. A container of that name with the same LABEL_CONFIG is kept."""

    def start(self, container: str) -> None:
        """Start it; a running one stays. NotRunnable where its command can't be executed."""

    def prioritize(self, container: str) -> None:
        """Give a container that was made with low priority its full share of the processor. A missing one is no error."""

    def stop(self, container: str, grace: float) -> None:
        """SIGTERM, after `grace` seconds SIGKILL; returns when it has exited. A missing one is no error."""

    def rename(self, container: str, name: str) -> None:
        """Give it another name, which no other container may have."""

    def remove(self, container: str, *, volumes: bool = True) -> None:
        """Kill and remove it, with its anonymous volumes unless `volumes` is False. A missing one is no error."""

    def wait(self, container: str, timeout: float) -> int:
        """Exit code; TimeoutError when it still runs after `timeout` seconds (it is left running)."""

    def logs(self, container: str, *, follow: bool = False, tail: int | None = None) -> Iterator[str]:
        """Lines of stdout and stderr as they come; with follow until the container exits."""

    def execute(self, container: str, command: Sequence[str], *, timeout: float = 600.0) -> tuple[int, str]:
        """Run a command inside a running container: exit code and output. timeout: seconds that it may be silent."""

    def connections(self, container: str, port: int) -> int | None:
        """How many connections from outside of it a container has open at a port; 0 of one that doesn't run, None where
        that can't be known."""

    def put(self, container: str, path: str, archive: Iterator[bytes]) -> None:
        """Unpack a tar stream into the directory `path` of a created or running container; `path` must exist."""

    def get(self, container: str, path: str) -> Iterator[bytes]:
        """Tar stream of a file or directory. FileNotFoundError where it doesn't exist."""

    def ensure_network(self, name: str, labels: Mapping[str, str], *, internal: bool = False, pinned: bool = False) -> None:
        """Make the bridge network where it isn't there. internal: what is in it alone reaches nothing else; this machine
        reaches it. pinned: so that `set_aliases` is possible there."""

    def remove_network(self, name: str) -> None:
        """Remove it; whatever is still attached is detached first."""

    def connect(self, network: str, container: str, aliases: Sequence[str] = ()) -> None:
        """Attach a container to one more network."""

    def set_aliases(self, network: str, container: str, aliases: Sequence[str]) -> bool:
        """Let others in the network find an attached container by exactly these names; connections that are open to it or
        from it stay open. False, and nothing is changed, where that isn't possible, or it isn't attached."""

    def disconnect(self, network: str, container: str) -> None:
        """Detach a container from a network; one that isn't attached is no error."""

    def has_volume(self, name: str) -> bool:
        """Whether there is one of that name, whoever made it."""

    def remove_volume(self, name: str) -> None:
        """Remove a volume and its data."""

    def free_space(self) -> int | None:
        """Bytes that are free where images and containers are kept; None where that can't be told."""

    def memory(self) -> tuple[int, int] | None:
        """Bytes of memory of the engine's machine that programs may still take, and of all; None where that can't be told."""

    def memory_of(self, container: str) -> int | None:
        """Bytes that a running container uses, the cache of files left out; None where that can't be told."""

    def disk_usage(self) -> DiskUsage:
        """What could be freed there. The engine measures it: that may take some seconds."""


class Images(Protocol):
    """Images on one engine. Raises EngineError; RegistryError from pull and push."""

    def inspect(self, reference: str) -> Mapping[str, object] | None:
        """The engine's own record of an image (`Id`, `Config.WorkingDir`, `RepoDigests` …), None where absent."""

    def build(
        self, context: Path, *, tags: Sequence[str], dockerfile: str, target: str | None,
        args: Mapping[str, str], labels: Mapping[str, str], on_line: OnLine,
    ) -> str:
        """Build with BuildKit and return the image id. StepFailed with the last lines where the build fails."""  # fmt: skip

    def tag(self, image: str, repository: str, tag: str) -> None:
        """Name a local image."""

    def push(self, repository: str, tag: str, on_line: OnLine) -> str:
        """Push repository:tag and return its digest (sha256:…)."""

    def pull(self, reference: str, on_line: OnLine) -> None:
        """Pull name:tag or repository@digest where it isn't there already."""

    def list(self) -> list[ImageInfo]:
        """All images, those without a name too."""

    def remove(self, name: str) -> bool:
        """Take this name (tag or digest) from its image; with its last name an image goes, unless a container, running or
        not, uses it: then nothing changes, and the answer is False. A missing name is no error."""


class Registry(Protocol):
    """Where images are kept. Raises RegistryError."""

    def ensure(self) -> None:
        """Check that it answers and takes the credentials; the embedded one is started where it isn't running."""

    def repository(self, app: str, image: str) -> str:
        """Full repository name such as 127.0.0.1:5055/catalogue/backend."""

    def digest(self, repository: str, reference: str) -> str | None:
        """Digest of a tag or digest in the registry; None where it isn't there."""

    def tag(self, repository: str, digest: str, tag: str) -> None:
        """Give a digest that is already there one more tag, without moving layers."""

    def layers(self, repository: str, digest: str) -> Sequence[Layer]:
        """Of an image, the lowest first (for several platforms: of the first for Linux); none where it isn't there."""


class Edge(Protocol):
    """The reverse proxy of one host, shared by all apps and environments on it. Raises EdgeError."""

    def ensure(
        self, ports: Sequence[Publish], networks: Mapping[str, Sequence[str]], url: Mapping[str, object] | None = None
    ) -> None:
        """Run it with at least these public ports, attached to these networks under these aliases (the public host
        names, so that a container there reaches the edge by them), able to get certificates and to believe proxies as
        the `url` of a table says; keeps all that others asked for, and interrupts none of them, but for what `pending` says."""

    def pending(self, ports: Sequence[Publish], url: Mapping[str, object] | None = None) -> str | None:
        """What `ensure` with these would interrupt, in words; None where nothing is interrupted."""

    def authority(self) -> str | None:
        """Certificate (PEM) of the authority that signs for local names; None where it was never needed."""

    def down(self) -> Sequence[str]:
        """Its containers that don't run: nobody is answered at their ports. None where there is no edge."""

    def trim(self) -> None:
        """Give back the public ports that no routes need."""

    def visit(
        self, owner: str, url: Mapping[str, object], network: str, labels: Mapping[str, str]
    ) -> AbstractContextManager[str]:
        """In the block there is a container (its name is given) whose network namespace reaches this address (`url` of a
        table) as visitors do, whatever DNS says, and no container of this engine otherwise. A maintenance page isn't
        shown there. network: the name of one that is made for it; labels: of all that is made. Not twice at a time."""

    def routes(self, owner: str) -> Mapping[str, object] | None:
        """The table that `switch` wrote last for this owner (app-environment); None where there is none."""

    def switch(self, owner: str, table: Mapping[str, object]) -> None:
        """Replace the owner's routes in one atomic write, in effect and reachable when it returns; what was routed
        before is again where that fails. See `domain.routes` for a table's content."""

    def remove(self, owner: str) -> None:
        """Drop the owner's routes."""

    def maintain(self, owner: str, url: Mapping[str, object], page: str | None) -> None:
        """Answer everybody at this address (`url` of a table) with status 503 and this HTML page, whatever is switched
        meanwhile; None ends it. Who asks from `visit` is served as ever."""

    def maintained(self, owner: str) -> bool:
        """Whether it does."""

    def probe(self, owner: str, release: int) -> str | None:
        """One request through the edge to a release of the owner's first route, at its health path. None where it is
        answered well, else what was seen."""

    def traffic(self, owner: str) -> Mapping[int, Traffic]:
        """By release of the owner: the requests since the edge was started."""


OneOff = Callable[[Sequence[str]], tuple[int, str]]
"""Runs one command (argv) in the image of a release, with its environment and secrets, and takes the container away
again: exit code and output (stdout and stderr together)."""


class DatabaseTool(Protocol):
    """A migration tool, bound to one release's image and one database. Raises MigrationFailed.

    All but `head` and `scripts` refuse a database that has something applied which the image lacks.
    """

    def head(self) -> str | None:
        """Newest revision that the image brings; None where it has no migrations. Needs no database."""

    def current(self) -> str | None:
        """Revision of the database; None where nothing was applied yet."""

    def pending(self) -> list[str]:
        """Revisions that `up` would apply, oldest first."""

    def up(self, on_line: OnLine, to: str | None = None) -> None:
        """Apply all pending ones, up to and with `to`."""

    def down(self, to: str | None, on_line: OnLine) -> None:
        """Revert, newest first, until `to` is the newest one applied; None reverts all. Irreversible, before anything
        runs, where one of them has no way down, or an empty one, as far as that is seen without running it."""

    def scripts(self, revisions: Sequence[str]) -> Mapping[str, str]:
        """What reverts these revisions (oldest first), as text by path, for people who have to do it without the
        image. Those without a way down are left out. Needs no database."""


class ScratchDatabase(Protocol):
    """A database that a proof may do anything to. Raises ProofError."""

    @property
    def name(self) -> str: ...

    @property
    def url(self) -> str:
        """Where this process reaches it."""

    def catalog(self) -> Catalog:
        """All that people made in it. The tables where migration tools keep their own books are left out."""

    def touched(self) -> Mapping[str, int | None]:
        """Tables whose rows may not be those that the database was made with, with the number of rows inserted, updated
        and deleted; None where the table was written anew as a whole, or nobody counted."""

    def content(self, table: str, columns: Sequence[str]) -> Content:
        """Of these columns; those that the table lacks are left out."""

    def collisions(self) -> Sequence[str]:
        """Sequences that will give a value which a row has already, in the column that they fill."""

    def execute(self, sql: str, *, transaction: bool = True, timeout: float | None = None) -> Sequence[str]:
        """Run a script of statements as its author would have it run, and give the notices. ProofError with the
        database's own words; nothing of it stays where it ran in a transaction."""

    def watch(self) -> AbstractContextManager[Watched]:
        """In the block, somebody looks at the locks that others take in it."""

    def interrupt(self) -> Sequence[str]:
        """End all sessions in it. Gives what each was at, in words."""


class Watched(Protocol):
    """What was seen in a block of `ScratchDatabase.watch`; complete when the block has ended."""

    locks: Sequence[Lock]  # on what was there when the block began, ACCESS SHARE left out
    rewrites: Sequence[str]  # tables, likewise


class Scratch(Protocol):
    """A database server where proofs make databases of their own, under names that tell whose they are."""

    def create(self, like: ScratchDatabase | None = None) -> ScratchDatabase:
        """An empty one, or a clone."""

    def drop(self, database: ScratchDatabase) -> None:
        """With all sessions in it. A missing one is no error."""

    def sweep(self) -> Sequence[str]:
        """Drop what proofs left whose process is gone; gives the names."""

    def free_space(self) -> int | None:
        """Bytes that databases may grow by; None where nobody can tell."""


class Linter(Protocol):
    """Reads scripts without running them. Raises ProofError where it can't: a proof goes without it."""

    def lint(self, scripts: Mapping[str, str], version: str | None = None) -> Mapping[str, Sequence[tuple[int, str]]]:
        """Of scripts by path, for a server of this version (`15.4`; None: any): warnings by path, each with its line,
        counted from 1, and the rule in its words."""


class Secrets(Protocol):
    """Values by app and environment, versioned from 1; older versions stay readable. Raises SecretError."""

    def names(self, scope: str) -> Mapping[str, int]:
        """All names in a scope (app/environment) with their newest version."""

    def get(self, scope: str, name: str, version: int | None = None) -> str | None:
        """Value of a version (None: the newest); None where it was never set."""

    def fingerprints(self, scope: str, name: str) -> Sequence[str]:
        """Of all versions, oldest first: equal for equal values, and telling nothing of a value. Needs no key."""

    def set(self, scope: str, name: str, value: str) -> int:
        """Store a new version and return its number, or that of the newest one where the value is the same; a blank value
        is refused."""


class Ledger(Protocol):
    """The append-only history and the leases. Raises StoreError. Times of the history are given by the caller; leases go by
    the ledger's own clock, which all who use it share."""

    def now(self) -> float:
        """Seconds since the epoch by the ledger's clock."""

    def identity(self) -> str:
        """32 random hex digits that identify this ledger for ever: made once, kept in it, and copied with it."""

    def property(self, name: str) -> str | None:
        """What `settle` or `replace_property` kept under the name; None where nothing was kept."""

    def settle(self, name: str, value: str) -> str:
        """Keep the value under the name where nothing is kept yet; returns what is kept then. Of several callers at the
        same time all get the same."""

    def replace_property(self, name: str, value: str) -> None:
        """Keep the value, whatever was kept before."""

    def begin_run(self, app: str, revision: str, tree: str, trigger: Trigger, at: float) -> int: ...
    def end_run(self, run: int, outcome: str, at: float) -> None: ...
    def runs(self, app: str, limit: int) -> list[Mapping[str, object]]: ...
    def pending_runs(self, app: str) -> list[Mapping[str, object]]:
        """All that have not ended, newest first."""

    def begin_step(self, run: int, name: str, key: str, at: float) -> None: ...
    def end_step(self, run: int, name: str, outcome: str, at: float, result: Mapping[str, object]) -> None: ...
    def steps(self, run: int) -> list[Mapping[str, object]]: ...
    def recent_steps(self, app: str, runs: int) -> list[Mapping[str, object]]:
        """Results of the steps of that many newest runs."""

    def passed_step(self, app: str, name: str, key: str) -> Mapping[str, object] | None:
        """Result of the newest step of that name and key that succeeded; None where there is none."""

    def add_release(self, release: Release) -> Release:
        """Append it under the next number of its app (the given number is ignored) and return it so."""

    def restore_release(self, release: Release) -> Release:
        """Append one of another ledger under the number that it has there; StoreError where that is taken."""

    def release(self, app: str, number: int) -> Release | None: ...
    def releases(self, app: str, limit: int = 50) -> list[Release]:
        """That many of the newest, newest first."""
    def releases_of(self, app: str, tree: str) -> list[Release]:
        """All that were made of a tree of the repository, newest first."""
    def version(self, app: str, name: str) -> Release | None:
        """The newest release that was given this version tag."""
    def versions(self, app: str, release: int) -> list[str]:
        """Version tags that it was given, oldest first."""

    def begin_deployment(self, deployment: Deployment) -> int:
        """Append it as pending (the given id is ignored) and return its id."""

    def end_deployment(self, id: int, outcome: str, at: float, schema: str | None, detail: str) -> None: ...
    def deployments(self, app: str, environment: str | None = None, limit: int = 50) -> list[Deployment]:
        """A listing for people, newest first. No decision goes by it: what matters may lie behind its end."""
    def latest(self, app: str, environment: str) -> Deployment | None:
        """The newest deployment of all, whatever became of it."""
    def current(self, app: str, environment: str) -> Deployment | None:
        """The newest that succeeded since the environment was last destroyed: what runs there."""
    def pending(self, app: str, environment: str) -> list[Deployment]:
        """All that were begun and have no outcome, newest first."""
    def deployments_of(self, app: str, environment: str, release: int) -> list[Deployment]:
        """Those of one release since the environment was last destroyed, newest first."""

    def history(self, app: str, environment: str) -> list[Deployment]:
        """All since the environment was last destroyed, newest first, for `domain.rollback` and `domain.levels`: no limit."""
    def destroyed(self, app: str, environment: str) -> float:
        """When it was last destroyed, in seconds since the epoch; 0: never."""
    def environments(self, app: str) -> list[str]:
        """All that something was ever deployed to, in the order of their first deployment."""

    def add_approval(self, approval: Approval) -> None: ...
    def approvals(self, app: str, environment: str, release: int) -> list[Approval]: ...
    def add_acceptance(self, acceptance: Acceptance) -> None: ...
    def acceptances(self, app: str, environment: str, release: int | None = None) -> list[Acceptance]:
        """Oldest first; of all releases where none is given."""

    def add_snapshot(self, snapshot: Snapshot) -> Snapshot:
        """Append it under the next number of its environment (the given number is ignored) and return it so."""

    def snapshots(self, app: str, environment: str) -> list[Snapshot]:
        """Newest first."""

    def register(self, registration: Registration) -> None:
        """Append it; it replaces an earlier one of the app."""

    def registration(self, app: str) -> Registration | None:
        """The newest; None where the app is bound to no repository yet."""

    def accept_rules(self, rules: AcceptedRules) -> None: ...
    def accepted_rules(self, app: str, environment: str) -> list[AcceptedRules]:
        """Oldest first."""

    def add_evidence(self, evidence: Evidence) -> None: ...
    def evidence(self, app: str, release: int) -> list[Evidence]: ...

    def reserve(self) -> None:
        """See to it that a rollback can be recorded when the disk is full. DiskFull where there is no room for that."""

    def acquire(self, name: str, owner: str, reason: str, ttl: float) -> Lease:
        """Take the lease for `ttl` seconds where it is free or expired; LeaseHeld says who holds it, since when and why."""

    def renew(self, lease: Lease, ttl: float) -> Lease:
        """Extend it; LeaseHeld where it was lost to another owner."""

    def free(self, lease: Lease) -> None:
        """Give it back; no error where it was lost."""

    def lease(self, name: str) -> Lease | None: ...

    def secrets(self, scope: str) -> Mapping[str, Sequence[str]]:
        """Fingerprints of a scope's secrets by name, oldest version first."""

    def sealed_secret(self, scope: str, name: str, version: int) -> str | None:
        """The encrypted value of a version; None where there is none."""

    def add_secret(self, scope: str, name: str, version: int, fingerprint: str, sealed: str) -> bool:
        """Append it; False where that version is there already."""

    def add_adoptions(self, adoptions: Sequence[Adoption]) -> None:
        """Record them; one that is recorded already stays as it is."""

    def adopted(self, host: str) -> set[tuple[str, str]]:
        """Kind and id of all objects on that host that this ledger adopted."""

    def deployed_since(self, app: str, environment: str, release: int | None = None) -> float | None:
        """When the first deployment of the environment (and of the release, where one is given) began; None: never."""

    def run_since(self, app: str, run: int) -> float | None:
        """When the run of that number began; None where the app has none."""

    def apps(self) -> list[str]: ...
    def close(self) -> None: ...
