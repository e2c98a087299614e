"""Secrets are nowhere in what commands and their failures leave, or show to others while they run.

A container's own variables and files are how an application gets a secret, and what it prints itself is in the engine's log of
it. All other places are searched: output, logs, ledger, reports, images, records of containers, arguments, git, backups.
"""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from examples.project import Done
from shipway.domain.errors import DnsError, InfraError, RegistryError, SecretUnavailable, StepFailed
from shipway.drivers.backups.sigv4 import Credentials
from shipway.drivers.secret_provider.variables import prefix
from shipway.testing.dns import ZONE
from tests.canary import Seen, files, images, leaks, objects, watching
from tests.conformance.labs import DockerLab
from tests.conformance.registries import USER, TokenServer, token_host
from tests.conformance.test_backups import Server
from tests.system.conftest import Make
from tests.system.echo import Echo
from tests.system.tiny import IMAGE, Tiny, engine

pytestmark = pytest.mark.engine

VALUES = {
    "TOKEN": "tok-5c1d0a7be9f24c33a8d1",
    "PASSPHRASE": "p\"q&<r>'s $1 -w\u00f6rd 91c2",
    "PEM": "-----BEGIN KEY-----\nQ0FOQVJZLWxpbmUtb25l\nQ0FOQVJZLWxpbmUtdHdv\n-----END KEY-----",
}
# Prints each value as programs do: raw, hex, base64 with other bytes before it, percent, JSON, UTF-16.
TELL = r"""
for name in ${NAMES:-TOKEN PASSPHRASE PEM}; do
  eval "value=\$$name"
  echo "$name=$value"; echo "$value" >&2; printf 'user:%s@host' "$value" | base64 -w 0; echo; printf %s "$value" | base64
  printf 'x%s' "$value" | base64 -w 0 | tr '+/' '-_'; echo
  printf %s "$value" | od -An -v -tx1 | tr -d ' \n'; echo; printf %s "$value" | od -An -v -tx1 | tr -d ' \n' | tr a-f A-F; echo
  printf '\033[1m%s\033[0m%s\n' "$(printf %.9s "$value")" "$(printf %s "$value" | tail -c +10)"
done
"""
SICK = "#!/bin/sh\n" + TELL + "exec caddy run --config Caddyfile --adapter caddyfile\n"


@pytest.fixture(scope="module")
def leaky(make: Make) -> Tiny:
    """A project whose containers print their secrets wherever they can."""
    project = make(database=True)
    project.plan["services"]["web"] |= {"secrets": list(VALUES), "command": "sh start"}
    staging = project.plan["environments"]["staging"]
    staging["seed"] = {"service": "web", "run": "sh tell", "secrets": list(VALUES)}
    for name, value in VALUES.items():
        project.command("sh", "-c", f'printf %s "$0" | shipway secret set staging {name}', value, check=True)
    return project


def test_no_failure_leaves_a_secret(leaky: Tiny) -> None:
    outputs: list[tuple[str, bytes]] = []

    def run(name: str, good: bool, **files_: str) -> None:
        leaky.change(name, files={f"web/{path.replace('__', '/')}": text for path, text in files_.items()})
        done = leaky.shipway("run", "staging", check=False)
        outputs.append((f"output of {name}", done.output.encode()))
        assert (done.code == 0) == good, done.output
        assert good or "«" in done.output, f"nothing was printed that had to be hidden:\n{done.output}"

    run("started", True, start=SICK, tell=TELL)
    run("seed", False, start=SICK, tell=TELL + "exit 3\n")
    run("crash", False, start="#!/bin/sh\n" + TELL + "exit 3\n", tell=TELL)
    leaky.plan["services"]["web"]["health"] = {"command": "sh tell; exit 1", "timeout": "1s"}
    run("health command", False, start=SICK, tell=TELL)
    leaky.plan["services"]["web"]["health"] = {"path": "/sick", "timeout": "1s"}
    body = '{\n\tadmin off\n}\n:8000 {\n\trespond /sick "{$TOKEN} {$PEM}" 500\n}\n'
    run("answer", False, start=SICK.replace("exec", "printf '%s' '" + body + "' > Caddyfile; exec"), tell=TELL)
    for command in (("status",), ("history", "staging", "--json"), ("doctor",), ("secret", "list", "staging")):
        outputs.append((" ".join(command), leaky.shipway(*command, check=False).output.encode()))
    left = [*outputs, *((name, content) for name, content in files(leaky.home) if name != "key")]
    for item in engine("/containers/json", all=1, filters=json.dumps({"label": [f"shipway.app={leaky.app}"]})):
        left.append((f"labels of {item['Names'][0]}", json.dumps(item["Labels"], ensure_ascii=False).encode()))
    for image in engine("/images/json", filters=json.dumps({"reference": [f"*/{leaky.app}/*"]})):
        left.append((f"history of {image['RepoTags']}", json.dumps(engine(f"/images/{image['Id']}/history")).encode()))
    assert leaks(VALUES, iter(left)) == []


