"""Defaults of the common accessories: port, health check, credentials and the URL that services get."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from shipway.domain.plan import Accessory, Health

PLACEHOLDER = "placeholder"  # for a secret whose value is not known in this place
DEFAULT_PORTS = {"postgres": 5432, "mysql": 3306, "redis": 6379}


def port(accessory: Accessory) -> int:
    """Return the port that the accessory listens on inside its container."""
    return accessory.port or DEFAULT_PORTS[accessory.kind]


def needs_password(accessory: Accessory) -> bool:
    """Whether Shipway generates a password for it."""
    return accessory.kind in ("postgres", "mysql")


def password_in(accessory: Accessory, variables: Mapping[str, str]) -> str | None:
    """Return the password that the accessory's container was created with, read from its variables."""
    return variables.get({"postgres": "POSTGRES_PASSWORD", "mysql": "MYSQL_PASSWORD"}.get(accessory.kind, ""))


def environment(accessory: Accessory, app: str, password: str) -> dict[str, str]:
    """Return the variables of the accessory's own container. The plan's variables take precedence."""
    name = database_name(app)
    known = {
        "postgres": {"POSTGRES_USER": name, "POSTGRES_PASSWORD": password, "POSTGRES_DB": name},
        "mysql": {
            "MYSQL_USER": name, "MYSQL_PASSWORD": password, "MYSQL_DATABASE": name, "MYSQL_RANDOM_ROOT_PASSWORD": "yes",
        },
    }.get(accessory.kind, {})  # fmt: skip
    return {**known, **accessory.environment}


def with_placeholders(accessory: Accessory, app: str, password: str) -> dict[str, str]:
    """Like `environment`, with placeholders for secrets: in a step or a proof no environment provides their values."""
    return {**dict.fromkeys(accessory.secrets, PLACEHOLDER), **environment(accessory, app, password)}


def password_secret(accessory: Accessory) -> str | None:
    """Return the plan's secret that is its user's password, where the plan sets one instead of a generated password."""
    name = {"postgres": "POSTGRES_PASSWORD", "mysql": "MYSQL_PASSWORD"}.get(accessory.kind, "")
    return name if name in accessory.secrets else None


def url(accessory: Accessory, app: str, host: str, password: str, *, published: int | None = None) -> str:
    """Return the URL that a service connects to: the value of the variable named by `provides`. published: the port,
    where it differs from the accessory's own.

    User, password and database name are percent-encoded, since they may contain any character.
    """
    number = published or port(accessory)
    at = f"{host}:{number}"
    match accessory.kind:
        case "postgres":
            own = environment(accessory, app, password)
            user = own["POSTGRES_USER"]
            return f"postgresql://{_part(user)}:{_part(own['POSTGRES_PASSWORD'])}@{at}/{_part(own.get('POSTGRES_DB', user))}"
        case "mysql":
            own = environment(accessory, app, password)
            return (
                f"mysql://{_part(own['MYSQL_USER'])}:{_part(own['MYSQL_PASSWORD'])}@{at}/{_part(own['MYSQL_DATABASE'])}"
            )
        case "redis":
            return f"redis://{at}/0"
        case _:
            return (accessory.url or "").replace("{host}", host).replace("{port}", str(number))


def _part(text: str) -> str:
    return quote(text, safe="")


def client_environment(accessory: Accessory, app: str, host: str, password: str) -> dict[str, str]:
    """Return the variables by which the accessory's own command-line client (psql) finds it."""
    own = environment(accessory, app, password)
    user = own["POSTGRES_USER"]
    return {
        "PGHOST": host, "PGPORT": str(port(accessory)), "PGUSER": user,
        "PGPASSWORD": own["POSTGRES_PASSWORD"], "PGDATABASE": own.get("POSTGRES_DB", user),
    }  # fmt: skip


def health(accessory: Accessory) -> Health:
    """Return the health check of the plan, else the default of the kind."""
    if accessory.health:
        return accessory.health
    match accessory.kind:
        case "postgres":
            # By TCP: while the image initializes, it runs a server that only listens on the socket.
            return Health(command='pg_isready -q -h 127.0.0.1 -U "$POSTGRES_USER"', tcp=True)
        case "redis":
            return Health(command="redis-cli ping | grep -q PONG", tcp=True)
        case "mysql":
            return Health(
                command='mysqladmin ping -h 127.0.0.1 -u "$MYSQL_USER" -p"$MYSQL_PASSWORD" --silent', tcp=True
            )
        case _:
            return Health(tcp=True)


def database_name(app: str) -> str:
    """Return the name of the database and of its user."""
    return app.replace("-", "_")
