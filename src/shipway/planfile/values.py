"""The single values of a plan: names, durations, sizes, paths, addresses, commands."""

from __future__ import annotations

import posixpath
import re
import shlex
from urllib.parse import SplitResult, urlsplit

from shipway.domain import platform, secret_value
from shipway.domain.refs import parse_range
from shipway.planfile.bounds import BLOCK
from shipway.planfile.kinds import Choice, Number, Several, Text
from shipway.planfile.mappings import ByName, OneOrMapping

NAME_PATTERN = r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$"
NAME_WORDS = "at most 40 lower-case letters, digits and hyphens, a letter first"
VARIABLE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
VARIABLE_WORDS = "letters, digits and underscores, no digit first"
_IMAGE_PATTERN = (
    r"^([A-Za-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+(([._]|__|-+|/)[a-z0-9]+)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
    r"(@sha256:[0-9a-f]{64})?$"
)
_REGISTRY_PATTERN = r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*"
ADDRESS_PARTS = ("url", "host", "port", "user", "password", "database")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"K": 1024, "M": 1024**2, "G": 1024**3}
_LONGEST = 366 * 86400.0
_LARGEST_MEMORY = 64 * 1024**4
_SMALLEST_MEMORY = 6 * 1024**2  # the minimum of Docker Engine


def seconds(text: str) -> float:
    """`250ms`, `30s`, `5m`, `1h`, `7d` in seconds. ValueError for more than a year."""
    number = text.rstrip("msdh")
    found = float(number) * _SECONDS[text[len(number) :]]
    if found > _LONGEST:
        raise ValueError(f"`{text[:20]}` is more than a year")
    return found


def seconds_of_a_day(text: str) -> float:
    """Like `seconds`, at most 24 hours."""
    value = seconds(text)
    if value > 86400:
        raise ValueError(f"`{text}` is more than 24h")
    return value


def seconds_of_ten_minutes(text: str) -> float:
    """Like `seconds`, at most 10 minutes."""
    value = seconds(text)
    if value > 600:
        raise ValueError(f"`{text}` is more than 10m")
    return value


def limit(text: str) -> float:
    """Like `seconds`, in whole milliseconds, at most 24 days: what a database takes."""
    value = round(seconds(text), 3)
    if value > 24 * 86400:
        raise ValueError(f"`{text}` is more than 24d")
    return value


def size(text: str) -> int:
    """`512M`, `1G` in bytes."""
    value = int(text[:-1]) * _BYTES[text[-1]] if len(text) < 18 else _LARGEST_MEMORY + 1
    if value > _LARGEST_MEMORY:
        raise ValueError("is more than 64 TB, which no machine has")
    if value < _SMALLEST_MEMORY:
        raise ValueError(f"`{text}` is less than the minimum for a container")
    return value


def versions(text: str) -> str:
    """A checked range of semantic versions. ValueError if it is invalid."""
    parse_range(text)
    return text


def share(text: str) -> float:
    """`5%` as 0.05."""
    return float(text[:-1]) / 100


def host(text: str) -> str:
    """local, or ssh://[user@]name[:port]."""
    parts = _split(text)
    if text != "local" and (
        parts.scheme != "ssh" or not _valid_host(parts) or parts.path or parts.query or parts.password
    ):
        raise ValueError(f"`{text[:60]}` is not a valid host")
    return text


def shell_words(text: str) -> str:
    """The unchanged text, if a shell can split it."""
    try:
        shlex.split(text)
    except ValueError:
        raise ValueError("has a quotation mark that is not closed") from None
    return text


def public_url(text: str) -> str:
    """The address without a trailing slash."""
    parts = _split(text)
    if parts.scheme not in ("http", "https") or not _valid_host(parts):
        raise ValueError(f"`{text[:60]}` is not a valid address")
    if parts.scheme == "https" and (parts.hostname or "").replace(".", "").isdigit():
        raise ValueError("a certificate requires a host name, not an IP address")
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        raise ValueError("an address has only a host name and a port: paths belong to the `route` of services")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _split(text: str) -> SplitResult:
    """urlsplit, with a ValueError for blanks, which it would drop, and for invalid brackets."""
    if any(char.isspace() for char in text):
        raise ValueError("contains a blank")
    try:
        return urlsplit(text)
    except ValueError:
        raise ValueError(f"`{text[:60]}` is not a valid address") from None


def _valid_host(parts: SplitResult) -> bool:
    try:
        port = parts.port
    except ValueError:  # out of range or not a number
        return False
    labels = (parts.hostname or "").split(".") if len(parts.hostname or "") <= 253 else [""]
    usual = all(label and label.replace("-", "").isalnum() and label.isascii() for label in labels)
    return usual and (port is None or port > 0)


