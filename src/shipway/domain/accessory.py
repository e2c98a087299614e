"""What Shipway knows about a kind of accessory: its port, health check, credentials, URL, files and versions."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from urllib.parse import quote

from shipway.domain.data_version import Series, Versions
from shipway.domain.errors import SecretError
from shipway.domain.external import parse, problem
from shipway.domain.plan import Accessory, Health
from shipway.domain.value import dataclass
from shipway.domain.volumes import DataFolder

QUOTED = ("user", "password", "database")  # parts of an address that may contain any character
PLACEHOLDER = "placeholder"  # for a secret whose value is not known in this place


@dataclass(frozen=True)
class DatabaseLogin:
    """Where a client finds a database, and who it is there."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)  # of the address, such as sslmode


@dataclass(frozen=True)
class Shell:
    """The interactive client in a server's image. Commands and variables have {host}, {port}, {user}, {password} and
    {database}; a password is never part of a command, which others on the host can read."""

    command: tuple[str, ...]  # arguments of a person follow
    variables: Mapping[str, str] = field(default_factory=dict)
    read_only: Mapping[str, str] | None = None  # further variables for a session that only reads; None: not supported


@dataclass(frozen=True)
class External:
    """What Shipway knows about servers of a kind that run elsewhere."""

    image: str  # with its programs; has {version}
    schemes: tuple[str, ...]  # of its address
    client: Callable[[Mapping[str, str]], Mapping[str, str]]  # variables of its client, by parameters and `scheme`
    shell: Shell | None = None  # None: as of one that Shipway runs
    ping: tuple[str, ...] = ()  # arguments of the shell that show whether the server answers
    pong: str = ""  # part of its answer


@dataclass(frozen=True)
class ChangeLog:
    """What a server needs so that its log of changes can be stored, and any time restored from it."""

    version: int  # the first one
    prevented: tuple[str, ...] = ()  # settings of its command, each NAME=VALUE, with which it keeps none


