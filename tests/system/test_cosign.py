"""cosign itself, in both directions: it verifies what Shipway signed, and what it signed passes the gate; what somebody else signed,
or what was changed, passes neither."""

from __future__ import annotations

import base64
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shipway.domain.errors import GateRefused
from shipway.domain.provenance import Attached, split
from shipway.drivers.registry.remote import RemoteRegistry
from shipway.system.attestation import ATT, SIG, tag_of
from tests.conformance.labs import DockerLab
from tests.conformance.registries import RegistryHost
from tests.programs import cosign, real_syft
from tests.system.conftest import Make
from tests.system.tiny import IMAGE, Tiny

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

UPSTREAM = "upstream/web"  # an image that the team doesn't build
PASSWORD = {"COSIGN_PASSWORD": "a test"}


class Site(Tiny):
    """See `site`."""

    registry: RemoteRegistry
    address: str
    folder: Path

    def cosign(self, *args: str, fails: bool = False, **variables: str) -> str:
        """stdout, or why it failed."""
        env = {**self.env, **PASSWORD, **variables}
        done = subprocess.run(
            [cosign(), *args], cwd=self.folder, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )  # fmt: skip
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stderr if fails else done.stdout

    def verify(self, image: str, *args: str, command: str = "verify", key: str = "shipway.pub", **more: Any) -> Any:
        """What cosign printed, as data; its message where it is to fail."""
        done = self.cosign(
            command, "--key", key, "--insecure-ignore-tlog=true", "--allow-http-registry", *args, image, **more
        )  # fmt: skip
        return done if more.get("fails") else [json.loads(line) for line in done.splitlines() if line]

    def sign(self, image: str, *args: str, command: str = "sign", key: str = "cosign.key", **variables: str) -> None:
        self.cosign(
            command, "--key", key, "--tlog-upload=false", "--allow-http-registry", "--yes", *args, image, **variables
        )

    def images(self) -> dict[str, str]:
        """Of the newest release, by service."""
        ledger = self.ledger()
        release = ledger.releases(self.app)[0]
        ledger.close()
        return dict(release.images)

    def parts(self, image: str, end: str) -> list[Attached]:
        repository, digest = split(image)
        return list(self.registry.attached(repository, tag_of(digest, end)))

    def put(self, image: str, end: str, *parts: Attached) -> None:
        repository, digest = split(image)
        self.registry.attach(repository, tag_of(digest, end), parts)

    def deploy(self) -> str:
        return self.shipway("deploy", "staging", "staging").output

    def refused(self, why: str) -> None:
        done = self.shipway("deploy", "staging", "staging", check=False)
        assert done.code == GateRefused.exit_code, done.output
        assert why in done.output