def accessory_url(text: str) -> str:
    """A template with {host}, and with {port} if needed."""
    left = text.replace("{host}", "").replace("{port}", "")
    if "{host}" not in text or "{" in left or "}" in left:
        raise ValueError(f"`{text[:60]}` is not a valid template")
    return text


def address_text(text: str) -> str:
    """The name of a part of an accessory's address, or a text with parts in braces; returned with the braces."""
    if text in ADDRESS_PARTS:
        return f"{{{text}}}"
    named = re.findall(r"\{([^{}]*)\}", text)
    rest = re.sub(r"\{[^{}]*\}", "", text)
    if not named or "{" in rest or "}" in rest:
        raise ValueError(f"`{text[:60]}` has no part in braces")
    if unknown := next((name for name in named if name not in ADDRESS_PARTS), None):
        raise ValueError(f"`{{{unknown[:60]}}}` is not a part of an address")
    return text


def network_range(text: str) -> str:
    """An address or a range of addresses, in the usual form."""
    import ipaddress

    found = ipaddress.ip_network(text)  # its ValueError has the reason
    if found.prefixlen == 0:
        raise ValueError("every client would be trusted: list the addresses of the proxies")
    return str(found)


def host_address(text: str) -> str:
    """A machine's address for published accessories. ValueError for the unspecified address."""
    import ipaddress

    if ipaddress.IPv4Address(text).is_unspecified:  # its ValueError has the reason
        raise ValueError(f"`{text}` would make the accessories public: use an address that only the other hosts reach")
    return text


def cron(text: str) -> str:
    """Five fields as in a crontab, separated by single blanks. ValueError with the wrong field."""
    from shipway.system.cron import require_valid

    require_valid(text)
    return " ".join(text.split())


def time_zone(text: str) -> str:
    """A time zone that this machine knows."""
    from shipway.system.cron import zone

    zone(text)
    return text


def host_name(text: str) -> str:
    """A host name in lower case, without a scheme or a port; its first label may be a wildcard."""
    if "://" in text or "/" in text or ":" in text:
        raise ValueError(f"`{text[:60]}` is more than a host name: scheme and port are those of the `url`")
    if not _valid_host(_split(f"http://{text.removeprefix('*.')}")) or text.replace(".", "").isdigit():
        raise ValueError(f"`{text[:60]}` is not a valid host name")
    return text.lower()


def body_size(text: str) -> int:
    """`100K`, `10M`, `2G` in bytes."""
    return int(text[:-1]) * _BYTES[text[-1]]


def client_range(text: str) -> str:
    """An address or a range of addresses, in the usual form. ValueError for a range of everyone."""
    import ipaddress

    found = ipaddress.ip_network(text)  # its ValueError has the reason
    if found.prefixlen == 0:
        raise ValueError("lets everyone in: leave `allow` out for that")
    return str(found)


def mount(text: str) -> str:
    """An absolute path in the usual form. ValueError for the root, for folders that the kernel or Shipway fills, and for
    what contains one: a volume would keep the secrets' files."""
    path = posixpath.normpath(text)
    real = f"{path}/".replace("/var/run/", "/run/", 1) if path.startswith("/var/run") else f"{path}/"
    if path.strip("/") == "":
        raise ValueError(f"`{text}` is the whole file system")
    for taken in ("/proc/", "/sys/", "/dev/", f"{secret_value.FOLDER}/"):
        if real.startswith(taken) or taken.startswith(real):
            how = "is within" if real.startswith(taken) else "contains"
            raise ValueError(f"`{text}` {how} {taken.rstrip('/')}")
    return path


def cache_folder(text: str) -> str:
    """A folder of a container in the usual form; ~ stays."""
    return f"~{mount(text[1:])}" if text.startswith("~") else mount(text)


def registry_address(text: str) -> str:
    """host[:port][/path]: what the name of an image may begin with, so that credentials for one folder are for no other."""
    if "://" in text:
        raise ValueError(f"write the address without `{text.split('://')[0][:60]}://`")
    if not re.fullmatch(_REGISTRY_PATTERN, text.rstrip("/")):
        raise ValueError(f"`{text[:60]}` is not a valid address: no image's name begins with it")
    return text.rstrip("/")


