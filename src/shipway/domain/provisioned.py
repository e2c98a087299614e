"""What a plan says about an environment's DNS records and infrastructure. No part of a release: it is used by an operator's
commands, and only as the rules in force have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from shipway.domain.value import dataclass

TTL = 300.0  # seconds
PUBLIC_RESOLVERS = ("1.1.1.1", "8.8.8.8", "9.9.9.9")
HOSTS, ADDRESSES = "hosts", "addresses"  # outputs that are no secrets
NO_HOST = "ssh://not-created.invalid"  # of an environment whose infrastructure was never applied


@dataclass(frozen=True)
class Dns:
    """`dns` of an environment: where its names are kept, and where they lead."""

    provider: str
    zone: str  # without a dot at the end
    ttl: float = TTL  # seconds
    options: Mapping[str, str] = field(default_factory=dict)  # arguments of the provider
    secrets: Mapping[str, str] = field(default_factory=dict)  # argument: name of a secret
    addresses: tuple[str, ...] = ()  # IP addresses to which the names lead; (): those of the hosts
    target: str | None = None  # a host name to which they lead instead, such as that of a load balancer
    servers: tuple[str, ...] = ()  # authoritative servers to ask; (): those of the zone's NS records
    resolvers: tuple[str, ...] = PUBLIC_RESOLVERS  # public resolvers to ask


@dataclass(frozen=True)
class Infra:
    """`infra` of an environment: the code of its infrastructure, and what Shipway takes from it."""

    tool: str  # name of a driver
    folder: str = ""  # from the root of the repository
    run: str | None = None  # of the tool `command`: by `sh -c`, in the folder
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()  # names of secrets that the tool gets as environment variables
    outputs: Mapping[str, str] = field(
        default_factory=dict
    )  # hosts, addresses, or name of a secret: name of the output
    protect: tuple[str, ...] = ()  # patterns of resources that no plan may destroy without the environment's name typed
    # of the tool `cloudformation`
    stack: str = ""  # its name
    region: str = ""
    template: str = "template.yaml"  # a file in the folder
    capabilities: tuple[str, ...] = ()  # that the template needs, such as CAPABILITY_IAM

    @property
    def variables_of_outputs(self) -> dict[str, str]:
        """Outputs that become secrets of the environment: the secret's name, and the output's."""
        return {name: output for name, output in self.outputs.items() if name not in (HOSTS, ADDRESSES)}
