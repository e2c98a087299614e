"""Keys and signatures, and what is signed byte by byte."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from shipway.domain.errors import SecretError
from shipway.domain.provenance import ImageBuild
from shipway.system import attestation, signing

IMAGE = "registry.example/shop/web@sha256:" + "a" * 64
PRIVATE = signing.new_key()
PUBLIC = signing.public_of(PRIVATE)


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, passphrase: str = "") -> str:
    how = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )  # fmt: skip
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how).decode()


def test_a_signature_counts_for_its_content_and_key() -> None:
    made = signing.sign(PRIVATE, b"content")
    assert signing.is_signed(PUBLIC, b"content", made)
    assert not signing.is_signed(PUBLIC, b"another", made)
    assert not signing.is_signed(signing.public_of(signing.new_key()), b"content", made)


@given(st.text(max_size=100))
def test_rubbish_is_no_signature(text: str) -> None:
    assert not signing.is_signed(PUBLIC, b"content", text)


def test_keys_of_others() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    plain, locked = pem(key), pem(key, "horse")
    assert signing.private_key(plain) == signing.private_key(locked, "horse")
    assert signing.key_id(signing.public_of(plain)) == signing.key_id(signing.public_key(signing.public_of(plain)))
    older = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()
    assert signing.private_key(older) == signing.private_key(plain)
    for passphrase in ("", "wrong"):
        with pytest.raises(SecretError, match="or its passphrase is another one"):
            signing.private_key(locked, passphrase)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (pem(rsa.generate_private_key(65537, 2048)), "of another kind"),
        (pem(ec.generate_private_key(ec.SECP384R1())), "of another kind"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "not a private key"),
        ("", "not a private key"),
        ("-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED COSIGN PRIVATE KEY-----", "cosign"),
        ("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n", "cosign"),
    ],
)
def test_private_keys_that_are_refused(text: str, why: str) -> None:
    with pytest.raises(SecretError, match=why) as caught:
        signing.private_key(text)
    assert caught.value.hint


def test_public_keys_that_are_refused() -> None:
    other = ec.generate_private_key(ec.SECP384R1()).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    with pytest.raises(SecretError, match="of another kind"):
        signing.public_key(other.public_bytes(serialization.Encoding.PEM, form).decode())
    with pytest.raises(SecretError, match="not a public key"):
        signing.public_key("ssh-ed25519 AAAA")


def test_the_encoding_of_a_statement() -> None:
    """The example of DSSE's specification."""
    kind = "http://example.com/HelloWorld"
    assert attestation.encoded(b"hello world", kind) == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_an_envelope_is_read_as_it_was_written() -> None:
    payload = attestation.statement(IMAGE, attestation.SLSA, {"a": 1})
    found = attestation.read_envelope(attestation.envelope(payload, "c2ln"))
    assert found == attestation.Envelope(payload, ("c2ln",))
    assert attestation.states(payload, IMAGE, attestation.SLSA) == ""
    assert "another kind" in attestation.states(payload, IMAGE, attestation.CYCLONEDX)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["critical", "identity", "image", "type", "payload", "payloadType", "signatures", "subject", "digest", "predicateType"]),
        inner,
        max_size=4,
    ),
    max_leaves=15,
)  # fmt: skip


@given(st.binary(max_size=50) | VALUES.map(lambda data: json.dumps(data).encode()))
def test_rubbish_is_neither_a_claim_nor_a_statement(content: bytes) -> None:
    assert attestation.claims(content, IMAGE)
    assert attestation.states(content, IMAGE, attestation.SLSA)
    assert attestation.read_envelope(content) is None or b"application/vnd.in-toto+json" in content


@pytest.mark.parametrize(
    ("subject", "fits"),
    [
        ([{"name": "registry.example/shop/web", "digest": {"sha256": "a" * 64}}], True),
        ([{"name": "registry.example/shop/web", "digest": {"sha256": "b" * 64}}], False),
        ([{"name": "registry.example/evil", "digest": {"sha256": "a" * 64}}], False),
        ([], False),
        ([{"name": "registry.example/shop/web", "digest": {"sha256": "a" * 64}}, {"name": "more", "digest": {"sha256": "b" * 64}}], False),
        ([{"name": "registry.example/shop/web", "digest": {}}], False),
    ],
)  # fmt: skip
def test_what_a_statement_is_about(subject: object, fits: bool) -> None:
    data = {"predicateType": attestation.SLSA, "subject": subject, "predicate": {}}
    assert (attestation.states(json.dumps(data).encode(), IMAGE, attestation.SLSA) == "") is fits


def test_where_an_image_comes_from() -> None:
    build = ImageBuild(
        "shop", IMAGE, 7, "web", "https://git.example/shop", "c" * 40, "refs/tags/v1", "protected", "sha256:plan", "web",
        "Dockerfile", "", ("A",), (), 0.0, 61.0, "1.2.3",
    )  # fmt: skip
    found = attestation.provenance(build, "ledger")
    assert found["buildDefinition"]["resolvedDependencies"] == [
        {"uri": "git+https://git.example/shop@refs/tags/v1", "digest": {"gitCommit": "c" * 40}}
    ]
    assert found["runDetails"]["metadata"] == {
        "invocationId": "ledger/shop/7", "startedOn": "1970-01-01T00:00:00Z", "finishedOn": "1970-01-01T00:01:01Z",
    }  # fmt: skip
