"""From a build to a gate that verifies it: real images, a real registry, syft itself, and openssl as another verifier. Then
somebody who may write to the registry changes one thing after the other."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shipway.domain.errors import GateRefused, SbomError
from shipway.domain.provenance import Attached, split
from shipway.drivers.registry.remote import RemoteRegistry
from shipway.system import signing
from shipway.system.attestation import ATT, CYCLONEDX, SIG, SLSA, attached_claim, claim, tag_of
from tests.conformance.labs import DockerLab
from tests.conformance.registries import RegistryHost
from tests.programs import real_syft
from tests.system.conftest import Make
from tests.system.tiny import IMAGE, Tiny

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

OLD, NEW = 2, 3  # releases that went out


class Site(Tiny):
    """See `site`."""

    registry: RemoteRegistry
    revisions: dict[int, str]
    printed: str

    def image(self, release: int = OLD) -> str:
        ledger = self.ledger()
        found = ledger.release(self.app, release)
        ledger.close()
        assert found is not None
        return found.images["web"]

    def parts(self, end: str, release: int = OLD) -> Sequence[Attached]:
        repository, digest = split(self.image(release))
        return self.registry.attached(repository, tag_of(digest, end))

    def put(self, end: str, parts: Sequence[Attached]) -> None:
        repository, digest = split(self.image())
        self.registry.attach(repository, tag_of(digest, end), parts)

    def refused(self, why: str) -> None:
        """The older release is not deployed again, and the newer one serves on."""
        before = self.footprint()
        done = self.shipway("deploy", "staging", self.revisions[OLD], check=False)
        assert done.code == GateRefused.exit_code, done.output
        assert why in done.output
        assert f"shipway signing sign r{OLD}" in done.output
        assert self.footprint() == before
        assert self.answer() == "two"


@pytest.fixture(scope="module")
def site(make: Make, lab: DockerLab) -> Site:
    """An environment that accepts only signed images: a release before there was a key is refused, two others went out by
    runs, of which the newer one serves."""
    project: Any = make()
    project.__class__ = Site
    site: Site = project
    address = RegistryHost(lab).address
    site.registry = RemoteRegistry(address)
    site.env["SHIPWAY_SYFT"] = real_syft()
    site.plan["registry"] = {"address": address}
    site.plan["environments"]["staging"] |= {"require": {"signed": True, "sbom": True}}
    site.protect()
    site.revisions = {1: site.change("zero")}
    done = site.shipway("run", "staging", check=False)
    assert done.code == GateRefused.exit_code, done.output
    assert "no key of the team counts: `shipway signing create` makes one" in done.output
    site.shipway("signing", "create")
    for number, name in ((OLD, "one"), (NEW, "two")):
        site.revisions[number] = site.change(name)
        site.printed = site.shipway("run", "staging").output
    return site


def test_what_a_run_prints(site: Site) -> None:
    [key] = site.json("signing", "list", "--json")
    assert f"1 image signed by {key['id']}" in site.printed
    assert sorted(site.good()) == [("staging", "deploy", OLD), ("staging", "deploy", NEW)]


def test_another_verifier_accepts_the_signature(site: Site, tmp_path: Path) -> None:
    [part] = site.parts(SIG)
    files = {"key": site.shipway("signing", "show").output.encode(), "payload": part.content}
    files["signature"] = base64.b64decode(part.annotations["dev.cosignproject.cosign/signature"])
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    command = ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "signature", "payload"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "Verified OK\n"
    repository, digest = split(site.image())
    critical = json.loads(part.content)["critical"]
    assert critical["identity"] == {"docker-reference": repository}
    assert critical["image"] == {"docker-manifest-digest": digest}


def test_the_statements(site: Site) -> None:
    found = {item.annotations["predicateType"]: statement(item) for item in site.parts(ATT)}
    assert set(found) == {SLSA, CYCLONEDX}
    digest = split(site.image())[1].removeprefix("sha256:")
    assert all(item["subject"][0]["digest"] == {"sha256": digest} for item in found.values())
    definition = found[SLSA]["predicate"]["buildDefinition"]
    source, base = definition["resolvedDependencies"]
    assert source["digest"] == {"gitCommit": site.revisions[OLD]}
    assert base["uri"] == f"docker.io/library/{IMAGE}"
    assert definition["externalParameters"]["ref"] == "refs/heads/staging"
    assert found[CYCLONEDX]["predicate"]["bomFormat"] == "CycloneDX"


def test_packages(site: Site) -> None:
    [listed] = site.json("sbom", f"r{OLD}", "--json")
    assert listed["services"] == ["web"]
    assert listed["tool"].startswith("syft 1.")
    assert "packages, by syft" in site.shipway("sbom", "staging", "web").output
    assert site.json("sbom", f"r{OLD}", "--format", "cyclonedx")["bomFormat"] == "CycloneDX"
    document = site.json("sbom", f"r{OLD}", "--format", "spdx")
    assert document["spdxVersion"] == "SPDX-2.3"
    assert {item["name"] for item in document["packages"]} == {item["name"] for item in listed["packages"]}
    assert "the packages are the same" in site.shipway("sbom", "staging", "--against", f"r{OLD}").output
    [change] = site.json("sbom", f"r{NEW}", "--against", f"r{OLD}", "--json")
    assert change["changes"] == {"added": [], "removed": [], "changed": []}


def test_each_change_is_noticed(site: Site) -> None:
    claims, statements = site.parts(SIG), site.parts(ATT)
    other, newer = signing.new_key(), site.parts(SIG, NEW)
    image = site.image()
    moved = claim(image.replace("/web@", "/evil@"))
    private = site.shipway("signing", "show", "--private").output
    slsa, bom = sorted(statements, key=lambda item: item.annotations["predicateType"] == CYCLONEDX)
    newest = site.parts(ATT, NEW)
    cases: list[tuple[str, Sequence[Attached], str]] = [
        (SIG, [], "it has no signature"),
        (SIG, [replace(claims[0], content=claims[0].content + b" ")], "what was signed was changed"),
        (SIG, [attached_claim(claim(image), signing.sign(other, claim(image)))], "by no key of the team"),
        (SIG, newer, "over another digest"),
        (SIG, [attached_claim(moved, signing.sign(private, moved))], "over another repository"),
        (ATT, [], "it has no statement of its origin"),
        (ATT, [bom], "it has no statement of its origin"),
        (ATT, [slsa], "it has no signed SBOM"),
        (ATT, [slsa, *(item for item in newest if item.annotations["predicateType"] == CYCLONEDX)], "another image"),
        (ATT, [forged(slsa), bom], "what was signed was changed"),
        (ATT, [slsa, forged(bom)], "what was signed was changed"),
    ]
    for end, parts, why in cases:
        site.put(end, parts)
        site.refused(why)
        site.put(SIG, claims)
        site.put(ATT, statements)
    site.shipway("deploy", "staging", site.revisions[OLD])
    assert site.answer() == "one"
    site.shipway("deploy", "staging", site.revisions[NEW])
    assert site.answer() == "two"


def test_a_registry_that_is_away_and_a_rollback_that_needs_none(site: Site, lab: DockerLab) -> None:
    lab.runtime.stop(lab.name("registry"), 2)
    try:
        done = site.shipway("deploy", "staging", site.revisions[OLD], check=False)
        assert done.code == GateRefused.exit_code, done.output
        assert "its signature can't be read" in done.output
        assert site.answer() == "two"
        site.shipway("rollback", "staging", "--reason", "slow")
        assert site.answer() == "one"
    finally:
        lab.runtime.start(lab.name("registry"))
    site.shipway("deploy", "staging", site.revisions[NEW], "--resume")


def test_images_that_were_built_before_there_was_a_key(site: Site) -> None:
    revision = site.revisions[1]
    done = site.shipway("deploy", "staging", revision, check=False)
    assert done.code == GateRefused.exit_code, done.output
    assert "it has no signature" in done.output
    assert "release 1: 1 image signed" in site.shipway("signing", "sign", "r1").output
    site.shipway("deploy", "staging", revision)
    assert site.answer() == "zero"
    site.shipway("deploy", "staging", site.revisions[NEW])


def test_a_new_key_and_a_revoked_one(site: Site) -> None:
    """The last test: it signs everything anew."""
    [first] = site.json("signing", "list", "--json")
    site.shipway("signing", "create")
    site.shipway("deploy", "staging", site.revisions[OLD])
    site.shipway("signing", "revoke", first["id"], "--reason", "a laptop was stolen")
    done = site.shipway("deploy", "staging", site.revisions[NEW], check=False)
    assert f"by the key {first['id']}, which was revoked" in done.output
    done = site.shipway("rollback", "staging", "--reason", "slow", check=False)
    assert done.code == GateRefused.exit_code, done.output
    site.shipway("signing", "sign", f"r{NEW}")
    site.shipway("deploy", "staging", site.revisions[NEW])
    assert site.answer() == "two"


def test_without_syft(bare: Tiny) -> None:
    """A run goes on, and says it once."""
    bare.env |= {"SHIPWAY_SYFT": "/nowhere/syft"}
    said = "no SBOM was made of 1 image: syft isn't installed"
    assert bare.shipway("run", "staging").output.count(said) == 1
    bare.change("another")
    assert said not in bare.shipway("run", "staging").output
    assert bare.shipway("sbom", "staging", check=False).code == SbomError.exit_code


def statement(part: Attached) -> Any:
    return json.loads(base64.b64decode(json.loads(part.content)["payload"]))


def forged(part: Attached) -> Attached:
    """The same envelope around another statement."""
    data = json.loads(part.content)
    changed = json.dumps({**statement(part), "predicate": {"forged": True}}).encode()
    return replace(part, content=json.dumps({**data, "payload": base64.b64encode(changed).decode()}).encode())