def canary(name: str) -> str:
    return f"canary-{name.lower()}-{secrets.token_hex(12)}"


ODD = "c@n\"ry <&> '$1' \\ w\u00f6rd %41 " + secrets.token_hex(12)
PEM = f"-----BEGIN KEY-----\n{secrets.token_hex(24)}\n{secrets.token_hex(24)}\n-----END KEY-----"
# Who may have a secret as a variable: roles of containers. No other container has it, and no record.
EVERYWHERE = {
    "WEB_TOKEN": ("service", "job", "session", "proof"), **dict.fromkeys(("AGE_KEY", "CMD_KEY", "ENV_KEY"), ("service", "job", "session")),
    "POSTGRES_PASSWORD": ("service", "job", "session", "proof", "accessory"), "SEED_PASSWORD": ("job",), "HOOK_TOKEN": ("job",),
    "FILE_KEY": (), "BUILD_KEY": (), "REGISTRY_PASSWORD": (), "BACKUP_SECRET": (), "CDN_TOKEN": (), "DNS_KEY": (), "INFRA_TOKEN": (),
    "ROW": (), "IDENTITY": (),
}  # fmt: skip
OWN = ("WEB_TOKEN", "AGE_KEY", "CMD_KEY", "ENV_KEY")  # variables of the service
PORT = 8790
SAYS = f"""\
FROM {IMAGE}
WORKDIR /app
COPY . .
RUN --mount=type=secret,id=BUILD_KEY BUILD_KEY="$(cat /run/secrets/BUILD_KEY)" NAMES=BUILD_KEY sh tell && [ ! -e build-fails ]
CMD ["sh", "start"]
"""
FROM_FILE = '[ -z "$FILE_KEY_FILE" ] || { FILE_KEY=$(cat "$FILE_KEY_FILE"); NAMES="$NAMES FILE_KEY"; }\n'
SCRIPTS = {
    "web/Dockerfile": SAYS,
    "web/tell": FROM_FILE + TELL,
    "web/start": "sh tell; [ ! -e start-fails ] || exit 3; exec caddy run --config Caddyfile --adapter caddyfile\n",
    "infra/production/make": """\
echo "begun with $INFRA_TOKEN" >&2
printf '{"error": "%s%s"}' "DOTS" "$INFRA_TOKEN"
""".replace("DOTS", "." * 470),
}
ASKED = """\
[ -e "$(dirname "$1")/broken" ] || { cat "$1"; exit; }
cat "$1"
echo "$1 was read as $(cat "$1"), and then the store went away" >&2
exit 9
"""


