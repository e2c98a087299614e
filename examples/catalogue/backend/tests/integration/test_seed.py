import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from catalogue import seed
from catalogue.models import Category, Item, User


def counts(engine: Engine) -> list[int]:
    with Session(engine) as session:
        return [
            session.scalar(select(func.count()).select_from(table)) or 0
            for table in (User, Category, Item)
        ]


def test_seeding_twice_is_seeding_once(empty: None, engine: Engine) -> None:
    assert seed.main() == 0
    once = counts(engine)
    assert once[0] == 1
    assert min(once) > 0
    assert seed.main() == 0
    assert counts(engine) == once


@pytest.mark.parametrize("password", [None, "", "  "])
def test_a_blank_password_seeds_nothing(
    empty: None,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    password: str | None,
) -> None:
    if password is None:
        monkeypatch.delenv("ADMIN_PASSWORD")
    else:
        monkeypatch.setenv("ADMIN_PASSWORD", password)
    assert seed.main() == 2
    assert "ADMIN_PASSWORD is missing or blank" in caplog.text
    assert counts(engine) == [0, 0, 0]


def test_a_changed_password_replaces_the_old_one(
    admin: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADMIN_PASSWORD", "a new one")
    assert seed.main() == 0
    login = {"name": "admin", "password": "a new one"}
    assert admin.post("/api/admin/login", json=login).status_code == 200
    login["password"] = "integration-test"
    assert admin.post("/api/admin/login", json=login).status_code == 401
