"""Variables of services that hold an accessory's address, or a part of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from shipway.domain.value import dataclass
from shipway.drafting.compose_parts import Part, Reading
from shipway.drafting.draft import AccessoryDraft, ServiceDraft, address_form
from shipway.drafting.interpolation import expand
from shipway.drafting.variables import Settings, Source, is_secret

_URL = re.compile(
    r"(?P<scheme>(?:jdbc:)?[a-z][a-z0-9+.-]*)://(?:(?P<user>[^:@/]*)(?::(?P<password>[^@/]*))?@)?(?P<host>[\w.-]+)"
    r"(?::(?P<port>\d+))?(?P<path>/[^?]*)?(?:\?(?P<query>.*))?"
)
_KEEPERS = {"postgres": ("postgres", "postgresql"), "mysql": ("mysql", "mariadb")}
PASSWORDS = {"postgres": ("POSTGRES_PASSWORD",), "mysql": ("MYSQL_PASSWORD", "MARIADB_PASSWORD")}
_ROOT = ("MYSQL_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD")
_USUAL = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "AMQP_URL", "MONGO_URL", "MONGODB_URI")
_DRIVER = re.compile(r"[a-z]+\+[a-z0-9]+")  # of a scheme with a driver in it, as SQLAlchemy reads it
_HARMLESS = re.compile(
    r"^(schema=public|sslmode=(disable|prefer|allow)|charset=utf8\w*|serverVersion=.*|pgbouncer=.*)$"
)


@dataclass(frozen=True)
class Address:
    """A variable's value that begins with a scheme and has an accessory as its host."""

    accessory: AccessoryDraft
    scheme: str
    user: str
    password: str
    port: str
    path: str
    query: str

    @property
    def provided(self) -> bool:
        """Whether Shipway can provide this value."""
        kind = self.accessory.kind
        if kind in _KEEPERS:
            return self.scheme in _KEEPERS[kind]
        if kind == "redis":
            return self.scheme == "redis" and self.path in ("", "/", "/0") and not self.query
        return not self._own_user

    @property
    def _own_user(self) -> bool:
        return bool(self.password) and (self.user, self.password) != ("guest", "guest")

    def literal(self) -> str:
        """The value with the accessory's name in the plan; empty if it has a password that matters."""
        kind = self.accessory.kind
        if kind in _KEEPERS or (kind == "other" and self._own_user):
            return ""
        login = "guest:guest@" if kind == "other" and self.password else ""
        return f"{self.scheme}://{login}{self.accessory.name}{self.port and ':' + self.port}{self.path}{self.query and '?' + self.query}"

    def template(self) -> str:
        """The format of the address, for an accessory of kind other."""
        login = f"{self.user}:{self.password}@" if self.password else ""
        return f"{self.scheme}://{login}{{host}}:{{port}}{self.path}{self.query and '?' + self.query}"


def read(reading: Reading, value: str) -> Address | None:
    """The address in a value; None if it is another one."""
    match = _URL.fullmatch(value.strip())
    accessory = reading.accessories.get(match["host"]) if match else None
    if match is None or accessory is None:
        return None
    parts = {key: text or "" for key, text in match.groupdict().items()}
    return Address(accessory, *(parts[key] for key in ("scheme", "user", "password", "port", "path", "query")))


def choose(reading: Reading, parts: list[Part]) -> None:
    """Let each accessory provide the variable that most services read its address from."""
    votes: dict[str, Counter[str]] = {name: Counter() for name in reading.accessories}
    examples: dict[tuple[str, str], tuple[Address, str]] = {}
    for part in parts:
        for name, value in reading.texts(part).items():
            address = read(reading, value)
            if address is None:
                continue
            known = next(key for key, item in reading.accessories.items() if item is address.accessory)
            if address.provided or address.accessory.kind in _KEEPERS:
                votes[known][name] += 1 + 100 * address.provided
                examples.setdefault((known, name), (address, part.name))
    for known, accessory in reading.accessories.items():
        taken = {item.provides for item in reading.accessories.values()}
        usual = sorted(votes[known].items(), key=lambda item: (-item[1], item[0] not in _USUAL))
        chosen = next((item for item, _ in usual if item not in taken), None)
        if chosen is None or re.fullmatch(r"[A-Za-z_]\w*", chosen) is None:
            continue
        address, service = examples[known, chosen]
        accessory.provides = chosen
        accessory.why.append(f"{chosen} of {reading.names[service]} is its address")
        if accessory.kind == "other" and (address.port or address.path) and "{" not in address.path + address.query:
            accessory.url = address.template()


def take(reading: Reading, part: Part, draft: ServiceDraft, settings: Settings) -> set[str]:
    """Settle the variables that are addresses, or parts of one; returns their names."""
    taken: set[str] = set()
    found = reading.variables(part)
    hosts = list(_hosts(reading, part))
    parts_of = {key for _, item in hosts for key in _own_names(reading, item)}
    for name, (raw, source, foreign) in found.items():
        value = reading.text(name, raw, source)
        address = read(reading, value)
        if address is not None:
            _address(draft, settings, name, address)
            taken.add(name)
        elif any(name == host for host, _ in hosts):
            settings.value(name, _renamed(reading, value))
            for _, accessory in hosts:
                accessory.provides = accessory.provides or ""
            taken.add(name)
        elif foreign and name in parts_of and not is_secret(name):
            settings.value(name, value)
            taken.add(name)
        elif is_secret(name) and _password(reading, name, raw, source, hosts, settings):
            taken.add(name)
    _files(reading, part)
    for name, accessory in hosts:
        if (
            accessory.kind in _KEEPERS
            and not accessory.secrets
            and not (accessory.provides and accessory.provides in found)
        ):
            settings.todo.append(
                f"{name}: Shipway generates the password of {accessory.name}; read it from the address that it provides"
            )
    return taken