class Told(Tiny):
    """A project with a secret wherever a plan can name one. Its commands are real processes, and what they print is kept."""

    def __init__(self, folder: Path, echo: Echo, store: Server, registry: str) -> None:
        super().__init__(folder, database=True, port=PORT)
        self.printed: list[tuple[str, bytes]] = []
        self.values = {name: canary(name) for name in EVERYWHERE} | {"WEB_TOKEN": ODD, "FILE_KEY": PEM}
        self.values["POSTGRES_PASSWORD"] = f"p@ss/w:rd%&{secrets.token_hex(12)}"
        self.values["BACKUP_SECRET"] = store.key.secret_key
        self.temporary, self.reports, self.asked = folder / "tmp", folder / "reports", folder.parent / "asked"
        for made in (self.temporary, self.reports, self.asked):
            made.mkdir()
        self.env["TMPDIR"] = str(self.temporary)
        self.passed = {f"{prefix(f'{self.app}/staging')}ENV_KEY": self.values["ENV_KEY"]}  # to Shipway, as by a CI job
        (self.asked / "ask").write_text(ASKED)
        (self.asked / "CMD_KEY").write_text(self.values["CMD_KEY"])
        self.plan["services"]["web"] |= {
            "build": {"folder": "web", "secrets": ["BUILD_KEY"]}, "secrets": [*OWN, {"name": "FILE_KEY", "as": "file"}],
            "environment": {"NAMES": " ".join((*OWN, "DATABASE_URL"))}, "volumes": {"uploads": "/uploads"},
            "route": {"path": "/", "headers": {"X-Robots-Tag": "noindex"}},
        }  # fmt: skip
        self.plan["accessories"]["db"]["secrets"] = ["POSTGRES_PASSWORD"]
        self.plan["registry"] = {"address": registry, "user": USER, "password": "REGISTRY_PASSWORD"}
        self.plan["prove"] = {
            "secrets": ["WEB_TOKEN"], "scenarios": {"tell": {"service": "web", "run": "sh tell; exit 1", "kind": "write"}},
        }  # fmt: skip
        self.plan["environments"]["staging"] |= {
            "secrets_from": [
                {"age": "secrets/staging.age", "names": ["AGE_KEY"]}, {"command": "asked", "names": ["CMD_KEY"]},
                {"environment": True, "names": ["ENV_KEY"]},
            ],
            "seed": {"service": "web", "run": "NAMES=\"$NAMES SEED_PASSWORD\" sh tell; [ ! -e seed-fails ]", "secrets": ["SEED_PASSWORD"]},
            "after_deploy": [{"service": "web", "run": "NAMES=HOOK_TOKEN sh tell", "secrets": ["HOOK_TOKEN"]}],
            "launch": {"index": False},
            "cdn": {"provider": "varnish", "caches": f"http://127.0.0.1:{echo.port}", "token": "CDN_TOKEN"},
            "backups": {
                "to": "s3://bucket/told", "endpoint": f"http://127.0.0.1:{store.port}", "recipients": [self._recipient()],
                "access_key": "BACKUP_ID", "secret_key": "BACKUP_SECRET",
            },
        }  # fmt: skip
        self.plan["environments"]["production"] |= {
            "url": f"https://{ZONE}", "tls": "internal",
            "dns": {
                "provider": "powerdns", "zone": ZONE, "options": {"host": "127.0.0.1", "port": str(echo.port)},
                "secrets": {"api_key": "DNS_KEY"}, "addresses": ["192.0.2.7"],
            },
            "infra": {"tool": "command", "folder": "infra/production", "run": "sh ./make", "secrets": ["INFRA_TOKEN"]},
        }  # fmt: skip

    def _recipient(self) -> str:
        """The public key of the backups; the private one stays with their owner."""
        shown = self.shipway("backup", "--new-key", str(self.asked / "identity")).output
        self.values["IDENTITY"] = (self.asked / "identity").read_text().splitlines()[1]
        return shown.splitlines()[0]

    def shipway(self, *args: str, check: bool = True, text: str = "") -> Done:
        """A real process; text: its input."""
        done = subprocess.run(
            ["shipway", *args], cwd=self.where, env=self.env | self.passed, input=text.encode(), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        self.printed.append((f"output of shipway {' '.join(args)}", done.stdout))
        output = done.stdout.decode(errors="replace")
        assert not check or done.returncode == 0, output
        return Done(done.returncode, output)

    def set_all(self) -> None:
        """What its plan names."""
        for name in (
            "WEB_TOKEN",
            "FILE_KEY",
            "POSTGRES_PASSWORD",
            "SEED_PASSWORD",
            "HOOK_TOKEN",
            "CDN_TOKEN",
            "BACKUP_SECRET",
        ):
            self.shipway("secret", "set", "staging", name, text=self.values[name])
        self.shipway("secret", "set", "staging", "BACKUP_ID", text="TOLDTESTKEY")
        for name in ("DNS_KEY", "INFRA_TOKEN"):
            self.shipway("secret", "set", "production", name, text=self.values[name])
        self.shipway("secret", "set", "build", "BUILD_KEY", "--any-branch", text=self.values["BUILD_KEY"])
        registry = ("secret", "set", "registry", "REGISTRY_PASSWORD", "--for", self.plan["registry"]["address"])
        self.shipway(*registry, text=self.values["REGISTRY_PASSWORD"])
        (self.home / "secret-providers.toml").write_text(
            f'[command.asked]\nrun = ["sh", "{self.asked}/ask", "{self.asked}/{{key}}"]\nfor = ["{self.app}/*"]\n'
        )
        (self.home / "secret-providers.toml").chmod(0o600)
        (self.asked / "typed").write_text(f"AGE_KEY={self.values['AGE_KEY']}\n")
        self.env["EDITOR"] = f"cp {self.asked / 'typed'}"
        self.shipway("secret", "edit", "staging")

    def fails(self, error: type[Exception], *args: str) -> str:
        """Its output, also of each cause of its error; what it hid is marked there."""
        done = self.shipway("--debug", *args, check=False)
        assert done.code == error.exit_code, done.output  # type: ignore[attr-defined]
        return done.output


@contextmanager
def broken(file: Path) -> Iterator[None]:
    """While the file exists."""
    file.write_text("")
    yield
    file.unlink()


@pytest.fixture
def echo() -> Iterator[Echo]:
    made = Echo()
    yield made
    made.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Server]:
    (folder := tmp_path / "store").mkdir()
    made = Server(folder, Credentials("TOLDTESTKEY", canary("backup_secret")))
    yield made
    made.end()


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[TokenServer]:
    (folder := tmp_path / "tokens").mkdir()
    made = TokenServer(folder)
    yield made
    made.close()