NAME = Text(NAME_WORDS, NAME_PATTERN)
SERVICE = Text("the name of a service", NAME_PATTERN)
ACCESSORY = Text("the name of an accessory", NAME_PATTERN)
STEP = Text("the name of a step", NAME_PATTERN)
ENVIRONMENT = Text("the name of an environment", NAME_PATTERN)
SECRET = Text("the name of a secret, such as SECRET_KEY", VARIABLE_PATTERN)
VARIABLE = Text("the name of an environment variable, such as DATABASE_URL", VARIABLE_PATTERN)
TEXT = Text("a text in one line", r"^[^\n]*\S[^\n]*$")
SHELL = Text("a shell command", as_written=True, most=BLOCK)
SQL = Text("an SQL statement", most=BLOCK)
COMMAND = Text("a command with its arguments, in one text", convert=shell_words, as_written=True)
SERVER_VERSION = Text("the version of a server, such as 15 or 7.2", r"^[0-9][0-9A-Za-z.]{0,20}$", as_written=True)
VALUE = Text('a text, number, true or false; "" for an empty one', r"^", as_written=True, most=BLOCK)
IMAGE = Text("the name of an image, such as python:3.12-slim", _IMAGE_PATTERN)
FOLDER = Text(
    "a folder of the repository, such as backend, or . for the plan's own",
    r"^(?!/)(\.\./)*(\.\.$|(?!(.*/)?\.\.(/|$)).*\S)",
    posixpath.normpath,
)
PATH = Text(
    "a path in the repository, relative to the plan, such as src/** or ../shared",
    r"^(?!/)(\.\./)*(\.\.$|(?!(.*/)?\.\.(/|$)).*\S)",
)
INSIDE = Text("a path that stays inside its folder, such as dist/app", r"^(?!/)(?!(.*/)?\.\.(/|$)).*\S")
ABSOLUTE = Text("a path in the container, such as /var/lib/data", r"^/[^:]+$")
DATABASE_FILE = Text(
    "a file in a volume of the service, such as /data/app.db",
    r"^/(?!/)(?!(.*/)?\.\.?(/|$))[^:,]+/[A-Za-z0-9][A-Za-z0-9_.-]*$",
    posixpath.normpath,
)
MOUNT = Text("a folder such as /data", r"^/(?!/)(?!(.*/)?\.\.(/|$))[^:,]+$", mount)
CACHE = Text("a folder such as ~/.cache/pip or /root/.npm", r"^~?/(?!/)(?!(.*/)?\.\.(/|$))[^:,~]+$", cache_folder)
URL_PATH = Text("a path in ASCII that begins with /, such as /healthz", r"^/[!\"$-~]*$")
ROUTE = Text(
    "a path that begins with / and doesn't end with one, such as / or /api",
    r"^/([A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*)?$",
)
DURATION = Text("a duration such as 250ms, 30s, 5m, 1h or 7d", r"^(?=.*[1-9])[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$", seconds)
DURATION_OR_NONE = Text("a duration such as 0s, 30s or 5m", r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$", seconds)
LIMIT = Text("a duration such as 500ms or 5s; 0s for none", r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$", limit)
WITHIN_A_DAY = Text(
    "a duration such as 0s, 30s or 2h, at most 24h", r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$", seconds_of_a_day
)
WITHIN_A_DAY_FILLED = Text(
    "a duration such as 30s or 2h, at most 24h", r"^(?=.*[1-9])[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$", seconds_of_a_day
)
SHARE = Text("a share above 0% and below 100%, such as 5%", r"^(?=.*[1-9])[0-9]{1,2}(\.[0-9]+)?%$", share)
SHARE_OR_NONE = Text("a share below 100%, such as 1% or 0%", r"^[0-9]{1,2}(\.[0-9]+)?%$", share)
TIMES = Number("a factor from 1 to 1000, such as 1.5", 1, 1000, fraction=True)
CRON = Text('five fields as in a crontab, such as "0 6 * * 1"', convert=cron)
ZONE = Text("a time zone, such as Europe/Berlin", r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$", time_zone)
RATE = Number("a number of requests a second, from 1 to 1000", 1, 1000, fraction=True)
TEN_MINUTES = Text(
    "a duration such as 60s, at most 10m", r"^(?=.*[1-9])[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$", seconds_of_ten_minutes
)
HEADER_NAME = Text("the name of an HTTP header, such as Content-Security-Policy", r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
COUNT = Number("a whole number from 0 to 10000", 0, 10_000)
HOST = Text("local, or ssh://[user@]name[:port]", convert=host)
HOST_ADDRESS = Text("an IPv4 address, such as 10.0.0.1", r"^([0-9]{1,3}\.){3}[0-9]{1,3}$", host_address)
PROXIES = Text("an address or a range of addresses, such as 10.0.0.0/8", convert=network_range)
SIZE = Text("a size of at least 6M, such as 512M or 1G", r"^[1-9][0-9]*[KMG]$", size)
CONTEXT = Text("the name of a context of kubeconfig", r"^\S(.{0,251}\S)?$")
NAMESPACE = Text("small letters, digits and dashes, at most 63", f"^{platform.NAMESPACE}$")
INGRESS_CLASS = Text("the name of a class of Ingress", r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")
GATEWAY = Text("the name of a Gateway, or NAMESPACE/NAME", f"^{platform.GATEWAY}$")
STORAGE = Text("a size of a volume, such as 20Gi", r"^[1-9][0-9]{0,5}[MGT]i$")
HOST_NAME = Text("a host name, such as www.example.com or *.example.com", r"^\S+$", host_name, most=253)
CLIENTS = Text("an address or a range of addresses, such as 203.0.113.0/24", convert=client_range)
BODY = Text("a size such as 100K, 10M or 2G", r"^[1-9][0-9]{0,8}[KMG]$", body_size)
PORT = Number("a port from 1 to 65535", 1, 65535)
PUBLISHED_PORT = Number("a port from 1024 to 65535", 1024, 65535)
POSITIVE = Number("a whole number from 1 to 10000", 1, 10_000)
RETRIES = Number("a whole number from 0 to 10", 0, 10)
CPUS = Number("a number of processor cores from 0.01 to 4096, such as 0.5", 0.01, 4096, fraction=True)
TRUE = Choice({"true": True})
BRANCH = Text("the name or pattern of a branch, such as main or release/*", r"^(?!-)(?!.*\.\.)[^\s~^:\[\\]{1,200}$")
TAG = Text('a pattern of tags, such as "v*"', r"^(?!-)[^\s~^:\\]{1,200}$")
VERSIONS = Text('a range of versions, such as ">=1.2 <3"', convert=versions)
PUBLIC_URL = Text("http:// or https:// and a host name, such as http://staging.example.com:8080", convert=public_url)
EMAIL = Text("an e-mail address, such as ops@example.com", r"^[^\s@]+@[^\s@]+$")
ACME_SERVER = Text("the https address of an ACME directory", r"^https://[^\s/]+\S*$")
CERTIFICATES = Text("certificates in PEM form", r"^-----BEGIN CERTIFICATE-----", most=BLOCK)
ACCESSORY_URL = Text("a text such as amqp://{host}:{port}", convert=accessory_url)
ADDRESS_TEXT = Text(
    f"one of {', '.join(ADDRESS_PARTS)}; or a text with such parts, like jdbc:postgresql://{{host}}:{{port}}/{{database}}",
    r"^[^\n]*\S[^\n]*$",
    address_text,
)
REGISTRY_ADDRESS = Text("a registry with or without a folder in it, such as ghcr.io/acme", r"^\S+$", registry_address)

# Those of Linux, except those that amount to the whole machine: SYS_ADMIN, SYS_MODULE, SYS_RAWIO, SYS_BOOT, MAC_*, BPF,
# PERFMON.
CAPABILITIES = (
    "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "CHECKPOINT_RESTORE", "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER",
    "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE", "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE",
    "NET_BROADCAST", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT", "SYS_NICE", "SYS_PACCT", "SYS_PTRACE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "SYSLOG", "WAKE_ALARM",
)  # fmt: skip

VARIABLES = ByName(VALUE, VARIABLE_PATTERN, VARIABLE_WORDS, "LOG_LEVEL: info")
FILES = ByName(
    PATH, r"^/(?!/)(?!(.*/)?\.\.?(/|$))[^:,]*[^:,/]$", "the path of a file in the container, such as /etc/app.conf",
    "/etc/nginx/conf.d/default.conf: proxy/site.conf",
)  # fmt: skip
LAID = ByName(
    MOUNT, r"^(?!/)(\.\./)*(\.\.$|(?!(.*/)?\.\.(/|$)).*\S)", "a folder of the repository, such as backend",
    "backend: /app",
)  # fmt: skip
PROVIDED = OneOrMapping(VARIABLE, ByName(ADDRESS_TEXT, VARIABLE_PATTERN, VARIABLE_WORDS, "DB_HOST: host", at_least=1))
HEADERS = ByName(
    Text("the value of a header, in one line and in Latin-1", r"^[ -~\xa0-\xff]+$", as_written=True),
    r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", "the name of an HTTP header", "X-Health: shipway",
)  # fmt: skip
# Those that the edge or the connection sets are not for plans.
RESPONSE_HEADERS = ByName(
    Text("the value of a header, in one line and in Latin-1", r"^[ -~\xa0-\xff]+$", as_written=True),
    r"^(?!(?i:x-shipway-|x-request-id$|connection$|content-length$|transfer-encoding$|set-cookie$))[A-Za-z0-9!#$%&'*+.^_`|~-]+$",
    "the name of a response header that neither the edge nor the connection sets", "X-Frame-Options: DENY",
)  # fmt: skip
SECRETS = Several(SECRET)