@dataclass(frozen=True)
class AccessoryKind:
    """One kind of accessory, as a driver describes it. A plan's own values take precedence.

    `user`, `password` and `database` name the variables by which its image creates a user and a database; empty if it
    has neither.
    """

    port: int | None = None  # None: the plan states it
    url: str | None = None  # with {user}, {password}, {host}, {port} and {database}; None: the plan states it
    user: str = ""
    password: str = ""
    database: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)  # that its container needs as well
    setup: Mapping[str, str] = field(
        default_factory=dict
    )  # files of its container, with {user}: the image reads them when
    # it creates the user
    health: str | None = None  # command that fails while it isn't ready; None: its port shows that
    data: DataFolder | None = None
    versions: Versions | None = None  # None: another version can read its files
    shell: Shell | None = None
    external: External | None = None  # None: only the address of an external one is known
    change_log: ChangeLog | None = None  # None: it can't be stored

    def data_folder(self, accessory: Accessory, variables: Mapping[str, str]) -> str | None:
        """Return the folder of its server's files; None if unknown. variables: of the image."""
        return self.data.of(accessory, variables) if self.data else None

    def series(self, image: str, variables: Mapping[str, str]) -> Series | None:
        """Return the version of an image's server; None if unknown, or if files of all versions are the same.
        variables: of the image."""
        return self.versions.of_image(image, variables) if self.versions else None

    def port_of(self, accessory: Accessory) -> int:
        """Return the port that the accessory listens on inside its container."""
        port = accessory.port or self.port
        assert port is not None
        return port

    def health_of(self, accessory: Accessory) -> Health:
        """Return the health check of the plan, else the default of the kind."""
        return accessory.health or Health(command=self.health, tcp=True)

    def password_in(self, variables: Mapping[str, str]) -> str | None:
        """Return the password that the accessory's container was created with, read from its variables."""
        return variables.get(self.password)

    def password_secret(self, accessory: Accessory) -> str | None:
        """Return the plan's secret that is its user's password, where the plan sets one instead of a generated
        password."""
        return self.password if self.password in accessory.secrets else None

    def environment_of(self, accessory: Accessory, app: str, password: str) -> dict[str, str]:
        """Return the variables of the accessory's own container. The plan's variables take precedence."""
        name = database_name(app)
        known = {self.user: name, self.password: password, self.database: name} if self.password else {}
        return {**known, **self.variables, **accessory.environment}

    def setup_of(self, accessory: Accessory, app: str) -> dict[str, str]:
        """Return the files by which the image sets up the user, by path."""
        if not self.setup:
            return {}
        user = self.login_of(accessory, app, "", "").user.replace("'", "''")
        return {path: _filled(text, {"user": user}) for path, text in self.setup.items()}

    def with_placeholders(self, accessory: Accessory, app: str, password: str) -> dict[str, str]:
        """Like `environment_of`, with placeholders for secrets: in a step or a proof no environment provides their
        values."""
        return {
            **dict.fromkeys(accessory.secrets, PLACEHOLDER),
            **self.environment_of(accessory, app, password),
        }

    def login_of(self, accessory: Accessory, app: str, host: str, password: str) -> DatabaseLogin:
        """Return the login of the accessory's own user in its database; only of a kind with a password. password: of an
        external one, its address; SecretError if that is invalid."""
        if accessory.external:
            return self._external(accessory, password)
        if accessory.file:
            return DatabaseLogin("", 0, "", "", accessory.file.path)
        own = self.environment_of(accessory, app, password)
        return DatabaseLogin(host, self.port_of(accessory), own[self.user], own[self.password], own[self.database])

    def with_user(self, accessory: Accessory, name: str) -> Accessory:
        """Return the accessory with another user, as whom its URL and login then connect."""
        return dataclasses.replace(accessory, environment={**accessory.environment, self.user: name})

    def with_database(self, accessory: Accessory, name: str) -> Accessory:
        """Return the accessory with another database, to which its URL and login then lead."""
        return dataclasses.replace(accessory, environment={**accessory.environment, self.database: name})

    def url_of(self, accessory: Accessory, app: str, host: str, password: str, *, published: int | None = None) -> str:
        """Return the URL that a service connects to: the value of the variable named by `provides`. published: the
        port, where it differs from the accessory's own.

        User, password and database name are percent-encoded, since they may contain any character.
        """
        parts = self._login(accessory, app, host, password)
        parts |= {"port": str(published)} if published else {}
        quoted = {name: value if name in ("host", "port") else quote(value, safe="") for name, value in parts.items()}
        return _filled((accessory.url or "") if self.url is None else self.url, quoted)

    def provided_by(
        self, accessory: Accessory, app: str, host: str, password: str, *, published: int | None = None
    ) -> dict[str, str]:
        """Return the variables that lead services and steps to the accessory; arguments as of `url_of`.

        In a text that is an address (it has `://`), user, password and database name are percent-encoded; elsewhere they
        are as they are.
        """
        port = str(published or self.port_of(accessory))
        plain = {**self._login(accessory, app, host, password), "port": port}
        if "url" in self.parts_of(accessory):
            plain["url"] = self.url_of(accessory, app, host, password, published=published)
        quoted = {**plain, **{name: quote(plain[name], safe="") for name in QUOTED if name in plain}}
        return {name: _filled(text, quoted if "://" in text else plain) for name, text in provided(accessory).items()}

    def parts_of(self, accessory: Accessory) -> tuple[str, ...]:
        """Return the names of the parts that a text of `provides` can have."""
        url = ("url",) if self.url is not None or accessory.url else ()
        return (*url, "host", "port", *(QUOTED if self.password else ()))

    def shell_of(
        self, accessory: Accessory, app: str, host: str, password: str, *, read_only: bool = False
    ) -> tuple[tuple[str, ...], dict[str, str]] | None:
        """Return the command and the variables of its interactive client; None if it is unknown, or can't be limited to
        reading."""
        shell = self.shell_for(accessory)
        if shell is None or (read_only and shell.read_only is None):
            return None
        parts = self._login(accessory, app, host, password)
        variables = {name: _filled(value, parts) for name, value in shell.variables.items()}
        if accessory.external:
            assert self.external is not None
            found = parse(password)
            variables |= self.external.client({"scheme": found.scheme, **found.parameters})
        return (
            tuple(_filled(word, parts) for word in shell.command),
            {**variables, **((shell.read_only or {}) if read_only else {})},
        )

    def shell_for(self, accessory: Accessory) -> Shell | None:
        """Return its interactive client; None if it is unknown."""
        return (self.external and accessory.external and self.external.shell) or self.shell

    def problem(self, address: str) -> str:
        """Return why this can't be the address of an external one, without a part of it; empty if it can."""
        return problem(address, self.external.schemes if self.external else (), login=bool(self.password))

    def _external(self, accessory: Accessory, address: str) -> DatabaseLogin:
        if why := self.problem(address):
            raise SecretError(
                f"the address of {accessory.name} in the secret {accessory.external} can't be used: {why}",
                hint=f"set it again: shipway secret set ENVIRONMENT {accessory.external}",
            )
        found = parse(address)
        port = found.port or self.port or 0
        return DatabaseLogin(found.hosts, port, found.user, found.password, found.database, found.parameters)

    def _login(self, accessory: Accessory, app: str, host: str, password: str) -> dict[str, str]:
        if not self.password and accessory.in_container:
            return {"host": host, "port": str(self.port_of(accessory)), "user": "", "password": "", "database": ""}
        login = self.login_of(accessory, app, host, password)
        return {
            "host": login.host, "port": str(login.port), "user": login.user, "password": login.password,
            "database": login.database,
        }  # fmt: skip


def _filled(text: str, parts: Mapping[str, str]) -> str:
    """All parts at once: a value may look like another part."""
    return re.sub(r"\{(\w+)\}", lambda found: parts.get(found[1], found[0]), text)


Kinds = Mapping[str, AccessoryKind]  # by name, as in `kind` of an accessory


def provided(accessory: Accessory) -> dict[str, str]:
    """Return the variables of services and steps that lead to the accessory, each with its text, whose {parts} are
    replaced."""
    return {**({accessory.provides: "{url}"} if accessory.provides else {}), **accessory.forms}


def database_name(app: str) -> str:
    """Return the name of the database and of its user."""
    return app.replace("-", "_")