@pytest.fixture
def told(tmp_path: Path, echo: Echo, store: Server, tokens: TokenServer) -> Iterator[Told]:
    lab = DockerLab()
    try:
        (folder := tmp_path / "told").mkdir()
        project = Told(folder, echo, store, token_host(lab, tokens).address)
        try:
            tokens.password = project.values["REGISTRY_PASSWORD"]
            project.first = {**project.first, **SCRIPTS, "web/app": project.app}  # no build is cached
            project.create()
            project.set_all()
            project.protect()
            project.change("one")
            yield project
        finally:
            project.destroy()
    finally:
        lab.close()


def test_nothing_leaves_a_secret(told: Told, echo: Echo, store: Server, tokens: TokenServer) -> None:
    with watching(told.app) as seen:
        live(told, echo, tokens)
    tags = [tag for image in engine("/images/json") for tag in image["RepoTags"] or () if f"/{told.app}/" in tag]
    left = [
        *told.printed, *files(told.home), *files(told.temporary), *files(told.reports), *files(told.clone), *objects(told.folder),
        *files(store.folder), *images(tags, IMAGE), *seen.processes, *seen.records(), ("events", seen.events),
    ]  # fmt: skip
    for folder in Path("/dev/shm").glob("shipway-*"):
        left += files(folder)
    was_searched(told, seen, [name for name, _ in left])
    tool = [thing for thing in left if thing[0].startswith("variables of") and "./make" in thing[0]]
    found = leaks({key: value for key, value in told.values.items() if key != "INFRA_TOKEN"}, iter(tool))
    found += leaks(told.values, (thing for thing in left if thing not in tool))
    assert not found, "\n".join(found)
    for role, name, variables in seen.variables():
        others = {key: value for key, value in told.values.items() if role not in EVERYWHERE[key]}
        assert leaks(others, iter([variables])) == [], name
    assert told.home.stat().st_mode & 0o077 == 0
    for path in (told.home / "key", told.home / "age-identity"):
        assert path.stat().st_mode & 0o077 == 0


