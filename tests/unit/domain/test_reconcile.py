"""Deciding is pure: what is and what should be in, a changeset's text out."""

from __future__ import annotations

import dataclasses
import re

from shipway.domain.container import ContainerInfo
from shipway.domain.observed import Observed
from shipway.domain.reconcile import reconcile
from tests.unit.domain.samples import PRODUCTION, STAGING, observed, running, wanted


def text(changeset: object) -> str:
    """Digests in names differ with the plan; the tests compare the rest."""
    return re.sub(r"-[0-9a-f]{6}_", "-CONFIG_", str(getattr(changeset, "render")()))  # noqa: B009


def test_a_first_deployment_creates_everything() -> None:
    changes = reconcile(wanted(1, PRODUCTION, up=("0001", "0002")), Observed())
    assert (
        text(changes)
        == """\
production: release 1 (v1)
  + create   accessory  shop_production_db                   it doesn't exist yet
  ~ migrate  database   0001                                 introduced by release 1
  ~ migrate  database   0002                                 introduced by release 1
  ~ seed     database   seed                                 runs with each deployment; is idempotent
  + create   container  shop_production_frontend_1-CONFIG_1  part of release 1
  + create   container  shop_production_backend_1-CONFIG_1   part of release 1
  + create   container  shop_production_backend_1-CONFIG_2   part of release 1
  + create   container  shop_production_worker_1-CONFIG_1    part of release 1
  ~ switch   route      / → frontend, /api → backend         first release here"""
    )


def test_nothing_to_do_where_all_runs() -> None:
    changes = reconcile(wanted(1), observed(wanted(1)))
    assert not changes
    assert changes.render().endswith("nothing to do")


def test_a_new_release_replaces_the_old_one() -> None:
    changes = reconcile(wanted(2, keep=1), observed(wanted(1)))
    assert (
        text(changes)
        == """\
staging: release 2 (v1), replaces release 1
  + create  container  shop_staging_frontend_2-CONFIG_1  part of release 2
  + create  container  shop_staging_backend_2-CONFIG_1   part of release 2
  + create  container  shop_staging_worker_2-CONFIG_1    part of release 2
  ~ switch  route      / → frontend, /api → backend      release 1 → 2
  - stop    container  shop_staging_backend_1-CONFIG_1   belongs to release 1; kept for a rollback
  - stop    container  shop_staging_frontend_1-CONFIG_1  belongs to release 1; kept for a rollback
  - stop    container  shop_staging_worker_1-CONFIG_1    belongs to release 1; kept for a rollback"""
    )


def test_a_rollback_starts_what_was_kept_and_a_third_release_removes_it() -> None:
    left = tuple(running(spec, "exited") for spec in wanted(1).services)
    now = observed(wanted(2))
    both = dataclasses.replace(now, services=(*now.services, *left))
    back = reconcile(wanted(1, keep=2), both)
    assert [len(back.of("container", verb)) for verb in ("start", "create", "stop", "remove")] == [3, 0, 3, 0]
    assert not reconcile(wanted(2, keep=1), both)
    third = reconcile(wanted(3, keep=2), both)
    assert [len(third.of("container", verb)) for verb in ("start", "create", "stop", "remove")] == [0, 3, 3, 3]


def test_what_is_on_standby_stays_up_until_a_third_release() -> None:
    warm = dataclasses.replace(STAGING, standby=60.0)
    now = reconcile(wanted(2, warm, keep=1), observed(wanted(1, warm)))
    assert [change.name.split("_")[2] for change in now.of("container", "drain")] == ["backend", "frontend"]
    assert [change.name.split("_")[2] for change in now.of("container", "stop")] == ["worker"]  # it would take jobs
    after = observed(wanted(2, warm))
    both = dataclasses.replace(after, services=(*after.services, *map(running, wanted(1, warm).web)))
    assert not reconcile(wanted(2, warm, keep=1), both)
    back = reconcile(wanted(1, warm, keep=2), both)
    assert [change.name.split("_")[2] for change in back.of("container", "create", "start")] == ["worker"]
    third = reconcile(wanted(3, warm, keep=2), both)
    assert [len(third.of("container", verb)) for verb in ("drain", "stop", "remove")] == [2, 1, 2]


def test_a_rollback_reverts_the_schema_last() -> None:
    changes = reconcile(wanted(1, down=("0002 → 0001",)), observed(wanted(2))).changes
    assert (changes[-1].verb, changes[-1].name) == ("revert", "0002 → 0001")
    assert [change.verb for change in changes].index("switch") < len(changes) - 1


def test_a_new_secret_replaces_only_the_services_that_have_it() -> None:
    changes = reconcile(wanted(1, key=2), observed(wanted(1)))
    created = [change.name for change in changes.of("container", "create")]
    assert [name.split("_")[2] for name in created] == ["backend"]
    assert "has another configuration now" in changes.render()
    assert "its configuration changed" in changes.render()


def test_a_stopped_container_is_started_and_a_half_finished_deployment_goes_on() -> None:
    whole = observed(wanted(2))
    old = observed(wanted(1))
    half = Observed((running(wanted(2).web[0], "exited"), *old.services), whole.accessories, old.routes)
    changes = reconcile(wanted(2, keep=1), half)
    assert [change.verb for change in changes.of("container", "start", "create")] == ["start", "create", "create"]
    assert len(changes.of("container", "stop")) == 3


def test_a_changed_accessory_is_dangerous_and_said_to_be() -> None:
    base = wanted(1)
    changed = dataclasses.replace(base.accessories[0], labels={**base.accessories[0].labels, "shipway.config": "other"})
    changes = reconcile(dataclasses.replace(base, accessories=(changed,)), observed(base))
    assert [change.dangerous for change in changes.changes] == [True]
    assert "[needs --force]" in changes.render()


def test_containers_that_nobody_knows_are_removed() -> None:
    stray = ContainerInfo("x", "shop_staging_old_9-abcdef_1", {"shipway.release": "9"}, "running", "", {})
    is_now = observed(wanted(1))
    changes = reconcile(wanted(1), dataclasses.replace(is_now, services=(*is_now.services, stray)))
    assert text(changes).endswith("- remove  container  shop_staging_old_9-CONFIG_1  belongs to release 9")


def test_equal_changesets_have_equal_digests() -> None:
    one, two = reconcile(wanted(2), observed(wanted(1))), reconcile(wanted(2), observed(wanted(1)))
    assert one.digest == two.digest
    assert one.digest != reconcile(wanted(3), observed(wanted(1))).digest
