"""`allowed_signers`: which keys are taken, and whose they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.domain.signers import LARGEST, Signer, SignersFile, SignersProblem, fingerprint, parse, people

ONE, TWO, THREE = "ssh-ed25519 AAAA1", "ecdsa-sha2-nistp256 AAAA2==", "sk-ssh-ed25519@openssh.com AAAA3"


@pytest.mark.parametrize(
    ("line", "signer"),
    [
        (f"ada@x {ONE}", Signer(ONE, ("ada@x",))),
        (f"  Ada@X,ada+ci@x,grace@x \t{ONE} a comment", Signer(ONE, ("ada@x", "ada@x", "grace@x"))),
        (f'"ada@x,grace@x" {TWO}', Signer(TWO, ("ada@x", "grace@x"))),
        (
            f'ada@x namespaces="a,b",valid-before="20300101Z" {THREE}',
            Signer(THREE, ("ada@x",), 'namespaces="a,b",valid-before="20300101Z"'),
        ),
        (f'ada@x namespaces="with blanks" {ONE}', Signer(ONE, ("ada@x",), 'namespaces="with blanks"')),
    ],
)
def test_lines(line: str, signer: Signer) -> None:
    assert parse(f"# team\n\n{line}\n") == [signer]
    (line,) = SignersFile.read("file", line).lines(signer.key)
    assert line.split()[0] == "approver"
    assert line.endswith(signer.key)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (f"ada@x cert-authority {ONE}", "line 2: `cert-authority` is not supported"),
        (f'*@x namespaces="a",CERT-AUTHORITY {ONE}', "line 2: `cert-authority`"),
        (f"*@x {ONE}", r"line 2: `\*@x` is a pattern"),
        (f"ada@x,!eve@x {ONE}", "line 2: `!eve@x` is a pattern"),
        (f"ada@x\x1b[31m {ONE}", "line 2: the identity contains blanks or control characters"),
        (f", {ONE}", "line 2 has no address"),
        ("ada@x ssh-ed25519", "line 2 is not `ADDRESS"),
        (ONE, "line 2 is not `ADDRESS"),
        ("ada@x ssh-ed25519 not-base64!", "line 2 is not `ADDRESS"),
        ("x" * LARGEST, "it has more than"),
    ],
)
def test_what_is_refused(line: str, problem: str) -> None:
    with pytest.raises(SignersProblem, match=problem):
        parse(f"ada@x {TWO}\n{line}\n")


def test_keys_and_addresses_that_meet_are_one_person() -> None:
    first = [Signer(ONE, ("ada@x",)), Signer(TWO, ("bob@x",))]
    assert people([first]) == {ONE: {"ada@x"}, TWO: {"bob@x"}}
    second = [Signer(ONE, ("ada@home",)), Signer(THREE, ("ada@home", "grace@x"))]
    assert people([first, second]) == {
        ONE: {"ada@x", "ada@home", "grace@x"},
        THREE: {"ada@x", "ada@home", "grace@x"},
        TWO: {"bob@x"},
    }
    assert len(set(people([first, second, [Signer("ssh-rsa A", ("grace@x", "bob@x"))]]).values())) == 1


def test_a_file_that_is_not_there_has_no_keys() -> None:
    assert SignersFile.read("main: x", None) == SignersFile("main: x", (), "there is no such file")
    assert fingerprint("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIII").startswith(
        "SHA256:"
    )


@given(
    st.text(max_size=200) | st.from_regex(r'(ada@x|"|\*|,| |ssh-rsa|cert-authority|=|AAAA|\n|#){1,9}', fullmatch=True)
)
def test_any_text_is_read_or_refused(text: str) -> None:
    found = SignersFile.read("file", text)
    lines = [line for signer in found.signers for line in found.lines(signer.key)]
    assert not any("\n" in line or "cert-authority" in line.lower().split(" ")[1].split(",") for line in lines)
    assert not (found.problem and found.signers)
