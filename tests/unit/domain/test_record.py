"""Objects as plain data and back."""

from __future__ import annotations

import json

from shipway.domain.plan import Plan
from shipway.domain.record import from_data, to_data
from shipway.domain.release import Release
from tests.unit.domain.samples import PLAN, release


def test_records_survive_json() -> None:
    assert from_data(Plan, json.loads(json.dumps(to_data(PLAN)))) == PLAN
    assert from_data(Release, json.loads(json.dumps(to_data(release())))) == release()


def test_a_record_of_a_newer_version_is_read() -> None:
    assert from_data(Plan, {**to_data(PLAN), "added_later": 1}) == PLAN
