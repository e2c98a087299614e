"""Variables of Compose files and of their samples: values, secrets, and settings in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.drafting import env_files, settings
from shipway.drafting.interpolation import expand
from shipway.drafting.variables import Settings, Source, add, masked
from tests.unit.drafting.composed import drafted, write


@pytest.mark.parametrize(
    ("text", "expected", "missing"),
    [
        ("$A-${A}", "1-1", []), ("${B:-x}${B-y}", "x", []), ("${C:-x}", "x", []), ("${C-x}", "x", []), ("${C}", "", ["C"]),
        ("${C:?no}", "", ["C"]), ("${A:+set}${C:+set}", "set", []), ("${C:-${D:-deep}}", "deep", []), ("$$A $1 ${} ${A", "$A $1 ${} ${A", []),
        ("${A^^}", "${A^^}", []), ("${SECRET}", "$SECRET", ["SECRET"]), ("a", "a", []),
    ],
)  # fmt: skip
def test_interpolation(text: str, expected: str, missing: list[str]) -> None:
    found = expand(text, {"A": "1", "B": ""}, lambda name: name == "SECRET")
    assert (found.text, found.missing) == (expected, missing)


def test_defaults_are_better_than_a_samples_values() -> None:
    assert expand("${A:-x} ${A} ${A:-}", {"A": "1"}, sample=True).text == "x 1 1"


@pytest.mark.parametrize(
    ("name", "raw", "source", "value", "secret"),
    [
        ("SENTRY_DSN", "${SENTRY_DSN:-}", Source(), "", False),
        ("API_KEY", "${API_KEY:?required}", Source(), None, True),
        ("API_KEY", "hunter2", Source(), None, True),
        ("TOKEN_EXPIRE_MINUTES", "30", Source(), "30", False),
        ("NEXT_PUBLIC_API_KEY", "abc", Source(), "abc", False),
        ("PASSWORD_FILE", "/run/secrets/x", Source(), "/run/secrets/x", False),
        ("HOOK", "https://u:p@x.example", Source(), None, True),
        ("APP_DBPASS", "hunter2", Source(), None, True),
        ("BASE_URL", "replace-me", Source(), "https://site.invalid", False),
        ("PLACE", "${PLACE}", Source(), None, True),
        ("BUCKET", "your-bucket", Source(), None, True),
        ("SECRET_KEY", "${SECRET_KEY}", Source({"SECRET_KEY": ""}, ".env.example", sample=True), None, True),
        ("STRIPE_API_KEY", "${STRIPE_API_KEY}", Source({"STRIPE_API_KEY": ""}, ".env.example", sample=True), "", False),
        ("LEVEL", "${LEVEL}", Source({"LEVEL": "info"}, ".env", private=True), "info", False),
        ("OWNER", "${OWNER}", Source({"OWNER": "Ada Lovelace"}, ".env", private=True), None, True),
        ("LEVEL", None, Source({"LEVEL": "info"}), "info", False),
    ],
)
def test_values_and_secrets(name: str, raw: str | None, source: Source, value: str | None, secret: bool) -> None:
    settings = Settings()
    add(settings, name, raw, source)
    assert settings.values.get(name) == value
    assert settings.secrets == ([name] if secret else [])


def test_comments_hide_passwords() -> None:
    assert (
        masked("migrate -database postgres://u:hunter2@db/x --password=hunter2 -v")
        == "migrate -database postgres://u:…@db/x --password=… -v"
    )


@pytest.mark.parametrize(
    ("files", "wanted", "found"),
    [
        ({".env": "A=1"}, ".env", ".env"),
        ({".env.example": "A=1", ".env.local": "A=2"}, ".env", ".env.example"),
        ({".env.prod-sample": "A=1", ".env.dev-sample": "A=2"}, ".env.prod", ".env.prod-sample"),
        ({"env.sample": "A=1"}, "docker/.env", "env.sample"),
        ({".envs/.local/.app": "A=1"}, ".envs/.production/.app", ".envs/.local/.app"),
        ({"app.env.dist": "A=1"}, "app.env", "app.env.dist"),
        ({"other.txt": ""}, ".env", None),
    ],
)
def test_what_stands_in_for_a_file_of_settings(
    tmp_path: Path, files: dict[str, str], wanted: str, found: str | None
) -> None:
    assert env_files.read(write(tmp_path, files), wanted).file == found


def test_settings_are_read_as_compose_reads_them(tmp_path: Path) -> None:
    text = "# X=0\nexport A = 'a b' # c\nB=\"x#y\"\nC=z # comment\nD=\nE=a=b\n# DB_PASSWORD=shown\nnot a line\n"
    write(
        tmp_path,
        {".env.example": text, ".gitignore": "*.secret\n!kept.secret\n", "a.secret": "A=1", "kept.secret": "A=1"},
    )
    assert env_files.read(tmp_path, ".env").values == {
        "DB_PASSWORD": "",
        "A": "a b",
        "B": "x#y",
        "C": "z",
        "D": "",
        "E": "a=b",
    }
    assert env_files.read(tmp_path, "a.secret").private
    assert not env_files.read(tmp_path, "kept.secret").private
    assert env_files.read(tmp_path, "../../etc/passwd").file is None


def test_variables_with_the_sites_address_are_those_of_each_environment(tmp_path: Path) -> None:
    compose = """\
