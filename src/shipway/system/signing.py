"""Signatures with ECDSA on P-256 over SHA-256, and keys as PEM: what `cosign` and `openssl` read and write."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING

from shipway.domain.errors import SecretError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

FORMS = (
    "a private key for ECDSA on P-256, as PEM: openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8"
)
ID = 16  # characters of a key's id


def new_key() -> str:
    """A private key, as PEM."""
    from cryptography.hazmat.primitives.asymmetric import ec  # importing it takes longer than a command may

    return _pem(ec.generate_private_key(ec.SECP256R1()))


def private_key(text: str, passphrase: str = "") -> str:
    """The given private key as `new_key` makes them. SecretError if it is none."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if "ENCRYPTED COSIGN PRIVATE KEY" in text or "ENCRYPTED SIGSTORE PRIVATE KEY" in text:
        raise SecretError(
            "private keys that cosign encrypted can't be read",
            hint="`shipway signing create` makes a key here, which `shipway signing show --private` gives to others",
        )
    try:
        found = load_pem_private_key(text.encode(), passphrase.encode() or None)
    except (ValueError, TypeError) as error:
        raise SecretError("that is not a private key, or its passphrase is another one", hint=FORMS) from error
    if not isinstance(found, ec.EllipticCurvePrivateKey) or not isinstance(found.curve, ec.SECP256R1):
        raise SecretError("that is a private key of another kind", hint=FORMS)
    return _pem(found)


def public_of(private: str) -> str:
    """The public part of a private key, as PEM."""
    from cryptography.hazmat.primitives import serialization

    made = _private(private).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return made.public_bytes(serialization.Encoding.PEM, form).decode()


def public_key(text: str) -> str:
    """The given public key, in one form. SecretError if it is none."""
    from cryptography.hazmat.primitives import serialization

    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return _public(text).public_bytes(serialization.Encoding.PEM, form).decode()


def key_id(public: str) -> str:
    """A short name of a key: the begin of the digest of its public part."""
    from cryptography.hazmat.primitives import serialization

    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(_public(public).public_bytes(serialization.Encoding.DER, form)).hexdigest()[:ID]


def sign(private: str, content: bytes) -> str:
    """The signature, as base64."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    return base64.b64encode(_private(private).sign(content, ec.ECDSA(hashes.SHA256()))).decode()


def is_signed(public: str, content: bytes, signature: str) -> bool:
    """Whether it is a signature over that content by that key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        _public(public).verify(base64.b64decode(signature, validate=True), content, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _private(text: str) -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    found = load_pem_private_key(text.encode(), None)
    assert isinstance(found, ec.EllipticCurvePrivateKey)
    return found


def _public(text: str) -> EllipticCurvePublicKey:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        found = load_pem_public_key(text.encode())
    except (ValueError, TypeError) as error:
        raise SecretError("that is not a public key", hint="a public key as PEM, as of `cosign public-key`") from error
    if not isinstance(found, ec.EllipticCurvePublicKey) or not isinstance(found.curve, ec.SECP256R1):
        raise SecretError("that is a public key of another kind", hint="only ECDSA on P-256 is supported")
    return found


def _pem(key: EllipticCurvePrivateKey) -> str:
    from cryptography.hazmat.primitives import serialization

    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, plain).decode()
