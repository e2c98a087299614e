"""Packages of SBOMs, and what differs between two."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.domain.packages import Changed, Package, compared, packages_of, spdx


def document(*components: object) -> str:
    return json.dumps({"bomFormat": "CycloneDX", "components": list(components)})


SSL = {"type": "library", "name": "openssl", "version": "3.0.1", "purl": "pkg:deb/debian/openssl@3.0.1"}


def test_packages() -> None:
    found = packages_of(
        document(
            SSL,
            SSL,
            {"type": "library", "group": "@types", "name": "node", "version": "1", "purl": "pkg:npm/%40types/node@1"},
            {"type": "application", "name": "node", "licenses": [{"license": {"id": "MIT"}}, {"expression": "A OR B"}]},
            {"type": "operating-system", "name": "debian", "version": "12"},
            {"type": "file", "name": "/etc/passwd"},
            {"type": "library", "name": ""},
            "rubbish",
        )
    )
    assert found == (
        Package("node", "", "application", "MIT, A OR B"),
        Package("openssl", "3.0.1", "deb", "", "pkg:deb/debian/openssl@3.0.1"),
        Package("@types/node", "1", "npm", "", "pkg:npm/%40types/node@1"),
    )


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"components": []}', "not JSON"])
def test_what_has_none(text: str) -> None:
    assert packages_of(text) == ()


def test_what_differs() -> None:
    before = [Package("a", "1", "deb"), Package("b", "1", "deb"), Package("c", "1", "deb"), Package("d", "1", "npm")]
    after = [
        Package("a", "1", "deb", "MIT"), Package("b", "2", "deb"), Package("b", "1", "deb"), Package("d", "1", "pypi"),
    ]  # fmt: skip
    found = compared(before, after)
    assert found.added == (Package("d", "1", "pypi"),)
    assert found.removed == (Package("c", "1", "deb"), Package("d", "1", "npm"))
    assert found.changed == (Changed("b", "deb", "1", "1, 2"),)
    assert found.text == "1 added, 2 removed, 1 changed"
    assert not compared(before, before)


PACKAGES = st.lists(st.builds(Package, st.sampled_from("abc"), st.sampled_from("12"), st.sampled_from(["deb", "npm"])))


@given(PACKAGES, PACKAGES)
def test_the_reverse_differs_in_reverse(before: list[Package], after: list[Package]) -> None:
    there, back = compared(before, after), compared(after, before)
    assert there.added == back.removed
    assert there.removed == back.added
    assert [(item.before, item.after) for item in there.changed] == [
        (item.after, item.before) for item in back.changed
    ]  # fmt: skip


def test_as_spdx() -> None:
    found = spdx("registry/web@sha256:1", document(SSL), "2026-01-01T00:00:00Z", "syft-1")
    assert found["spdxVersion"] == "SPDX-2.3"
    [package] = found["packages"]
    assert (package["name"], package["versionInfo"]) == ("openssl", "3.0.1")
    assert package["externalRefs"][0]["referenceLocator"] == "pkg:deb/debian/openssl@3.0.1"
    assert found["documentDescribes"] == [package["SPDXID"]]
