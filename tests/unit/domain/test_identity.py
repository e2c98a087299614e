"""One person, one form: spelling never makes two people of one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.domain.errors import UsageError
from shipway.domain.identity import LONGEST, author_identity, identity
from shipway.domain.mailmap import Mailmap


@pytest.mark.parametrize(
    "text",
    ["ada@example.org", "ADA@Example.ORG", "  ada@example.org ", "ada+ci@example.org", "ada+a+b@example.org", "Ada Lovelace <ada@example.org>",
     "<Ada+x@example.org>", "ａｄａ@example.org"],
)  # fmt: skip
def test_spellings_of_one_person(text: str) -> None:
    assert identity(text) == "ada@example.org"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("12345+ada@users.forge.example", "ada@users.forge.example"),
        ("+ada@x", "+ada@x"),
        ("ada+@x", "ada+@x"),
        ("ci", "ci"),
        ("Build+Bot", "build+bot"),
    ],
)
def test_other_forms(text: str, form: str) -> None:
    assert identity(text) == form


@pytest.mark.parametrize(
    "text",
    ["", "   ", "<>", "a b@x", "ada@x\n", "ada\t@x", "ada\x00@x", "ada\x1b[31m@x", "ada\u200b@x", "ada\u202e@x", "ada\ufeff@x", "a" * (LONGEST + 1), "ada\udcff@x"],
)  # fmt: skip
def test_what_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"the identity ") as caught:
        identity(text)
    assert "--as" in caught.value.hint
    assert len(caught.value.message) < 2000
    assert caught.value.message.isprintable()


@given(st.text(max_size=400))
def test_of_a_commit_anything_becomes_one_printable_form(text: str) -> None:
    found = author_identity(text)
    assert found
    assert found.replace(" ", "").isprintable()
    assert author_identity(text) == found


@given(st.text(max_size=400) | st.from_regex(r"[0-9a-z+<> ]{1,9}@[x+]", fullmatch=True))
def test_a_form_is_its_own_form(text: str) -> None:
    try:
        found = identity(text)
    except UsageError:
        return
    assert identity(found) == found


MAP = """\
# Ada <no@example.org> <ada@example.org>
Ada Lovelace <ada@example.org>
<ada@example.org> <ada@home.example>
Ada Lovelace <ada@example.org> <ADA@old.example>
Bob <bob@example.org> Robert <shared@example.org>
Eve <eve@example.org> Evelyn <shared@example.org>
no line at all
"""


def test_a_mailmap_tells_who_an_address_is() -> None:
    known = Mailmap.parse(MAP)
    assert known.proper("Ada@Home.example") == "ada@example.org"
    assert known.proper("ada@old.example") == "ada@example.org"
    assert known.proper("shared@example.org", "robert") == "bob@example.org"
    assert known.proper("shared@example.org", "someone") == "shared@example.org"
    assert known.all_of("ada@example.org") == {"ada@example.org", "ada@home.example", "ada@old.example"}
    assert known.all_of("shared@example.org") == {"shared@example.org", "bob@example.org", "eve@example.org"}


def test_a_mailmap_joins_the_addresses_of_an_approver() -> None:
    known = Mailmap.parse(
        MAP + "<ada@example.org> Ada <countess@example.org>\n<countess@example.org> <byron@example.org>\n"
    )
    ada = {"ada@example.org", "ada@home.example", "ada@old.example", "countess@example.org", "byron@example.org"}
    for address in ada:
        assert known.person(address) == ada
    assert known.canonical(ada) == "ada@example.org"
    assert known.person("shared@example.org") == {"shared@example.org"}, "it is two people's"
    assert known.person("bob@example.org") == {"bob@example.org"}
    assert Mailmap.parse("<b@x> <a@x>\n<a@x> <b@x>").canonical({"b@x", "a@x"}) == "a@x"
    one = Mailmap.parse("<bob@x> <robert@x>\n<bob@x> Bob <home@x>\n<robert@x> Robert <home@x>")
    assert one.person("home@x") == {"bob@x", "robert@x", "home@x"}, "both names are one person's"
