"""Passwords (Argon2id) and the signed token of an admin's session."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from itsdangerous import BadSignature, URLSafeTimedSerializer

ADMIN = "admin"  # the name of the user that `seed` makes
SESSION_SECONDS = 8 * 3600

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def check_password(password_hash: str | None, password: str) -> bool:
    """A missing user (no hash) takes as long as a wrong password: the time does not reveal it."""
    if password_hash is None:
        _hasher.hash(password)
        return False
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


class Sessions:
    """Signs and reads session tokens. Every replica with the same key accepts them."""

    def __init__(self, secret_key: str) -> None:
        self._serializer = URLSafeTimedSerializer(secret_key, salt="admin-session")

    def issue(self, user: str) -> str:
        return str(self._serializer.dumps(user))

    def read(self, token: str, max_age: int = SESSION_SECONDS) -> str | None:
        """The user of a token, or None where it is forged, damaged or expired."""
        try:
            return str(self._serializer.loads(token, max_age=max_age))
        except BadSignature:  # an expired signature is one, too
            return None
