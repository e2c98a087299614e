"""Secrets from an age file and from Vault on a real engine: deploy, rotate, roll back while the provider is down. Their values
are in no log, ledger, process list, image or record."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shipway.testing.vault_server import VaultServer
from tests.canary import files, leaks
from tests.system.conftest import Make
from tests.system.tiny import Tiny, engine, visitors

pytestmark = [pytest.mark.engine]

SAY = """\
FROM caddy:2
WORKDIR /app
COPY . .
CMD ["sh", "-c", "printf %s \\"$API_KEY\\" | sha256sum | cut -c1-64; exec caddy run --config Caddyfile --adapter caddyfile"]
"""
API = {"one": "canary-vault-7f3a91c2d4e5b6a8", "two": "canary-vault-second-1b2c3d4e5f60"}
MAIL, PRODUCTION = "canary-age-0a9b8c7d6e5f4a3b", "canary-production-9d8e7f6a5b4c"


@contextmanager
def processes() -> Iterator[list[str]]:
    """The command lines of all processes of the machine while the block runs."""
    found: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    found.add(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:
                    continue

    thread = threading.Thread(target=look)
    thread.start()
    listed: list[str] = []
    try:
        yield listed
    finally:
        over.set()
        thread.join()
        listed += sorted(found)


def edit(project: Tiny, environment: str, text: str, *options: str) -> str:
    """`shipway secret edit` with an editor that writes this text."""
    source = project.folder / "typed.env"
    source.write_text(text)
    project.env["EDITOR"] = f"cp {source}"
    output = project.shipway("secret", "edit", environment, *options).output
    source.unlink()
    return output


def running(project: Tiny, service: str, *, seconds: float = 120.0) -> str:
    """Id of the one container of a service, once those that were replaced have stopped."""
    deadline = time.monotonic() + seconds
    while True:
        found = project.containers(role="service", name=service)
        names = [name for name, state in found.items() if state == "running"]
        if len(names) == 1:
            return str(engine(f"/containers/{names[0]}/json")["Id"])
        assert time.monotonic() < deadline, f"{service} runs as {names}"
        time.sleep(0.2)


def variables(project: Tiny, service: str) -> dict[str, str]:
    found = engine(f"/containers/{running(project, service)}/json")["Config"]["Env"]
    return dict(item.split("=", 1) for item in found)


def test_deploy_rotate_and_roll_back_without_the_provider(make: Make) -> None:
    project, vault = make(port=8744), VaultServer()
    output: list[str] = []

    def shipway(*args: str, check: bool = True) -> str:
        done = project.shipway(*args, check=check)
        output.append(done.output)
        return done.output

    vault.tokens["hvs.canary-token-5e4d3c2b1a09"] = time.time() + 3600
    with vault.serving(8745) as address, processes() as seen:
        project.env |= {"VAULT_ADDR": address, "VAULT_TOKEN": "hvs.canary-token-5e4d3c2b1a09"}
        web = project.plan["services"]["web"]
        web["secrets"] = ["API_KEY"]
        project.plan["services"]["mailer"] = {
            "build": "web", "secrets": ["MAIL_KEY"], "health": {"command": "true", "timeout": "30s"},
        }  # fmt: skip
        project.plan["environments"]["staging"]["secrets_from"] = [
            {"vault": address, "path": "secret/tiny/staging", "names": {"API_KEY": "api#key"}},
            {"age": "secrets/staging.age", "names": ["MAIL_KEY"]},
        ]
        project.plan["environments"]["production"]["secrets_from"] = [{"age": "secrets/production.age"}]
        project.protect()
        assert "created an age identity" in edit(project, "staging", f"MAIL_KEY={MAIL}\n")
        assert MAIL not in (project.clone / "secrets/staging.age").read_text()
        project.change("one", files={"web/Dockerfile": SAY})

        # Nothing is changed while the provider lacks the secret, or is down.
        refused = shipway("run", "staging", check=False)
        assert "vault http://127.0.0.1:8745 secret/tiny/staging has no api#key, for API_KEY" in refused
        assert project.containers(role="service") == {}
        vault.write("tiny/staging/api", key=API["one"])
        shipway("deploy", "staging", "r1")
        assert variables(project, "web")["API_KEY"] == API["one"]
        assert variables(project, "mailer")["MAIL_KEY"] == MAIL
        listed = shipway("secret", "list", "staging")
        assert "of vault http://127.0.0.1:8745 secret/tiny/staging, its 1" in listed
        assert "of age secrets/staging.age" in listed

        # A rotation replaces only what uses the changed secret, and loses no request.
        before = running(project, "web"), running(project, "mailer")
        assert "no secret of staging has changed" in shipway("secret", "rotate", "staging")
        vault.write("tiny/staging/api", key=API["two"])
        assert "web" in shipway("secret", "rotate", "staging", "--dry-run")
        assert running(project, "web") == before[0]
        with visitors(project) as answers:
            done = shipway("secret", "rotate", "staging", "--reason", "quarterly")
        assert "rotated API_KEY of staging: web replaced" in done
        assert set(answers) == {"one"}
        project.drained()
        assert running(project, "web") != before[0]
        assert running(project, "mailer") == before[1]
        assert variables(project, "web")["API_KEY"] == API["two"]
        assert "rotate secrets: API_KEY: quarterly" in shipway("history", "staging", "--json")

        # What a commit names elsewhere is refused, and so is another environment's file.
        sources = project.plan["environments"]["staging"]["secrets_from"]
        sources[0]["names"]["API_KEY"] = "root#password"
        project.change("greedy")
        assert "secrets from vault http://127.0.0.1:8745 secret/tiny/staging: API_KEY = root#password: not in the rules" in (
            shipway("run", "staging", check=False)
        )  # fmt: skip
        sources[0]["names"]["API_KEY"] = "api#key"
        edit(project, "production", f"MAIL_KEY={PRODUCTION}\nAPI_KEY={PRODUCTION}\n")
        own = (project.clone / "secrets/staging.age").read_text()
        project.change("copied", files={"secrets/staging.age": (project.clone / "secrets/production.age").read_text()})
        refused = shipway("run", "staging", check=False)
        assert (
            f"secrets/staging.age has the secrets of {project.app}/production, not of {project.app}/staging" in refused
        )
        assert project.answer() == "one"
        project.change("two", files={"secrets/staging.age": own})
        shipway("run", "staging")
        assert project.answer() == "two"

        # The provider is down: no deployment, and all else works.
        vault.sealed = True
        project.change("three")
        refused = shipway("run", "staging", check=False)
        assert "the secrets of staging: http://127.0.0.1:8745 refuses secret/tiny/staging/api" in refused
        assert "it is sealed" in refused
        assert project.answer() == "two"
        shipway("restart", "staging", "web")
        assert variables(project, "web")["API_KEY"] == API["two"]
        project.drained()
        done = shipway("rollback", "staging")
        assert project.answer() == "one"
        assert variables(project, "web")["API_KEY"] == API["two"], "what release 1 ran with at its end"

    values = {
        "API_KEY": API["one"],
        "API_KEY 2": API["two"],
        "MAIL_KEY": MAIL,
        "token": "hvs.canary-token-5e4d3c2b1a09",
    }
    images = [
        item["RepoTags"][0]
        for item in engine("/images/json")
        if any(project.app in tag for tag in item["RepoTags"] or ())
    ]
    history = [
        (f"docker history {image}", subprocess.run(["docker", "history", "--no-trunc", image], capture_output=True, check=True).stdout)
        for image in images
    ]  # fmt: skip
    things = [
        *((f"output {index}", text.encode()) for index, text in enumerate(output)),
        *((f"process {line[:60]}", line.encode()) for line in seen),
        *history,
        *files(project.home),
        *files(project.clone),
    ]
    assert images
    assert leaks(values, iter(things)) == []
