"""Secrets are nowhere in what failures leave: output, logs, ledger, reports, labels."""

from __future__ import annotations

import json

import pytest

from tests.canary import files, leaks
from tests.system.conftest import Make
from tests.system.tiny import Tiny, engine

pytestmark = pytest.mark.engine

VALUES = {
    "TOKEN": "tok-5c1d0a7be9f24c33a8d1",
    "PASSPHRASE": "p\"q&<r>'s $1 -w\u00f6rd 91c2",
    "PEM": "-----BEGIN KEY-----\nQ0FOQVJZLWxpbmUtb25l\nQ0FOQVJZLWxpbmUtdHdv\n-----END KEY-----",
}
# Prints each value as programs do: raw, hex, base64 with other bytes before it, percent, JSON, UTF-16.
TELL = r"""
for name in TOKEN PASSPHRASE PEM; do
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
