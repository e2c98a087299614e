"""Why a release doesn't start, from the last lines of its output."""

from __future__ import annotations

import pytest

from shipway.domain.catalog import Difference
from shipway.proving.compatibility_test import schema_changes
from shipway.proving.start_cause import missing_variable, start_cause, telling_lines


@pytest.mark.parametrize(("output", "name"), [
    ("  File \"<frozen os>\", line 679, in __getitem__\n    raise KeyError(key) from None\nKeyError: 'STRIPE_KEY'", "STRIPE_KEY"),
    ("/app/start.sh: line 3: SECRET_KEY: unbound variable", "SECRET_KEY"),
    ("sh: 1: SECRET_KEY: parameter not set", "SECRET_KEY"),
    ("Error: Missing required environment variable: MAIL_FROM", "MAIL_FROM"),
    ("panic: required environment variable \"MAIL_FROM\" is not set", "MAIL_FROM"),
    ("django.core.exceptions.ImproperlyConfigured: Set the MAIL_FROM environment variable", "MAIL_FROM"),
    ("key not found: \"SECRET_KEY_BASE\" (KeyError)", "SECRET_KEY_BASE"),
    ("SECRET_KEY must be set", "SECRET_KEY"),
    ("KeyError: 'name'", ""),
    ("ERROR: relation is missing", ""),
    ("listening on :8000", ""),
])  # fmt: skip
def test_a_variable_that_is_missing(output: str, name: str) -> None:
    assert missing_variable(output) == name


def test_the_cause_is_named_only_if_the_output_shows_it() -> None:
    def refused(output: str) -> tuple[str, str] | None:
        return ("The tool", "0002") if "0002" in output else None

    assert "The tool refuses revision 0002" in start_cause(["web │ what is 0002?"], (), refused)
    assert "the variable MAIL_FROM" in start_cause(["web │ MAIL_FROM must be set"], (), refused)
    assert start_cause(["web │ MAIL_FROM must be set"], {"MAIL_FROM"}, refused) == "", "it is set: another cause"
    assert start_cause(["web │ bye"], (), refused) == ""


def test_telling_lines_are_shown_rather_than_the_last() -> None:
    output = ["web │ starting", "web │ Error: no such table", "web │ stopping", "web │ bye", ""]
    assert telling_lines(output) == ("Error: no such table",)
    assert telling_lines(output[:1]) == ("starting",)
    assert telling_lines([]) == ()
    assert telling_lines([f"error {number}" for number in range(5)]) == ("error 2", "error 3", "error 4")


def test_only_what_migrations_made_can_be_undone() -> None:
    age, index = Difference("added", "column", "public.pets.age"), Difference("changed", "index", "public.pets_name")
    gone = Difference("removed", "column", "public.pets.age")
    other = Difference("removed", "table", "public.old")
    undone, changed = schema_changes((gone, other), (age, index))
    assert undone == ("it undid migrations of the new schema: column public.pets.age removed",)
    assert changed == ("it changed the schema while it ran: table public.old removed",)
    assert schema_changes((), (age,)) == ((), ())
    many = [Difference("added", "table", f"public.t{number}") for number in range(7)]
    assert schema_changes(many, ())[1][0].endswith("table public.t4 added; and 2 more")