@pytest.fixture(scope="module")
def site(make: Make, lab: DockerLab, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A release that Shipway built and signed is on staging, which requires signatures. cosign has a key of its own."""
    cosign()
    project: Any = make()
    project.__class__ = Site
    site: Site = project
    site.folder = tmp_path_factory.mktemp("cosign")
    site.address = RegistryHost(lab).address
    site.registry = RemoteRegistry(site.address)
    site.env |= {"SHIPWAY_SYFT": real_syft(), "HOME": str(site.folder)}
    site.plan["registry"] = {"address": site.address}
    site.plan["environments"]["staging"] |= {"require": {"signed": True}}
    site.protect()
    site.shipway("signing", "create")
    site.change("one")
    site.shipway("run", "staging")
    (site.folder / "shipway.pub").write_text(site.shipway("signing", "show").output)
    site.cosign("generate-key-pair")
    return site


def test_it_accepts_what_shipway_signed(site: Site) -> None:
    [image] = site.images().values()
    repository, digest = split(image)
    [[found]] = site.verify(image)
    assert found["critical"]["image"] == {"docker-manifest-digest": digest}
    assert found["critical"]["identity"] == {"docker-reference": repository}
    for kind, predicate in (
        ("slsaprovenance1", "https://slsa.dev/provenance/v1"),
        ("cyclonedx", "https://cyclonedx.org/bom"),
    ):
        [envelope] = site.verify(image, "--type", kind, command="verify-attestation")
        statement = json.loads(base64.b64decode(envelope["payload"]))
        assert statement["predicateType"] == predicate
        assert statement["subject"] == [{"name": repository, "digest": {"sha256": digest.removeprefix("sha256:")}}]


def test_it_rejects_another_key_and_what_was_changed(site: Site) -> None:
    [image] = site.images().values()
    assert "no matching signatures" in site.verify(image, key="cosign.pub", fails=True)
    [claim], statements = site.parts(image, SIG), site.parts(image, ATT)
    site.put(image, SIG, replace(claim, content=claim.content + b" "))
    assert "no matching signatures" in site.verify(image, fails=True)
    site.put(image, ATT, *(changed(item) for item in statements))
    assert "no matching attestations" in site.verify(
        image, "--type", "cyclonedx", command="verify-attestation", fails=True
    )
    site.put(image, SIG, claim)
    site.put(image, ATT, *statements)
    site.verify(image)


def test_the_gate_accepts_what_it_signed(site: Site) -> None:
    """Nothing of Shipway's own signatures is left; it knows the public part of cosign's key."""
    [image] = site.images().values()
    predicates = {item.annotations["predicateType"]: predicate(item) for item in site.parts(image, ATT)}
    site.put(image, SIG)
    site.put(image, ATT)
    site.refused("it has no signature")
    site.sign(image)
    site.refused("its signature is by no key of the team")
    site.shipway("signing", "import", str(site.folder / "cosign.pub"))
    site.refused("it has no statement of its origin")
    for kind, content in predicates.items():
        (site.folder / "predicate").write_text(json.dumps(content))
        site.sign(image, "--type", kind, "--predicate", "predicate", command="attest")
    assert len(site.parts(image, ATT)) == len(predicates) == 2
    assert "1 image signed by" in site.deploy()

    good = site.parts(image, SIG), site.parts(image, ATT)
    site.put(image, SIG, *(replace(item, content=item.content + b" ") for item in good[0]))
    site.refused("what was signed was changed")
    site.put(image, SIG, *good[0])
    site.put(image, ATT, *(changed(item) for item in good[1]))
    site.refused("what was signed was changed")
    site.put(image, ATT, *good[1])
    assert "1 image signed by" in site.deploy()


def test_somebody_elses_signature_beside_it(site: Site) -> None:
    """It stays, and counts for nothing; cosign adds to what Shipway has there, and Shipway to what cosign has."""
    [image] = site.images().values()
    site.cosign("generate-key-pair", "--output-key-prefix", "stranger")
    site.put(image, SIG)
    site.sign(image, key="stranger.key")
    site.refused("its signature is by no key of the team")
    site.shipway("signing", "sign", "r1")
    site.verify(image)
    site.verify(image, key="stranger.pub")
    assert "1 image signed by" in site.deploy()


def test_an_image_that_the_team_does_not_build(site: Site) -> None:
    """Its signature is beside the images of its service, since others' registries can't be written to."""
    upstream = f"{site.address}/{UPSTREAM}"
    for words in (["tag", IMAGE, f"{upstream}:1"], ["push", f"{upstream}:1"]):
        subprocess.run(["docker", *words], check=True, capture_output=True)
    digest = site.registry.digest(upstream, "1")
    site.plan["services"]["cache"] = {"image": f"{upstream}@{digest}", "command": "sleep infinity"}
    site.change("two")
    site.shipway("run", "staging")
    image, place = site.images()["cache"], f"{site.address}/{site.app}/cache"
    assert image == f"{upstream}@{digest}"
    site.verify(image, COSIGN_REPOSITORY=place)
    site.put(f"{place}@{digest}", SIG)
    site.refused("it has no signature")
    site.sign(image, COSIGN_REPOSITORY=place)
    assert "2 images signed by" in site.deploy()


def predicate(part: Attached) -> Any:
    return json.loads(base64.b64decode(json.loads(part.content)["payload"]))["predicate"]


def changed(part: Attached) -> Attached:
    """The same envelope around another statement."""
    data = json.loads(part.content)
    payload = base64.b64decode(data["payload"]).replace(b'"predicate":{', b'"predicate":{"forged":true,', 1)
    return replace(part, content=json.dumps({**data, "payload": base64.b64encode(payload).decode()}).encode())
