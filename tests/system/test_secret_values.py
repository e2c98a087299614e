"""Secrets with any bytes reach a service as they were set: as variables, and as files that only its user may read."""

from __future__ import annotations

import hashlib
import subprocess

import pytest

from tests.system.conftest import Make
from tests.system.tiny import IMAGE, Tiny, engine

pytestmark = [pytest.mark.engine]

VALUES = {
    "S_ODD": '  pa$1wor$D${HOME}$$x`id`\\n it\'s "quoted" \\ #abc=d pässwörd-日本-🔑\n-----BEGIN KEY-----\r\nQUJD\n\n'.encode(),
    "S_LARGE": b"k" * 131000,
}
FILES = {"F_BINARY": b"\xff\xfe\x00key\n" + b"\0k" * 300_000}
DOCKERFILE = f"""\
FROM {IMAGE}
RUN echo 'app:x:4321:99::/app:/bin/sh' >> /etc/passwd && mkdir -p /app && chown 4321 /app
WORKDIR /app
COPY . .
USER app
CMD ["sh", "say.sh"]
"""
SAY = r"""
for name in $NAMES; do eval "printf %s \"\$$name\"" | sha256sum | cut -c1-64; done
sha256sum < $F_BINARY_FILE | cut -c1-64
stat -c '%a %u %g %n' $F_BINARY_FILE
exec caddy run --config Caddyfile --adapter caddyfile
"""


def put(project: Tiny, name: str, value: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["shipway", "secret", "set", "staging", name, *options],
        cwd=project.clone,
        env=project.env,
        input=value,
        capture_output=True,
        check=False,
    )


def test_values_reach_the_service_as_they_were_set(make: Make) -> None:
    project = make()
    web = project.plan["services"]["web"]
    web["secrets"] = [*VALUES, *({"name": name, "as": "file"} for name in FILES)]
    web["environment"] = {"NAMES": " ".join(VALUES)}
    project.change("one", files={"web/Dockerfile": DOCKERFILE, "web/say.sh": SAY})
    for name, value in (VALUES | FILES).items():
        assert put(project, name, value, "--keep-newline").returncode == 0
    refused = put(project, "S_ODD", b"a\0b")
    assert refused.returncode == 5
    assert b"as: file" in refused.stderr
    project.shipway("run", "staging")
    (container,) = project.containers(role="service")
    said = project.logs(container)
    for name, value in (VALUES | FILES).items():
        assert hashlib.sha256(value).hexdigest() in said, name
    assert "400 4321 99 /run/secrets/F_BINARY" in said
    env = "\n".join(engine(f"/containers/{container}/json")["Config"]["Env"])
    assert "F_BINARY_FILE=/run/secrets/F_BINARY" in env
    assert "F_BINARY=" not in env


def test_a_secret_that_is_not_set_ends_a_run_before_it_builds_anything(make: Make) -> None:
    project = make()
    project.plan["services"]["web"]["secrets"] = ["TOKEN"]
    project.change("one")
    refused = project.shipway("run", "staging", check=False)
    assert refused.code == 5
    assert "staging lacks 1 secret: TOKEN" in refused.output
    assert "shipway secret set staging TOKEN" in refused.output
    assert "run 1 " not in refused.output