def live(told: Told, echo: Echo, tokens: TokenServer) -> None:
    """From a launch to a rollback, with failures that print what they know."""
    launched = told.shipway("launch", "staging").output
    assert "staging is open" in launched
    for name in ("BUILD_KEY", *OWN, "SEED_PASSWORD", "HOOK_TOKEN", "FILE_KEY"):
        assert f"«{name}»" in launched, f"{name} was not printed"
    told.shipway("db", "staging", text=f"INSERT INTO pets VALUES ('{told.values['ROW']}');\n")
    told.shipway("exec", "staging", "web", "--", "sh", "-c", "cat > /uploads/file", text=told.values["ROW"])
    assert "verified" in told.shipway("backup", "staging").output

    echo.refuses = True
    told.change("two")
    assert "the CDN is not purged yet" in told.shipway("run", "staging").output
    assert "the CDN is not purged yet" in told.shipway("status").output
    assert "500 Server Error" in told.fails(DnsError, "dns", "production")
    echo.refuses = False
    assert "192.0.2.7" in told.shipway("dns", "production").output
    assert told.values["CDN_TOKEN"] in echo.keys
    assert told.values["DNS_KEY"] in echo.keys
    assert "failed to plan" in told.fails(InfraError, "infra", "production", "plan")

    told.change("build", files={"web/build-fails": ""})
    assert "«BUILD_KEY»" in told.fails(StepFailed, "run", "staging")
    (told.clone / "web/build-fails").unlink()
    told.change("seed", files={
        "web/seed-fails": "", "web/migrations/0002_age.up.sql": "ALTER TABLE pets ADD age int;\n",
        "web/migrations/0002_age.down.sql": "ALTER TABLE pets DROP age;\n",
    })  # fmt: skip
    assert "«SEED_PASSWORD»" in told.fails(StepFailed, "run", "staging")
    written = [word for kind in ("html", "junit", "markdown") for word in (f"--{kind}", str(told.reports / kind))]
    told.shipway("prove", "--env", "staging", "--again", *written, check=False)
    told.shipway("prove", "--env", "staging", "--json", check=False)
    (told.clone / "web/seed-fails").unlink()
    told.change("crash", files={"web/start-fails": ""})
    crashed = told.shipway("--debug", "run", "staging", check=False)
    assert crashed.code != 0, crashed.output
    assert "«WEB_TOKEN»" in crashed.output

    with broken(told.asked / "broken"):
        assert "exited with 9" in told.fails(SecretUnavailable, "deploy", "staging", "r1")
    tokens.password, tokens.told = "another", f"it is not {told.values['REGISTRY_PASSWORD']}"
    told.change("four")
    assert "it is not «" in told.fails(RegistryError, "run", "staging")
    tokens.password = told.values["REGISTRY_PASSWORD"]

    told.shipway("rollback", "staging")
    assert told.answer() == "one"
    told.shipway("logs", "staging", check=False)
    told.shipway("system-test", "staging", "--last", "--html", str(told.reports / "system"), check=False)
    for command in (
        "status",
        "history staging --commands",
        "doctor",
        "rules",
        "secret list staging",
        "schedules staging",
    ):
        told.shipway(*command.split(), check=False)
    for command in (
        "status",
        "history staging",
        "config staging",
        "backups staging",
        "logs staging",
        "system-test staging --last",
        "ps staging",
    ):
        told.shipway(*command.split(), "--json", check=False)


def was_searched(told: Told, seen: Seen, names: list[str]) -> None:
    """A search that finds nothing has looked."""
    for wanted in (
        "ledger.db",
        "git objects",
        "docker history",
        "docker save",
        "docker inspect",
        "database.age",
        "html",
        "junit",
    ):
        assert any(wanted in name for name in names), wanted
    assert any("docker buildx" in name or "docker build" in name for name in names), "no build was seen"
    assert seen.events.count(b"\n") > 10
    roles = {role for role, _, _ in seen.variables()}
    assert {"service", "job", "accessory"} <= roles
    variables = [thing for _, _, thing in seen.variables()]
    for name in ("WEB_TOKEN", "ENV_KEY", "SEED_PASSWORD", "HOOK_TOKEN", "POSTGRES_PASSWORD"):
        assert leaks({name: told.values[name]}, iter(variables)), f"no container had {name}"