def _files(reading: Reading, part: Part) -> None:
    """A password that both an accessory and a service read from the same secret of Compose."""
    files = {str(item.get("source") if isinstance(item, dict) else item) for item in part.raw.get("secrets") or []}
    for known, accessory in reading.accessories.items():
        own = reading.texts(reading.parts[known])
        for key in (*PASSWORDS.get(accessory.kind, ()), *(_ROOT if accessory.kind == "mysql" else ())):
            file = own.get(f"{key}_FILE", "").rpartition("/")[2]
            if file and file in files:
                root = key in _ROOT and not any(f"{item}_FILE" in own for item in PASSWORDS["mysql"])
                name = _keep_password(accessory, root=root)
                accessory.because[name] = f"the same value as {re.sub(r'[-.]', '_', file)}, which services read"


def _address(draft: ServiceDraft, settings: Settings, name: str, address: Address) -> None:
    accessory = address.accessory
    if accessory.provides == name and address.provided:
        _query(settings, name, address)
    elif accessory.provides == name and _DRIVER.fullmatch(address.scheme):
        accessory.forms[name] = address_form(address.scheme)
        _query(settings, name, address)
    elif accessory.provides == name:
        given = "postgresql" if accessory.kind == "postgres" else "mysql"
        settings.todo.append(f"{name} began with {address.scheme}://; Shipway provides {given}://")
    elif address.literal():
        accessory.provides = accessory.provides or ""
        settings.value(name, address.literal(), f"{accessory.name} is reached by its name")
    else:
        accessory.provides = accessory.provides or ""
        if accessory.kind in _KEEPERS:
            settings.todo.append(f"{name}: {accessory.name} provides {accessory.provides}; read that variable instead")
        _keep_password(accessory)
        settings.secret(name, f"an address of {accessory.name}, with its password")


def _query(settings: Settings, name: str, address: Address) -> None:
    """Parameters that the address had, and that the provided one lacks."""
    lost = [item for item in address.query.split("&") if item and not _HARMLESS.match(item)]
    if lost and address.accessory.kind in _KEEPERS:
        settings.todo.append(f"{name} had {'&'.join(lost)} in it, which the address that Shipway provides lacks")
    if "sslmode=disable" in address.query.split("&"):
        settings.value("PGSSLMODE", "disable", f"sslmode of {name}")


def _hosts(reading: Reading, part: Part) -> Iterator[tuple[str, AccessoryDraft]]:
    """Variables with only the host of an accessory, as in DB_HOST, or a list of them with ports."""
    for name, value in reading.texts(part).items():
        words = [item.rpartition(":")[0] if re.search(r":\d+$", item) else item for item in value.split(",")]
        if words and all(word in reading.accessories for word in words):
            yield name, reading.accessories[words[0]]


def _own_names(reading: Reading, accessory: AccessoryDraft) -> set[str]:
    return {
        key
        for known, item in reading.accessories.items()
        if item is accessory
        for key in reading.variables(reading.parts[known])
    }


def _renamed(reading: Reading, value: str) -> str:
    return re.sub(r"[\w.-]+", lambda match: reading.names.get(match[0], match[0]), value)


def _password(
    reading: Reading,
    name: str,
    raw: str | None,
    source: Source,
    hosts: list[tuple[str, AccessoryDraft]],
    settings: Settings,
) -> bool:
    """Whether the variable is the password of an accessory: then both get the same secret."""
    value = reading.text(name, raw, source)
    for known, accessory in reading.accessories.items():
        own = reading.variables(reading.parts[known])
        for key in (*PASSWORDS.get(accessory.kind, ()), *(_ROOT if accessory.kind == "mysql" else ())):
            if key not in own:
                continue
            other, place, _ = own[key]
            reached = [host for host, item in hosts if item is accessory]
            same = _same(name, raw, value, other, reading.text(key, other, place))
            alike = any(name.rpartition("_")[0] == host.rpartition("_")[0] for host in reached)
            if (same and (reached or name == key)) or (alike and key in PASSWORDS[accessory.kind]):
                wanted = _keep_password(accessory, root=key in _ROOT and not _both(own))
                settings.secret(name, "" if name == wanted else f"the same value as {wanted} of {accessory.name}")
                return True
        if accessory.kind == "redis" and _requires(reading.parts[known], name, value):
            settings.value(name, "", f"{accessory.name} has no password: only this environment's services reach it")
            return True
    return False


def _same(name: str, raw: str | None, value: str, other: str | None, password: str) -> bool:
    """Whether two variables have one value: they refer to the same variable, or they have the same text and are passwords."""
    names, others = (set(expand(text or "", {}).names) for text in (raw, other))
    if names or others:
        return names == others
    return value == password and value != "" and re.search(r"PASS|PWD", name) is not None


def _both(own: dict[str, tuple[str | None, Source, bool]]) -> bool:
    return any(key in own for key in PASSWORDS["mysql"])


def _requires(part: Part, name: str, value: str) -> bool:
    match = re.search(r"--requirepass[= ]+[\"']?(\S+?)[\"']?(\s|$)", part.command)
    return match is not None and (match[1] in (f"${name}", value) or name == "REDIS_PASSWORD")


def _keep_password(accessory: AccessoryDraft, *, root: bool = False) -> str:
    """Let the plan's secret be the accessory's password, which services then know; returns its name."""
    known = PASSWORDS.get(accessory.kind)
    if known is None:
        return ""
    name = _ROOT[0] if root else known[0]
    if name not in accessory.secrets:
        accessory.secrets.append(name)
        accessory.because.setdefault(name, "services read it too")
    if root:
        accessory.environment["MYSQL_RANDOM_ROOT_PASSWORD"] = ""
    return name
