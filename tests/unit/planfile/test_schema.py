"""The published JSON Schema: made from the table, and of one mind with `shipway check`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from shipway.planfile import reference, schema
from tests.unit.planfile.cases import all_cases

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "catalogue" / "shipway.yaml"
VALID = [case for case in all_cases() if ": error: " not in case.expected]
# Titles of cases that an editor should underline; the rest needs more than a schema can say.
TYPICAL = [
    "a list instead of a mapping",
    "app and services are required",
    "no services",
    "a name with capitals",
    "a name with an underscore",
    "unknown keys, with the nearest right name",
    "values of the wrong kind",
    "nothing where a value is expected",
    "an unknown strategy, and hosts that can't be reached",
    "durations",
    "sizes and processor cores",
    "ports and counts",
    "environment variables: any single value, but not nothing",
    "a blank secret",
    "a thing listed twice",
    "names of images",
    "paths",
    "neither build nor image",
    "both build and image",
    "a route needs a port and a health check",
    "routes",
    "health: exactly one way",
    "an image is required",
    "an unknown kind",
    "a step has run or build",
    "run needs an image, and an image a run",
    "what only a command has",
    "images of steps and checks",
    "a url is required",
    "what deploys it",
    "approvals",
    "a seed's parts",
]


@cache
def validator() -> Draft7Validator:
    return Draft7Validator(schema.generate())


def data(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def test_the_committed_file_is_the_generated_one() -> None:
    assert schema.PUBLISHED.read_text() == schema.render(schema.generate()), (
        "python -m shipway.planfile.schema > src/shipway/planfile/schema.json"
    )


def test_it_is_a_schema() -> None:
    Draft7Validator.check_schema(schema.generate())


@pytest.mark.parametrize(
    "text", [EXAMPLE.read_text(), reference.text(), *(case.text for case in VALID)],
    ids=["example", "reference", *(case.title for case in VALID)],
)  # fmt: skip
def test_it_accepts_what_check_accepts(text: str) -> None:
    assert [error.message for error in validator().iter_errors(data(text))] == []


@pytest.mark.parametrize("title", TYPICAL)
def test_it_rejects_typical_mistakes(title: str) -> None:
    (case,) = (case for case in all_cases() if case.title == title)
    assert ": error: " in case.expected
    assert not validator().is_valid(data(case.text))


def test_every_key_is_described() -> None:
    assert list(undescribed(schema.generate(), "")) == []


def undescribed(part: dict[str, Any], path: str) -> Any:
    for key, value in part.get("properties", {}).items():
        if not value.get("description"):
            yield f"{path}.{key}"
        yield from undescribed(value, f"{path}.{key}")
    for option in part.get("anyOf", []):
        yield from undescribed(option, path)
    if isinstance(part.get("additionalProperties"), dict):
        yield from undescribed(part["additionalProperties"], f"{path}.*")


def test_cases_have_titles_of_their_own() -> None:
    titles = [case.title for case in all_cases()]
    assert len(titles) == len(set(titles))
