"""The ledger on a database: append-only history, the journal of steps, and locks."""

from __future__ import annotations

import dataclasses
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from shipway.domain.errors import LeaseHeld
from shipway.domain.ownership import Adoption
from shipway.domain.record import from_data, to_data
from shipway.domain.registration import AcceptedRules, Registration
from shipway.domain.release import (
    DESTROY,
    SUCCEEDED,
    Approval,
    Deployment,
    Evidence,
    Lease,
    Release,
    Trigger,
    Waiver,
)
from shipway.domain.run import RunRecord, StepRecord, StepResult
from shipway.domain.snapshot import Snapshot
from shipway.store.database import Database, Row
from shipway.store.history import History
from shipway.store.schema import migrate

RUN = "SELECT id, app, revision, tree, kind, ref, actor, started, finished, outcome FROM runs WHERE app = ?"
APPROVAL = "app, environment, release, digest, actor, reason, at, login, change, expires, signature"
WAIVER = "app, environment, release, digest, finding, actor, reason, at, expires"
REGISTRATION = "app, address, plan, branch, baseline, actor, at, path, reason"
LEASE = "SELECT name, owner, reason, since, expires, token FROM leases WHERE name = ?"


class SqlLedger(History):
    """Implements ports.Ledger."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._identity = ""
        migrate(database)

    # identity

    def identity(self) -> str:
        """Generated at the first call, and constant from then on."""
        self._identity = self._identity or self.settle("identity", secrets.token_hex(16))
        return self._identity

    def settle(self, name: str, value: str) -> str:
        """The first value wins."""
        found = self.property(name)
        if found is None:
            self._db.query("INSERT INTO properties VALUES (?, ?) ON CONFLICT (name) DO NOTHING", (name, value))
            found = self.property(name)
        return found or ""

    def property(self, name: str) -> str | None:
        """The value of a property."""
        rows = self._db.query("SELECT value FROM properties WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    def replace_property(self, name: str, value: str) -> None:
        """Replace any value."""
        sql = "INSERT INTO properties VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        self._db.query(sql, (name, value))
        self._identity = ""

    # runs and steps

    def begin_run(self, app: str, revision: str, tree: str, trigger: Trigger, at: float) -> int:
        """Append a pending run."""
        sql = "INSERT INTO runs (app, revision, tree, kind, ref, actor, started) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id"
        return int(self._db.query(sql, (app, revision, tree, trigger.kind, trigger.ref, trigger.actor, at))[0][0])

    def end_run(self, run: int, outcome: str, at: float) -> None:
        """Finalize it."""
        self._db.query("UPDATE runs SET outcome = ?, finished = ? WHERE id = ?", (outcome, at, run))

    def runs(self, app: str, limit: int) -> list[RunRecord]:
        """Newest first."""
        return [_run(row) for row in self._db.query(f"{RUN} ORDER BY id DESC LIMIT ?", (app, limit))]

    def pending_runs(self, app: str) -> list[RunRecord]:
        """Newest first."""
        return [_run(row) for row in self._db.query(f"{RUN} AND outcome = 'pending' ORDER BY id DESC", (app,))]

    def begin_step(self, run: int, name: str, key: str, at: float) -> None:
        """Append a pending step; restarts one of that name in the run."""
        self._db.query(
            "INSERT INTO steps (run, name, app, key, started) SELECT id, ?, app, ?, ? FROM runs WHERE id = ? "
            "ON CONFLICT (run, name) DO UPDATE SET key = excluded.key, started = excluded.started, outcome = 'pending', "
            "finished = NULL, result = NULL",
            (name, key, at, run),
        )

    def end_step(
        self, run: int, name: str, outcome: str, at: float, result: StepResult | None = None, failure: str = ""
    ) -> None:
        """Finalize it. Its result and the failure are one JSON object."""
        data = (to_data(result) if result else {}) | ({"failure": failure} if failure else {})
        sql = "UPDATE steps SET outcome = ?, finished = ?, result = ? WHERE run = ? AND name = ?"
        self._db.query(sql, (outcome, at, json.dumps(data), run, name))

    def steps(self, run: int) -> list[StepRecord]:
        """In the order in which they began."""
        sql = "SELECT name, key, started, finished, outcome, result FROM steps WHERE run = ? ORDER BY started, name"
        return [_step(row) for row in self._db.query(sql, (run,))]

    def recent_steps(self, app: str, runs: int) -> list[StepResult]:
        """Results of the newest runs' steps."""
        sql = "SELECT s.result FROM steps s JOIN (SELECT id FROM runs WHERE app = ? ORDER BY id DESC LIMIT ?) r ON s.run = r.id"
        return [from_data(StepResult, json.loads(row[0] or "{}")) for row in self._db.query(sql, (app, runs))]

    def passed_step(self, app: str, name: str, key: str) -> StepResult | None:
        """Result of the newest successful one."""
        sql = (
            "SELECT result FROM steps WHERE app = ? AND name = ? AND key = ? AND outcome = ? ORDER BY run DESC LIMIT 1"
        )
        rows = self._db.query(sql, (app, name, key, SUCCEEDED))
        return from_data(StepResult, json.loads(rows[0][0])) if rows else None

    # releases and deployments

    def add_release(self, release: Release) -> Release:
        """Append under the next number."""

        def add() -> Release:
            rows = self._db.query("SELECT COALESCE(MAX(number), 0) + 1 FROM releases WHERE app = ?", (release.app,))
            numbered = dataclasses.replace(release, number=int(rows[0][0]))
            values = (numbered.app, numbered.number, numbered.tree, json.dumps(to_data(numbered)))
            self._db.query("INSERT INTO releases (app, number, tree, data) VALUES (?, ?, ?, ?)", values)
            return numbered

        return self._db.write(add)

    def restore_release(self, release: Release) -> Release:
        """Append under its own number; a taken one is rejected."""
        values = (release.app, release.number, release.tree, json.dumps(to_data(release)))
        self._db.query("INSERT INTO releases (app, number, tree, data) VALUES (?, ?, ?, ?)", values)
        return release

    def release(self, app: str, number: int) -> Release | None:
        """By number."""
        rows = self._db.query("SELECT data FROM releases WHERE app = ? AND number = ?", (app, number))
        return _release(rows[0][0]) if rows else None

    def releases(self, app: str, limit: int = 50) -> list[Release]:
        """Newest first."""
        sql = "SELECT data FROM releases WHERE app = ? ORDER BY number DESC LIMIT ?"
        return [_release(row[0]) for row in self._db.query(sql, (app, limit))]

    def releases_of(self, app: str, tree: str) -> list[Release]:
        """Newest first."""
        sql = "SELECT data FROM releases WHERE app = ? AND tree = ? ORDER BY number DESC"
        return [_release(row[0]) for row in self._db.query(sql, (app, tree))]

    def version(self, app: str, name: str) -> Release | None:
        """The newest release with this version."""
        sql = (
            "SELECT release FROM evidence WHERE app = ? AND kind = 'version' AND name = ? ORDER BY release DESC LIMIT 1"
        )
        rows = self._db.query(sql, (app, name))
        return self.release(app, int(rows[0][0])) if rows else None

    def versions(self, app: str, release: int) -> list[str]:
        """Oldest first."""
        sql = "SELECT name FROM evidence WHERE app = ? AND release = ? AND kind = 'version' ORDER BY id"
        return [row[0] for row in self._db.query(sql, (app, release))]

    def begin_deployment(self, deployment: Deployment) -> int:
        """Append as pending."""
        sql = (
            "INSERT INTO deployments (app, environment, release, kind, actor, reason, started, secrets, way, goal) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
        )
        item = deployment
        values = (item.app, item.environment, item.release, item.kind, item.actor, item.reason, item.started)
        known = {name: [version, item.fingerprints.get(name, "")] for name, version in item.secrets.items()}
        return int(self._db.query(sql, (*values, json.dumps(known), item.way, item.goal))[0][0])

    def end_deployment(self, id: int, outcome: str, at: float, schema: str | None, detail: str) -> None:
        """Append its outcome; a second one is rejected."""
        self._db.query("INSERT INTO outcomes VALUES (?, ?, ?, ?, ?)", (id, outcome, at, schema, detail))

    # approvals and evidence

    def add_approval(self, approval: Approval) -> None:
        """Append it."""
        sql = f"INSERT INTO approvals ({APPROVAL}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        self._db.query(sql, dataclasses.astuple(approval))

    def approvals(self, app: str, environment: str, release: int) -> list[Approval]:
        """Oldest first."""
        sql = f"SELECT {APPROVAL} FROM approvals WHERE app = ? AND environment = ? AND release = ? ORDER BY id"
        return [Approval(*row) for row in self._db.query(sql, (app, environment, release))]

    def add_evidence(self, evidence: Evidence) -> None:
        """Append it."""
        sql = "INSERT INTO evidence (app, release, environment, kind, name, passed, detail, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        item = evidence
        values = (
            item.app,
            item.release,
            item.environment,
            item.kind,
            item.name,
            int(item.passed),
            item.detail,
            item.at,
        )
        self._db.query(sql, values)

    def evidence(self, app: str, release: int) -> list[Evidence]:
        """Oldest first."""
        sql = (
            "SELECT app, release, environment, kind, name, passed, detail, at FROM evidence "
            "WHERE app = ? AND release = ? ORDER BY id"
        )
        return [Evidence(*[*row[:5], bool(row[5]), *row[6:]]) for row in self._db.query(sql, (app, release))]

    def add_waiver(self, waiver: Waiver) -> None:
        """Append it."""
        sql = f"INSERT INTO acceptances ({WAIVER}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        self._db.query(sql, dataclasses.astuple(waiver))

    def waivers(self, app: str, environment: str, release: int | None = None) -> list[Waiver]:
        """Oldest first."""
        where, values = (
            ("AND release = ?", (app, environment, release)) if release is not None else ("", (app, environment))
        )
        sql = f"SELECT {WAIVER} FROM acceptances WHERE app = ? AND environment = ? {where} ORDER BY id"
        return [Waiver(*row) for row in self._db.query(sql, values)]

    def add_snapshot(self, snapshot: Snapshot) -> Snapshot:
        """Append it under the next number."""
        key = (snapshot.app, snapshot.environment)

        def add() -> Snapshot:
            rows = self._db.query(
                "SELECT COALESCE(MAX(number), 0) + 1 FROM snapshots WHERE app = ? AND environment = ?", key
            )
            numbered = dataclasses.replace(snapshot, number=int(rows[0][0]))
            sql = "INSERT INTO snapshots (app, environment, number, data) VALUES (?, ?, ?, ?)"
            self._db.query(sql, (*key, numbered.number, json.dumps(to_data(numbered))))
            return numbered

        return self._db.write(add)

    def snapshots(self, app: str, environment: str) -> list[Snapshot]:
        """Newest first."""
        sql = "SELECT data FROM snapshots WHERE app = ? AND environment = ? ORDER BY number DESC"
        return [from_data(Snapshot, json.loads(row[0])) for row in self._db.query(sql, (app, environment))]

    # registrations and accepted rules

    def register(self, registration: Registration) -> None:
        """Append it."""
        sql = f"INSERT INTO registrations ({REGISTRATION}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        self._db.query(sql, dataclasses.astuple(registration))

    def registration(self, app: str) -> Registration | None:
        """The newest."""
        rows = self._db.query(
            f"SELECT {REGISTRATION} FROM registrations WHERE app = ? ORDER BY id DESC LIMIT 1", (app,)
        )
        return Registration(*rows[0]) if rows else None

    def accept_rules(self, rules: AcceptedRules) -> None:
        """Append them."""
        sql = "INSERT INTO accepted_rules (app, environment, data) VALUES (?, ?, ?)"
        self._db.query(sql, (rules.app, rules.environment, json.dumps(to_data(rules))))

    def accepted_rules(self, app: str, environment: str) -> list[AcceptedRules]:
        """Oldest first."""
        sql = "SELECT data FROM accepted_rules WHERE app = ? AND environment = ? ORDER BY id"
        return [from_data(AcceptedRules, json.loads(row[0])) for row in self._db.query(sql, (app, environment))]

    # locks

    def now(self) -> float:
        """By the ledger's clock."""
        return self._db.now()

    def reserve(self) -> None:
        """Room for a rollback's records."""
        self._db.reserve()

    def acquire(self, name: str, owner: str, reason: str, ttl: float) -> Lease:
        """Acquire it if it is free or expired."""

        def take() -> Lease:
            at = self._db.now()
            held = self.lease(name)
            if held and held.expires > at:
                raise LeaseHeld(_held(held), hint="wait for it to end, or say --wait SECONDS")
            lease = Lease(name, owner, reason, at, at + ttl, (held.token if held else 0) + 1)
            self._db.query(
                "INSERT INTO leases (name, owner, reason, since, expires, token) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, reason = excluded.reason, "
                "since = excluded.since, expires = excluded.expires, token = excluded.token",
                dataclasses.astuple(lease),
            )
            return lease

        return self._db.write(take)

    def renew(self, lease: Lease, ttl: float) -> Lease:
        """Extend it if it is still ours."""
        at = self._db.now()
        sql = "UPDATE leases SET expires = ? WHERE name = ? AND token = ? AND expires > ? RETURNING token"
        if not self._db.query(sql, (at + ttl, lease.name, lease.token, at)):
            now = self.lease(lease.name)
            raise LeaseHeld(f"the lease of {lease.name} was lost" + (f": {_held(now)}" if now else ""))
        return dataclasses.replace(lease, expires=at + ttl)

    def free(self, lease: Lease) -> None:
        """Release it. The row is kept, so that the token keeps increasing."""
        self._db.query("UPDATE leases SET expires = 0 WHERE name = ? AND token = ?", (lease.name, lease.token))

    def lease(self, name: str) -> Lease | None:
        """The lock's current state, expired or not."""
        rows: list[Row] = self._db.query(LEASE, (name,))
        return Lease(*rows[0]) if rows else None

    # secrets

    def secrets(self, scope: str) -> Mapping[str, Sequence[str]]:
        """Fingerprints by name."""
        found: dict[str, list[str]] = {}
        sql = "SELECT name, fingerprint FROM secrets WHERE scope = ? ORDER BY name, version"
        for name, fingerprint in self._db.query(sql, (scope,)):
            found.setdefault(name, []).append(fingerprint)
        return found

    def sealed_secret(self, scope: str, name: str, version: int) -> str | None:
        """The encrypted value."""
        sql = "SELECT sealed FROM secrets WHERE scope = ? AND name = ? AND version = ?"
        rows = self._db.query(sql, (scope, name, version))
        return str(rows[0][0]) if rows else None

    def add_secret(self, scope: str, name: str, version: int, fingerprint: str, sealed: str) -> bool:
        """Append it if that version is free."""
        sql = (
            "INSERT INTO secrets VALUES (?, ?, ?, ?, ?) ON CONFLICT (scope, name, version) DO NOTHING RETURNING version"
        )
        return bool(self._db.query(sql, (scope, name, version, fingerprint, sealed)))

    # adopted objects

    def add_adoptions(self, adoptions: Sequence[Adoption]) -> None:
        """Record those not recorded yet."""
        sql = "INSERT INTO adoptions VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (host, kind, id) DO NOTHING"
        self._db.write(lambda: [self._db.query(sql, dataclasses.astuple(item)) for item in adoptions])

    def adopted(self, host: str) -> set[tuple[str, str]]:
        """Kinds and ids."""
        return {(row[0], row[1]) for row in self._db.query("SELECT kind, id FROM adoptions WHERE host = ?", (host,))}

    def deployed_since(self, app: str, environment: str, release: int | None = None) -> float | None:
        """Start time of the first deployment."""
        sql = "SELECT MIN(started) FROM deployments WHERE app = ? AND environment = ? AND kind <> ?"
        values: tuple[object, ...] = (app, environment, DESTROY)
        where, more = (" AND release = ?", (release,)) if release is not None else ("", ())
        found: float | None = self._db.query(sql + where, (*values, *more))[0][0]
        return found

    def run_since(self, app: str, run: int) -> float | None:
        """Start time of a run."""
        rows = self._db.query("SELECT started FROM runs WHERE app = ? AND id = ?", (app, run))
        return float(rows[0][0]) if rows else None

    def apps(self) -> list[str]:
        """All apps with a run or a release."""
        return [row[0] for row in self._db.query("SELECT app FROM runs UNION SELECT app FROM releases ORDER BY app")]

    def close(self) -> None:
        """Close the database."""
        self._db.close()


def _held(lease: Lease) -> str:
    since = datetime.fromtimestamp(lease.since, UTC).strftime("%H:%M:%S UTC")
    return f"{lease.name} is held by {lease.who} since {since}: {lease.reason}"


def _run(row: Row) -> RunRecord:
    number, app, revision, tree, kind, ref, actor, *times = row
    return RunRecord(number, app, revision, tree, Trigger(kind, ref, actor), *times)


def _step(row: Row) -> StepRecord:
    """One that has not ended has no result."""
    name, key, started, finished, outcome, text = row
    data = json.loads(text or "{}")
    return StepRecord(name, key, started, finished, outcome, from_data(StepResult, data), data.get("failure", ""))


@lru_cache(maxsize=64)
def _release(text: str) -> Release:
    """A stored release, cached: it never changes, and an action reads the same few repeatedly."""
    return from_data(Release, json.loads(text))
