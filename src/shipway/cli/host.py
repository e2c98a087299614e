"""`shipway host`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, for_programs, say, style

if TYPE_CHECKING:
    from shipway.actions.upkeep.host_setup import PreparedHost
    from shipway.context import Context
    from shipway.domain.host_setup import HostKey


@click.group()
def host() -> None:
    """Prepare the hosts of an environment, and check them. TARGET is an environment with `hosts`, as on the
    protected branch, or a host as a plan names it: ssh://[user@]name[:port]. Deployments log in as that user, and these commands as --login."""


def host_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of both commands. What is chosen is recorded on the host, as the default of the next call."""
    for option in reversed((
        click.option("--login", default="root", metavar="USER", help="Who examines and changes the host [root]"),
        click.option("--ask-password", is_flag=True, help="Ask for the login's password, where its sudo needs one"),
        click.option("--user", default="", metavar="USER", help="The deploy user [that of TARGET, or of ~/.ssh/config]"),
        click.option("--key", "keys", multiple=True, metavar="FILE", help="Public key of the deploy user [those of this machine's SSH]"),
        click.option("--port", "ports", multiple=True, metavar="PORT", help="Port to leave open, instead of 80/tcp, 443/tcp and 443/udp; that of the environment's url and that of SSH are always open"),
        click.option("--trust", "trusted", multiple=True, metavar="NETWORK", help="Network, such as 10.0.0.0/16, that reaches every port"),
        click.option("--swap", metavar="SIZE", help="Size of the swap file where there is no swap [2g]; 0: none"),
        click.option("--without", multiple=True, metavar="PART", help="Leave a part alone: packages, engine, user, upgrades, time, swap, firewall, ssh, disk"),
        click.option("--accept-key", "accepted", multiple=True, metavar="FINGERPRINT", help="The host's key (SHA256:…), for the first contact without a question"),
        app_option,
    )):  # fmt: skip
        command = option(command)
    return command


@host.command()
@click.argument("target", metavar="TARGET")
@click.option("--dry-run", is_flag=True, help="Only print what would change")
@click.option("--yes", is_flag=True, help="Do it without a question")
@host_options
@click.pass_obj
def prepare(options: Globals, /, target: str, dry_run: bool, yes: bool, **chosen: Any) -> None:
    """Make a bare Debian or Ubuntu a host for deployments: Docker Engine with rotated logs, a deploy user, firewall,
    unattended upgrades, time synchronization, swap, and a hardened SSH server. Prints what would change and asks; a second
    call changes nothing."""
    import sys

    from shipway.actions.upkeep.host_setup import prepare as prepare_action
    from shipway.domain.errors import UsageError

    with _opened(options, target, **chosen) as (ctx, hosts):
        _print(hosts)
        if dry_run or all(item.plan.prepared for item in hosts):
            return
        if any(item.plan.changes for item in hosts) and not yes and not _blocked(hosts):
            if not sys.stdin.isatty():
                raise UsageError(
                    "nothing was changed: there is no terminal to confirm it",
                    hint="pass --yes to proceed, or --dry-run",
                )
            if not click.confirm("proceed?", err=True):
                return
        after = prepare_action(ctx, hosts)
        _print(after)


@host.command()
@click.argument("target", metavar="TARGET")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@host_options
@click.pass_obj
def check(options: Globals, /, target: str, as_json: bool, **chosen: Any) -> None:
    """Compare a prepared host with what `shipway host prepare` would make of it. The exit code is 16 if it differs."""
    import dataclasses
    import json

    from shipway.domain.count import counted
    from shipway.domain.errors import DriftFound

    with _opened(options, target, **chosen) as (_, hosts):
        if as_json:
            say(json.dumps([{"host": item.name, **dataclasses.asdict(item.plan)} for item in hosts], indent=2))
        else:
            _print(hosts)
        differing = [item for item in hosts if not item.plan.prepared]
        if differing:
            hint = f"`shipway host prepare {target}` repairs it" if any(item.plan.changes for item in differing) else ""
            count = sum(len(item.plan.changes) + len(item.plan.problems) for item in differing)
            raise DriftFound(f"{counted(count, 'difference')} found", hint=hint)


@contextmanager
def _opened(
    options: Globals, target: str, *, login: str, user: str, keys: Sequence[str], ports: Sequence[str],
    trusted: Sequence[str], swap: str | None, without: Sequence[str], accepted: Sequence[str], app: str | None, ask_password: bool,
) -> Iterator[tuple[Context, list[PreparedHost]]]:  # fmt: skip
    from shipway.actions.provisioning.in_force import governed
    from shipway.actions.upkeep.host_setup import chosen_by, examined, hosts_of
    from shipway.app import open_context, plan_parser

    chosen = _chosen(ports, trusted, swap, without)
    lines = tuple(line for file in keys for line in _public_keys(file))
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        if "://" in target:
            names = [target]
        else:
            # Root's commands and open ports are never as an unmerged commit has them.
            environment = governed(ctx, options.known_app(ctx, app), plan_parser(ctx), target).environment
            names = hosts_of(environment)
            chosen = chosen_by(environment) | chosen
        password = click.prompt(f"password of {login}", hide_input=True, err=True) if ask_password else ""
        trust = _trust(accepted, several=len(names) > 1)
        with examined(ctx, names, login, chosen, trust, user=user, keys=lines, password=password) as hosts:
            yield ctx, hosts


def _chosen(ports: Sequence[str], trusted: Sequence[str], swap: str | None, without: Sequence[str]) -> dict[str, Any]:
    import re

    from shipway.domain.errors import UsageError
    from shipway.domain.host_setup import PARTS, is_network, is_port

    ports = [port if "/" in port else f"{port}/tcp" for port in ports]
    if wrong := [port for port in ports if not is_port(port)]:
        raise UsageError(f"--port {wrong[0]}: not a port", hint="write 8080 or 8080/tcp")
    if wrong := [item for item in trusted if not is_network(item)]:
        raise UsageError(f"--trust {wrong[0]}: not a network", hint="write an address or a network such as 10.0.0.0/16")
    if wrong := [item for item in without if item not in PARTS or item == "record"]:
        raise UsageError(f"--without {wrong[0]}: there is no such part", hint=f"one of: {', '.join(PARTS)}")
    if swap and not re.fullmatch(r"0|[0-9]{1,5}[mg]", swap.lower()):
        raise UsageError(f"--swap {swap}: not a size", hint="write 2g, 512m, or 0")
    given = {"swap": int(swap[:-1] or 0) * (10**9 if swap[-1] in "gG" else 10**6)} if swap else {}
    lists = {"ports": tuple(ports), "trusted": tuple(trusted), "without": tuple(without)}
    return given | {name: values for name, values in lists.items() if values}


def _public_keys(file: str) -> list[str]:
    from shipway.domain.errors import UsageError

    try:
        lines = Path(file).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--key {file} can't be read: {error}") from error
    found = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not found or not all(line.startswith(("ssh-", "ecdsa-", "sk-")) for line in found):
        raise UsageError(f"--key {file} is not a public key", hint="pass the file that ends in .pub")
    return found


def _trust(accepted: Sequence[str], several: bool) -> Callable[[str, HostKey], bool]:
    """Whether a host's key is to be trusted: a known one is; else --accept-key or a person decides."""
    import sys

    def trust(name: str, key: HostKey) -> bool:
        if key.known:
            return not accepted or several or key.fingerprint in accepted
        if accepted or not sys.stdin.isatty():
            return key.fingerprint in accepted
        say(f"{name} is unknown here. Its {key.kind} key is {key.fingerprint}", err=True)
        return click.confirm("trust it?", err=True)

    return trust


def _print(hosts: Sequence[PreparedHost]) -> None:
    for item in hosts:
        if for_programs():
            return
        if item.plan.prepared:
            say(f"{style('✓', 'green')} {item.name} is prepared")
            continue
        say(style(item.name, "bold"))
        for change in item.plan.changes:
            say(f"  {style('~', 'yellow')} {change.title}")
            for detail in change.details:
                say(f"      {detail}")
        for problem in item.plan.problems:
            say(f"  {style('✗', 'red')} {problem.message}")
            if problem.hint:
                say(style(f"      {problem.hint}", "dim"))


def _blocked(hosts: Sequence[PreparedHost]) -> bool:
    return any(problem.blocking for item in hosts for problem in item.plan.problems)
