"""Two apps in one repository: a push runs those whose files changed; each has its own plan, paths and records."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.project import ADA, get
from shipway.domain.errors import GateRefused, PlanError
from tests.system.tiny import Tiny

pytestmark = pytest.mark.engine

SHOP, BLOG = "apps/shop/shipway.yaml", "apps/blog/shipway.yaml"
CADDYFILE = ":8000 {{\n\trespond {text}\n}}\n"


class Monorepo(Tiny):
    """`app` is the shop, whose site is a configuration file and which has a database; the blog answers with its command."""

    def create(self, *, hook: bool = True) -> None:
        self.blog = f"{self.app}-b"
        self.clone.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Ada")
        self.git("config", "user.email", ADA)
        web = {"image": "caddy:2", "port": 8000, "route": "/", "health": {"path": "/", "timeout": "60s"}, "drain": "0s"}
        parts = {
            "DB_HOST": "host",
            "DB_PORT": "port",
            "DB_PASSWORD": "password",
            "JDBC": "jdbc:postgresql://{host}/{database}",
        }
        shop = {
            "web": {**web, "command": "caddy run --config /etc/shop/Caddyfile", "files": {"/etc/shop/Caddyfile": "../../sites/shop"}},
        }  # fmt: skip
        database = {"image": "postgres:15", "volume": "/var/lib/postgresql/data", "provides": parts}
        self.write({
            SHOP: self.text(self.app, shop, inputs=["../../shared"], accessories={"db": database}),
            BLOG: self.text(self.blog, {"web": {**web, "command": "caddy respond --listen :8000 blog"}}, inputs=["."]),
            "sites/shop": CADDYFILE.format(text="one"),
        })  # fmt: skip
        self.save("one")
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
        self.git("remote", "add", "origin", str(self.remote))
        self.git("push", "--quiet", "origin", "main")

    def text(self, app: str, services: dict[str, Any], **keys: object) -> str:
        url = f"http://staging.{app}.localhost:{self.port}"
        staging = {"on": {"branch": "main"}, "url": url, "standby": "0s"}
        return json.dumps({"app": app, "services": services, "environments": {"staging": staging}, **keys})

    def save(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)

    def pushed(self, files: dict[str, str]) -> str:
        self.write(files)
        self.save(", ".join(files))
        return self.git("push", "origin", "main", check=False).output

    def destroy(self) -> None:
        for app in (self.app, self.blog):
            self.shipway("--quiet", "destroy", "staging", "--app", app, "--force", "--volumes", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def mono(tmp_path: Path) -> Iterator[Monorepo]:
    with Monorepo(tmp_path / "mono").made() as made:
        yield made


def test_two_apps_in_one_repository(mono: Monorepo) -> None:
    hooked = mono.shipway("init", "--hook", str(mono.remote)).output
    assert f"{mono.app} is registered: {SHOP} of {mono.remote}, protected branch main" in hooked
    assert f"{mono.blog} is registered: {BLOG} of {mono.remote}, protected branch main" in hooked
    pushed = mono.pushed({"README": "1\n"})
    assert f"release 1 of {mono.app}" in pushed, pushed
    assert f"release 1 of {mono.blog}" in pushed
    assert (mono.answer(), get(f"http://staging.{mono.blog}.localhost:{mono.port}")[1]) == ("one", "blog")

    # The configuration file is in the container, and no one writes it; the address comes in parts.
    of_shop = ("--plan", SHOP)
    listed = mono.shipway("exec", "staging", "web", *of_shop, "--", "ls", "-ln", "/etc/shop/Caddyfile").output
    assert "-r--r--r--" in listed, listed
    script = 'echo "$DB_HOST:$DB_PORT $JDBC ${#DB_PASSWORD}"'
    parts = mono.shipway("exec", "staging", "web", *of_shop, "--", "sh", "-c", script).output
    assert f"db:5432 jdbc:postgresql://db/{mono.app.replace('-', '_')} 32" in parts, parts
    assert '"DB_PASSWORD": "********"' in mono.shipway("config", "staging", *of_shop, "--json").output

    # Without --plan, a command says which plans there are; with it, and in the plan's folder, it is that app's.
    several = mono.shipway("status", check=False)
    assert (several.code, SHOP in several.output, BLOG in several.output) == (PlanError.exit_code, True, True), (
        several.output
    )
    assert mono.shipway("run", "main", check=False).code == PlanError.exit_code
    assert mono.app in mono.shipway("status", "--plan", "apps/shop").output
    assert "release 1" in mono.shipway("run", "main", "--plan", BLOG).output, "the same release once more"

    # Only what changed runs; the blog has no narrower inputs than its folder, and the README is in none.
    pushed = mono.pushed({"README": "2\n", "sites/shop": CADDYFILE.format(text="two")})
    assert f"release 2 of {mono.app}" in pushed, pushed
    assert f"{mono.blog}: unchanged since release 1, which was deployed to staging" in pushed
    assert mono.answer() == "two"
    mono.shipway("rollback", "staging", *of_shop)
    assert mono.answer() == "one", "the file belongs to the release"
    pushed = mono.pushed({"README": "3\n"})
    assert f"{mono.app}: unchanged since release 2" in pushed, pushed
    assert mono.answer() == "one", "a push of other files does not undo the rollback"

    # A branch can't bring an app of its own, with rules of its own.
    mono.git("switch", "--quiet", "--create", "evil")
    evil = mono.text(f"{mono.app}-e", {"web": {"image": "caddy:2"}}).replace('"main"', '"evil"')
    mono.write({"apps/evil/shipway.yaml": evil})
    mono.save("evil")
    pushed = mono.git("push", "origin", "evil", check=False).output
    assert "is a new app of this repository, whose protected branch main has no apps/evil/shipway.yaml" in pushed, (
        pushed
    )
    assert mono.shipway("run", "evil", "--plan", "apps/evil", check=False).code == GateRefused.exit_code
