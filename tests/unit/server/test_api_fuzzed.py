"""The API asked with anything that its document allows and forbids, by each role: it answers as documented, and starts nothing
for who may not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest
import schemathesis
import schemathesis.openapi
from hypothesis import HealthCheck, Phase, strategies
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from shipway.domain.permissions import ADMIN, DEVELOPER, ROLES, VIEWER
from shipway.server.api.document import document
from shipway.server.api.operation import PREFIX
from shipway.server.api.table import OPERATIONS
from tests.unit.server.api import Api, commands, conforms
from tests.unit.server.asking import Answer

__all__ = ["commands"]

pytestmark = pytest.mark.counterpart

REQUESTS = 20  # for each operation and each who
NOBODY, NOTHING = "nobody", "who may nothing"
# Schemas of answers are checked by jsonschema: Schemathesis 4.32 does not know `prefixItems` in them.
CHECKED = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "unsupported_method", "allow_header_conformance",
]  # fmt: skip


def asked(api: Api, token: str) -> set[int]:
    """Ask for each operation with valid and invalid requests, of which some are about what there is. Returns the statuses."""
    schema = schemathesis.openapi.from_dict(json.loads(json.dumps(document())))
    schema.app = api.app
    checks, statuses = [CHECKS.get_one(name) for name in CHECKED], set[int]()
    rows = {(item.method, PREFIX + item.path): item for item in OPERATIONS}

    def check(case: Any) -> None:
        answer = case.call(headers={"Authorization": f"Bearer {token}"})
        case.validate_response(answer, checks=checks)
        row = rows.get((case.method.upper(), case.operation.path))
        [media] = answer.headers["content-type"]
        inside = urlsplit(answer.request.url).path.startswith(f"{PREFIX}/")  # `..` in a path leads out of it
        if row is not None and inside and media == "application/json":
            conforms(row, Answer(answer.status_code, {"content-type": media}, answer.text))
        statuses.add(answer.status_code)

    for found in schema.get_all_operations():
        operation = found.ok()
        there = {"app": "shop", "environment": "staging", "number": 1}
        places = {item.name: there[item.name] for item in operation.path_parameters}
        valid = GenerationMode.POSITIVE
        cases = strategies.one_of(
            operation.as_strategy(valid), operation.as_strategy(GenerationMode.NEGATIVE),
            operation.as_strategy(valid, path_parameters=places),
        )  # fmt: skip
        settings = hypothesis.settings(
            max_examples=REQUESTS, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        settings(hypothesis.given(case=cases)(check))()
    return statuses


@pytest.mark.parametrize("who", [NOBODY, NOTHING, *ROLES])
def test_anything_is_answered_as_documented(tmp_path: Path, commands: list[tuple[str, list[str]]], who: str) -> None:
    api = Api(tmp_path)
    made = {NOBODY: lambda: "swt_none", NOTHING: lambda: api.token(ADMIN, "audit")}
    statuses = asked(api, made.get(who, lambda: api.token(who))())
    assert max(statuses) < 500
    begun = {words[0] for _, words in commands}
    if who in (NOBODY, NOTHING, VIEWER):
        assert begun == set()
    if who == NOBODY:
        assert {401} <= statuses <= {401, 404}  # 404: no such path
    elif who == DEVELOPER:
        assert "approve" not in begun
    elif who == ADMIN:
        assert {200, 202, 400, 404} <= statuses
        assert {"rollback", "run"} <= begun
