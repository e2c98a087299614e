"""THE table of drivers.

To add one: write `drivers/KIND/x.py` with a class that implements the kind's protocol in `shipway.ports`, add its line
here, and run the kind's conformance suite (`shipway.testing.KIND`) on it in `tests/conformance`. A test fails if a
driver is missing here, or a line has no driver.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Mapping
from typing import Any

from shipway.domain.errors import ProofError, UsageError

# kind: name: module and class. Modules are imported on demand.
DRIVERS: Mapping[str, Mapping[str, str]] = {
    "runtime": {
        "docker": "shipway.drivers.runtime.docker:DockerRuntime",
        "swarm": "shipway.drivers.runtime.swarm:SwarmRuntime",
        "engine": "shipway.drivers.runtime.engine:Engine",  # an argument of the other Docker drivers
    },
    "hosts": {"ssh": "shipway.drivers.hosts.ssh:SshHost"},
    "host_setup": {"ssh": "shipway.drivers.host_setup.ssh:SshHostSetup"},
    "images": {
        "docker": "shipway.drivers.images.docker:DockerImages",
        "host": "shipway.drivers.images.host:HostImages",
    },
    "registry": {
        "embedded": "shipway.drivers.registry.embedded:EmbeddedRegistry",
        "remote": "shipway.drivers.registry.remote:RemoteRegistry",
    },
    "scratch": {
        "postgres": "shipway.drivers.scratch.postgres:PostgresScratch",
        "mysql": "shipway.drivers.scratch.mysql:MySqlScratch",
        "sqlite": "shipway.drivers.scratch.sqlite:SqliteScratch",
    },
    "server": {
        "postgres": "shipway.drivers.server.postgres:PostgresServer",
        "mysql": "shipway.drivers.server.mysql:MySqlServer",
        "file": "shipway.drivers.server.sqlite:SqliteServer",
    },
    "dns": {"octodns": "shipway.drivers.dns.octodns:OctoDns"},
    "lookup": {"dns": "shipway.drivers.lookup.dns:DnsQueries"},
    "infra": {
        "terraform": "shipway.drivers.infra.terraform:Terraform",
        "tofu": "shipway.drivers.infra.terraform:Tofu",
        "cloudformation": "shipway.drivers.infra.cloudformation:CloudFormation",
        "command": "shipway.drivers.infra.command:CommandTool",
    },
    "platform": {"kubernetes": "shipway.drivers.platform.kubernetes:Kubernetes"},
    "edge": {"traefik": "shipway.drivers.edge.traefik:TraefikEdge"},
    "cdn": {
        "varnish": "shipway.drivers.cdn.varnish:Varnish",
        "cloudflare": "shipway.drivers.cdn.cloudflare:Cloudflare",
        "fastly": "shipway.drivers.cdn.fastly:Fastly",
        "bunny": "shipway.drivers.cdn.bunny:Bunny",
        "cloudfront": "shipway.drivers.cdn.cloudfront:CloudFront",
        "command": "shipway.drivers.cdn.command:CommandCdn",
    },
    "forge": {
        "github": "shipway.drivers.forge.github:GitHub",
        "gitlab": "shipway.drivers.forge.gitlab:GitLab",
        "gitea": "shipway.drivers.forge.gitea:Gitea",
        "bitbucket": "shipway.drivers.forge.bitbucket:Bitbucket",
    },
    "notifier": {
        "apprise": "shipway.drivers.notifier.apprise:AppriseNotifier",
        "command": "shipway.drivers.notifier.command:CommandNotifier",
    },
    "secrets": {"ledger": "shipway.drivers.secrets.ledger:LedgerSecrets"},
    "secret_provider": {
        "age": "shipway.drivers.secret_provider.age:Age",
        "sops": "shipway.drivers.secret_provider.sops:Sops",
        "environment": "shipway.drivers.secret_provider.variables:Variables",
        "command": "shipway.drivers.secret_provider.command:Command",
        "vault": "shipway.drivers.secret_provider.vault:Vault",
        "aws-secrets": "shipway.drivers.secret_provider.aws:Secrets",
        "aws-parameters": "shipway.drivers.secret_provider.aws:Parameters",
    },
    "project": {
        "work-tree": "shipway.drivers.project.work_tree:WorkTree",
        "bare": "shipway.drivers.project.bare:BareRepository",
        "ledger": "shipway.drivers.project.ledger:LedgerProject",
    },
    "backups": {
        "folder": "shipway.drivers.backups.folder:FolderStore",
        "s3": "shipway.drivers.backups.s3:S3Store",
    },
    "authority": {"acme": "shipway.drivers.authority.acme:AcmeAuthority"},
    "sbom": {"syft": "shipway.drivers.sbom.syft:Syft"},
    "lint": {"squawk": "shipway.drivers.lint.squawk:Squawk"},
    "database": {
        "alembic": "shipway.drivers.database.alembic:Alembic",
        "command": "shipway.drivers.database.command:Command",
        "dbmate": "shipway.drivers.database.dbmate:Dbmate",
        "django": "shipway.drivers.database.django:Django",
        "knex": "shipway.drivers.database.knex:Knex",
        "on-start": "shipway.drivers.database.on_start:OnStart",
        "sequelize": "shipway.drivers.database.sequelize:Sequelize",
        "sql": "shipway.drivers.database.sql:SqlFolder",
        "bare": "shipway.drivers.database.bare:BareFolder",  # for folders without an image; not available in plans
    },
}

# The scratch driver for the scheme of a server's URL.
SCRATCH_SCHEMES: Mapping[str, str] = {
    "postgresql": "postgres",
    "postgres": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
}


def scratch_name(url: str) -> str:
    """The name of the scratch driver for a server. ProofError if there is none for the URL's scheme."""
    scheme = url.partition(":")[0]
    if scheme not in SCRATCH_SCHEMES:
        raise ProofError(
            f"unsupported database: {scheme}", hint="pass a URL such as postgresql://user:password@host:port/name"
        )
    return SCRATCH_SCHEMES[scheme]


def driver(kind: str, name: str) -> Any:
    """The class of a driver. UsageError if the table has no such name."""
    found = DRIVERS.get(kind, {}).get(name)
    if found is None:
        known = ", ".join(sorted(DRIVERS.get(kind, {}))) or "none"
        raise UsageError(f"there is no {kind} driver {name!r}", hint=f"available drivers: {known}")
    module, _, attribute = found.partition(":")
    return getattr(importlib.import_module(module), attribute)


class Lazy:
    """A proxy that creates its driver on first use: a command pays only for what it uses."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        with self._lock:
            if "_made" not in self.__dict__:
                self.__dict__["_made"] = self._make()
        return getattr(self.__dict__["_made"], name)
