"""A world with people, and what they do there."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.actions.people.identify import identify
from shipway.actions.people.manage import add_person, grant
from shipway.actions.people.password import set_password
from shipway.actions.people.second_factor import confirm_totp, enrol_totp
from shipway.actions.people.sign_in import Session, sign_in
from shipway.context import Context
from shipway.domain.people import Identity
from shipway.domain.totp import PERIOD, code
from shipway.system.passwords import Passwords
from tests.unit.world import World

ADA, EVE = "ada@example.org", "eve@example.org"
PASSWORD = "correct horse battery"
HERE, ELSEWHERE = "192.0.2.7", "198.51.100.1"


def cheap() -> Passwords:
    """Passwords whose hashes take no time."""
    return Passwords(time_cost=1, memory_cost=8, parallelism=1)


class Team:
    """Ada is an admin with a password; `other` is another process."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.world.now = 1_000_000.0
        self.ctx, self.other = self.world.controller(), self.world.controller()
        self.passwords = cheap()
        self.add(ADA, "admin")

    def add(self, name: str, role: str | None = None, app: str = "*", environment: str = "*") -> None:
        """Someone with the usual password."""
        add_person(self.ctx, None, name)
        set_password(self.ctx, self.passwords, None, name, PASSWORD)
        if role:
            grant(self.ctx, None, name, role, app, environment)

    def sign_in(self, name: str = ADA, password: str = PASSWORD, code: str = "", *, at: str = HERE, ctx: Context | None = None) -> Session:  # fmt: skip
        """From the usual address."""
        return sign_in(ctx or self.ctx, self.passwords, name, password, code, at)

    def identity(self, name: str = ADA) -> Identity:
        """Of a new session."""
        return identify(self.ctx, self.sign_in(name).secret)

    def pass_(self, seconds: float) -> None:
        """Time."""
        self.world.now += seconds

    def enrol(self, name: str = ADA) -> tuple[str, list[str]]:
        """Set up an app for codes; its secret, and the recovery codes."""
        by = self.identity(name)
        made = enrol_totp(self.ctx, by)
        codes = confirm_totp(self.ctx, by, made.secret, self.code(made.secret))
        self.pass_(2 * PERIOD)
        return made.secret, codes

    def code(self, secret: str, steps: int = 0) -> str:
        """What the app shows now, or so many steps from now."""
        return code(secret, int(self.world.now) // PERIOD + steps)

    def history(self) -> list[tuple[str, str, str, str, str, int | None]]:
        """What was recorded: kind, whom it is about, what, where, by whom, exit code; oldest first."""
        return [
            (item.kind, item.service, item.detail, f"{item.app}/{item.environment}", item.actor, item.code)
            for item in reversed(self.ctx.ledger.operations("shop"))
        ]


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path)
