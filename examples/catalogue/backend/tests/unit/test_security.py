from catalogue.security import Sessions, check_password, hash_password


def test_only_the_right_password_passes() -> None:
    password_hash = hash_password("correct horse")
    assert password_hash.startswith("$argon2id$")
    assert check_password(password_hash, "correct horse")
    assert not check_password(password_hash, "wrong horse")


def test_a_missing_user_and_a_damaged_hash_never_pass() -> None:
    assert not check_password(None, "")
    assert not check_password("not a hash", "not a hash")


def test_a_session_is_read_by_every_replica_with_the_key() -> None:
    token = Sessions("one key").issue("admin")
    assert Sessions("one key").read(token) == "admin"


def test_foreign_damaged_and_expired_sessions_are_refused() -> None:
    sessions = Sessions("one key")
    token = sessions.issue("admin")
    assert Sessions("another key").read(token) is None
    assert sessions.read(token[:-2]) is None
    assert sessions.read("") is None
    assert sessions.read(token, max_age=-1) is None
