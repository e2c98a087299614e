"""The keys of an environment's DNS records and infrastructure."""

from __future__ import annotations

import ipaddress

from shipway.domain import provisioned
from shipway.planfile import values as v
from shipway.planfile.kinds import Choice, Several, Text
from shipway.planfile.mappings import ByName, Record


def address(text: str) -> str:
    """An IP address in the usual form."""
    return str(ipaddress.ip_address(text))  # its ValueError has the reason


def zone(text: str) -> str:
    """The name of a zone: no wildcard, without a dot at the end."""
    found = v.host_name(text.rstrip("."))
    if found.startswith("*"):
        raise ValueError(f"`{text[:60]}` is not a zone")
    return found


ARGUMENT_PATTERN = r"^(?!.*(token|password|secret|api_key|access_key)$)[a-z][a-z0-9_]*$"
SECRET_ARGUMENT_PATTERN = r"^[a-z][a-z0-9_]*$"
ADDRESS = Text("an IP address, such as 203.0.113.7 or 2001:db8::7", convert=address)
SERVER = Text("the address of a server, such as 203.0.113.53 or 127.0.0.1:5353", r"^[0-9a-fA-F:.\[\]]+$")
PROVIDER = Text(
    "powerdns, rfc2136, cloudflare, route53, or a class of octoDNS such as octodns_ovh.OvhProvider",
    r"^(powerdns|rfc2136|cloudflare|route53|octodns_[a-z0-9_]+\.[A-Za-z][A-Za-z0-9]*)$",
)
DNS = Record(
    provisioned.Dns,
    {
        "provider": PROVIDER,
        "zone": Text("the name of a zone, such as example.com", r"^\S+$", zone, most=253),
        "ttl": Text("a duration of whole seconds, such as 60s, 5m or 1h", r"^[1-9][0-9]*(s|m|h|d)$", v.seconds),
        "options": ByName(
            v.VALUE,
            ARGUMENT_PATTERN,
            "arguments of the provider; those that are secrets belong to `secrets`",
            "host: dns.example.com",
        ),
        "secrets": ByName(v.SECRET, SECRET_ARGUMENT_PATTERN, "arguments of the provider", "api_key: DNS_KEY"),
        "addresses": Several(ADDRESS, filled=True),
        "target": v.HOST_NAME,
        "servers": Several(SERVER, filled=True),
        "resolvers": Several(SERVER),
    },
    required=("provider", "zone"),
)
INFRA = Record(
    provisioned.Infra,
    {
        "tool": Choice({"terraform": "terraform", "tofu": "tofu", "cloudformation": "cloudformation", "command": "command"}),
        "folder": v.FOLDER,
        "run": v.SHELL,
        "variables": ByName(v.VALUE, v.VARIABLE_PATTERN, v.VARIABLE_WORDS, "region: fsn1"),
        "secrets": v.SECRETS,
        "outputs": ByName(
            Text("the name of an output, such as database_url", r"^[A-Za-z_][A-Za-z0-9_-]*$"),
            r"^(hosts|addresses|[A-Z_][A-Z0-9_]*)$", "hosts, addresses, or names of secrets", "DATABASE_URL: database_url",
        ),
        "protect": Several(Text("a pattern of resources, such as *.database or aws_db_instance.*", r"^\S+$")),
        "stack": Text("the name of a stack, such as catalogue-production", r"^[A-Za-z][A-Za-z0-9-]{0,127}$"),
        "region": Text("a region of AWS, such as eu-central-1", r"^[a-z]{2}(-[a-z]+)+-[0-9]+$"),
        "template": Text("the name of a file in the folder, such as template.yaml", r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*$"),
        "capabilities": Several(Text("CAPABILITY_IAM, CAPABILITY_NAMED_IAM or CAPABILITY_AUTO_EXPAND", r"^CAPABILITY_(NAMED_IAM|IAM|AUTO_EXPAND)$")),
    },
    required=("tool", "folder"),
)  # fmt: skip
