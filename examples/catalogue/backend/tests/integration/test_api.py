import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from catalogue.app import create_app


def test_healthz_is_ready_with_both(client: TestClient) -> None:
    answer = client.get("/api/healthz")
    assert answer.status_code == 200
    assert set(answer.json()["checks"].values()) == {"ok"}


@pytest.mark.parametrize(
    ("variable", "address", "culprit"),
    [
        ("DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/c", "database"),
        ("REDIS_URL", "redis://127.0.0.1:1/0", "cache"),
    ],
)
def test_healthz_names_what_does_not_answer(
    empty: None, monkeypatch: pytest.MonkeyPatch, variable: str, address: str, culprit: str
) -> None:
    monkeypatch.setenv(variable, address)
    with TestClient(create_app()) as client:
        answer = client.get("/api/healthz")
    assert answer.status_code == 503
    failed = {name for name, outcome in answer.json()["checks"].items() if outcome != "ok"}
    assert failed == {culprit}
    assert "secret" not in answer.text


def test_without_the_database_the_api_answers_503(
    empty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@127.0.0.1:1/c")
    with TestClient(create_app()) as client:
        assert client.get("/api/items").status_code == 503


def test_version_names_the_schema(client: TestClient, engine: Engine) -> None:
    with engine.connect() as connection:
        head = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    assert client.get("/api/version").json() == {
        "version": "v0.0.1",
        "revision": "integration-test",
        "schema_revision": head,
    }


def test_log_in_needs_the_right_password(admin: TestClient) -> None:
    for name, password in [("admin", "wrong"), ("unknown", "integration-test")]:
        answer = admin.post("/api/admin/login", json={"name": name, "password": password})
        assert answer.status_code == 401
        assert "token" not in answer.text


@pytest.mark.parametrize("header", ["", "Bearer forged"])
def test_writing_needs_a_session(client: TestClient, header: str) -> None:
    client.headers["Authorization"] = header
    assert client.post("/api/categories", json={"name": "X"}).status_code == 401
    assert client.post("/api/items", json={"category": "x", "name": "X"}).status_code == 401


def test_a_new_category_and_item_are_listed_at_once(admin: TestClient) -> None:
    admin.get("/api/categories")
    admin.get("/api/items")  # both lists are in the cache now
    made = admin.post("/api/categories", json={"name": "Attic finds", "description": "Odd."})
    assert made.status_code == 201
    assert made.json()["slug"] == "attic-finds"
    assert made.json() in admin.get("/api/categories").json()

    item = {"category": "attic-finds", "name": "Lamp", "description": "Still works."}
    made = admin.post("/api/items", json=item)
    assert made.status_code == 201
    assert item.items() <= made.json().items()
    assert admin.get("/api/items").json()[0] == made.json()
    assert admin.get("/api/items", params={"category": "attic-finds"}).json() == [made.json()]


def test_what_cannot_be_added_says_why(admin: TestClient) -> None:
    garden = {"category": "garden", "name": "Rake"}
    assert admin.post("/api/items", json=garden).status_code == 201
    again = admin.post("/api/items", json=garden)
    assert again.status_code == 409
    assert "Rake" in again.json()["detail"]
    assert admin.post("/api/categories", json={"name": "garden"}).status_code == 409
    nowhere = admin.post("/api/items", json={"category": "nowhere", "name": "Rake"})
    assert nowhere.status_code == 422
    assert "nowhere" in nowhere.json()["detail"]


def test_a_list_comes_from_the_cache_the_second_time(admin: TestClient) -> None:
    answers = [admin.get("/api/items", params={"category": "garden"}) for _ in range(2)]
    assert [answer.headers["X-Cache"] for answer in answers] == ["miss", "hit"]
    assert answers[0].json() == answers[1].json()
    assert len(answers[0].json()) == 3
