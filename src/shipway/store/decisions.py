"""Decisions of people: approvals, waivers, registrations of repositories, and accepted rules."""

from __future__ import annotations

import dataclasses
import json

from shipway.domain.record import from_data, to_data
from shipway.domain.registration import AcceptedRules, Registration
from shipway.domain.release import Approval, Waiver
from shipway.store.database import Database

APPROVAL = "app, environment, release, digest, actor, reason, at, login, change, expires, signature"
WAIVER = "app, environment, release, digest, finding, actor, reason, at, expires"
REGISTRATION = "app, address, plan, branch, baseline, actor, at, path, reason"


class SqlDecisions:
    """Implements ports.DecisionLedger."""

    _db: Database

    def add_approval(self, approval: Approval) -> None:
        """Append it."""
        sql = f"INSERT INTO approvals ({APPROVAL}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        self._db.query(sql, dataclasses.astuple(approval))

    def approvals(self, app: str, environment: str, release: int) -> list[Approval]:
        """Oldest first."""
        sql = f"SELECT {APPROVAL} FROM approvals WHERE app = ? AND environment = ? AND release = ? ORDER BY id"
        return [Approval(*row) for row in self._db.query(sql, (app, environment, release))]

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