services:
  web:
    build: .
    ports: ["8000:80"]
    labels: ["traefik.http.routers.w.rule=Host(`shop.example`)"]
    environment: {BASE: "https://shop.example/x", ALLOWED_HOSTS: "localhost", OTHER: "http://localhost:9999", LOCAL: "http://localhost:8000"}
"""
    plan, _ = drafted(tmp_path, {"compose.yaml": compose})
    assert plan["environments"]["production"]["url"] == "https://shop.example"
    assert plan["environments"]["production"]["environment"] == {
        "BASE": "https://shop.example/x",
        "ALLOWED_HOSTS": "shop.example,localhost",
        "LOCAL": "https://shop.example",
    }
    assert plan["environments"]["staging"]["environment"]["BASE"] == "http://staging.shop.localhost:8080/x"
    assert plan["services"]["web"]["environment"] == {"OTHER": "http://localhost:9999"}


def test_passwords_that_services_know_are_one_secret(tmp_path: Path) -> None:
    compose = """\
services:
  web:
    build: .
    ports: ["80"]
    environment: {DB_HOST: my_db, DB_USER: root, DB_PASSWORD: "${ROOT}", CACHE: "redis://:pw@cache:6379/0", CACHE_PASSWORD: pw, REDIS_HOST: cache}
  my_db: {image: "mysql:8", environment: {MYSQL_ROOT_PASSWORD: "${ROOT}", MYSQL_DATABASE: shop}}
  cache: {image: "redis:7", command: redis-server --requirepass pw}
"""
    plan, text = drafted(tmp_path, {"compose.yaml": compose})
    assert plan["services"]["web"]["environment"] == {
        "DB_HOST": "my-db",
        "CACHE_PASSWORD": "",
        "REDIS_HOST": "cache",
        "DB_USER": "root",
    }
    assert plan["services"]["web"]["secrets"] == ["DB_PASSWORD"]
    assert "DB_PASSWORD  # the same value as MYSQL_ROOT_PASSWORD of my-db" in text
    assert plan["accessories"]["my-db"]["environment"] == {"MYSQL_DATABASE": "shop", "MYSQL_RANDOM_ROOT_PASSWORD": ""}
    assert plan["accessories"]["my-db"]["secrets"] == ["MYSQL_ROOT_PASSWORD"]
    assert plan["accessories"]["cache"] == {"image": "redis:7", "provides": "CACHE"}


def test_equal_variables_are_written_once(tmp_path: Path) -> None:
    variables = ", ".join(f"V{number}: x{number}" for number in range(8))
    compose = f"x-e: &e {{{variables}}}\nservices:\n  web: {{build: ., ports: ['80'], environment: *e}}\n  job: {{build: ., command: python -m job, environment: *e}}\n"
    plan, text = drafted(tmp_path, {"compose.yaml": compose})
    assert text.count("V7: x7") == 1
    assert plan["services"]["job"]["environment"] == plan["services"]["web"]["environment"]


def test_a_key_of_several_lines_is_one_setting() -> None:
    """Its lines may look like others: no part of it becomes a variable of its own."""
    key = "-----BEGIN PRIVATE KEY-----\nMIIEow==\nQIDAQAB=\n-----END PRIVATE KEY-----"
    assert env_files.parse(f'A=1\nKEY="{key}"\nB=2\n') == {"A": "1", "KEY": key, "B": "2"}


def test_settings_name_others_of_their_file() -> None:
    text = "USER=ada\nURL=\"pg://${USER}@$HOST/x\"\nHOST=db\nLATER=$USER@${HOST}\nPLAIN='$USER'\nDEFAULT=${NONE:-x}\n"
    assert env_files.parse(text) == {
        "USER": "ada", "URL": "pg://${USER}@$HOST/x", "HOST": "db", "LATER": "ada@db", "PLAIN": "$USER", "DEFAULT": "x",
    }  # fmt: skip
    assert settings.parse("A=a\nA.B=b\n") == {"A": "a"}
    hidden = "API_KEY=k1\nURL=pg://ada:k2@db\nGREETING=hello-$API_KEY\nCOPY=${URL}\n"
    assert [env_files.parse(hidden)[name] for name in ("GREETING", "COPY")] == ["hello-$API_KEY", "${URL}"]
