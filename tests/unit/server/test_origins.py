"""The page of a release's origin and packages."""

from __future__ import annotations

import dataclasses

import pytest

from shipway.actions.provenance.keys import create_key, revoke_key
from shipway.actions.provenance.sign import complete
from shipway.domain.provenance import Base
from shipway.testing.memory_sbom import MemorySbom
from tests.unit.actions.provenance.signed import record
from tests.unit.server.site import EVIL, Place, place

__all__ = ["place"]


@pytest.fixture
def ready(place: Place) -> Place:
    """Two releases, of which the second is signed."""
    place.world.images.registry.address = "registry"
    for number, version in ((1, "3.0.1"), (2, "3.0.2")):
        place.deployed(number)
        made = place.ctx.ledger.release("shop", number)
        assert made is not None
        for image in made.images.values():
            bases = (Base(EVIL),)
            place.ctx.ledger.add_image_build(dataclasses.replace(record(image), run=number, bases=bases))
        packages = {"openssl": version, **({"curl": "8"} if number == 1 else {EVIL: "1"})}
        if number == 2:
            create_key(place.ctx, "shop")
        tool = MemorySbom({"": packages})
        complete(dataclasses.replace(place.world.controller(), sbom=lambda tool=tool: tool), made)
    place.observer.look("shop")
    return place


def test_where_images_come_from_and_what_differs(ready: Place) -> None:
    [key] = ready.ctx.ledger.signing_keys("shop")
    found = ready.page("/apps/shop/releases/2/packages")
    assert found.status == 200
    for seen in (
        "✓ signed", key.id, "run 2", "aaaaaaaaaaaa", "2, by memory 1", "in place of those of r1",
        "1 added, 1 removed, 1 changed", "3.0.1", "3.0.2", "curl", "&lt;script&gt;",
    ):  # fmt: skip
        assert seen in found.text, seen
    assert EVIL not in found.text
    first = ready.page("/apps/shop/releases/1/packages")
    assert "not signed" in first.text
    assert "in place of" not in first.text
    assert "The images are the same" not in ready.page("/apps/shop/releases/2/packages?against=2").text
    for asked in ("x", "-1", "9" * 30, "7", EVIL):
        assert ready.page(f"/apps/shop/releases/2/packages?against={asked}").status == 200
    assert ready.page("/apps/shop/releases/7/packages").status == 404 or "no release 7" in ready.page(
        "/apps/shop/releases/7/packages"
    ).text  # fmt: skip


def test_a_revoked_key_is_shown(ready: Place) -> None:
    [key] = ready.ctx.ledger.signing_keys("shop")
    revoke_key(ready.ctx, "shop", key.id, "lost")
    assert "the key was revoked" in ready.page("/apps/shop/releases/2/packages").text


def test_a_release_of_which_nothing_is_known(place: Place) -> None:
    place.deployed(1)
    place.observer.look("shop")
    found = place.page("/apps/shop/releases/1/packages").text
    assert found.count("no SBOM was made") == 3
    assert found.count("not recorded") == 3
