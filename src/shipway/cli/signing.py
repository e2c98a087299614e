"""`shipway signing`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, secret_line, table

if TYPE_CHECKING:
    from shipway.actions.environment.environments import KnownApp


@click.group()
def signing() -> None:
    """The keys that sign an app's images, in cosign's format. The private parts are encrypted in the ledger."""


@contextmanager
def _opened(options: Globals, app: str | None, *, reads: bool = False) -> Iterator[KnownApp]:
    from shipway.app import open_context

    actor = "reader" if reads else options.actor
    with open_context(options.home, TerminalReporter(), actor=actor) as ctx:
        yield options.known_app(ctx, app)


@signing.command()
@app_option
@click.pass_obj
def create(options: Globals, app: str | None) -> None:
    """Create a key: from now on it signs the images of runs for an environment. Earlier keys still count, until they are
    revoked."""
    from shipway.actions.provenance.keys import create_key

    with _opened(options, app) as known:
        made = create_key(known.ctx, known.name)
        say(f"the key {made.id} signs the images of {known.shown_app} from now on; its public part:")
        say(made.public.rstrip())


@signing.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@app_option
@click.pass_obj
def list_(options: Globals, as_json: bool, app: str | None) -> None:
    """List the keys, and which of them count."""
    from shipway.actions.provenance.keys import signing_ids
    from shipway.domain.record import to_data
    from shipway.system.durations import timestamp

    with _opened(options, app, reads=True) as known:
        found = known.ctx.ledger.signing_keys(known.name)
        if as_json:
            say(json.dumps(to_data(found), indent=2))
            return
        able = signing_ids(known.ctx, known.name)
        signs = next((item.id for item in reversed(found) if item.valid and item.id in able), None)
        rows = []
        for item in found:
            counts = "signs" if item.id == signs else "counts"
            state = counts if item.revoked is None else f"revoked {timestamp(item.revoked)}: {item.reason}"
            rows.append([item.id, state, timestamp(item.at), item.actor])
        table(rows, ["key", "state", "since", "by"])


@signing.command()
@click.argument("key", default="", required=False)
@click.option("--private", is_flag=True, help="The private part, to copy the key to another ledger or to cosign")
@app_option
@click.pass_obj
def show(options: Globals, key: str, private: bool, app: str | None) -> None:
    """Print the public part of KEY [the one that signs], as PEM: `cosign verify --key` takes it."""
    from shipway.actions.provenance.keys import find_key, private_part

    with _opened(options, app, reads=not private) as known:
        found = find_key(known.ctx, known.name, key)
        if private:
            secret_line(private_part(known.ctx, found).rstrip())
        else:
            say(found.public.rstrip())


@signing.command(name="import")
@click.option("--passphrase", is_flag=True, help="Ask for the passphrase of an encrypted private key")
@click.argument("file", type=click.File(encoding="utf-8"))
@app_option
@click.pass_obj
def import_(options: Globals, passphrase: bool, file: TextIO, app: str | None) -> None:
    """Add the key in FILE (- is stdin), as PEM: ECDSA on P-256. A private key signs from now on; a public one only verifies, such
    as that of another ledger or of a CI that signs by cosign."""
    from shipway.actions.provenance.keys import import_key

    given = click.prompt("Passphrase", hide_input=True, err=True) if passphrase else ""
    with _opened(options, app) as known:
        made = import_key(known.ctx, known.name, file.read(), given)
        say(f"signatures by the key {made.id} count for {known.shown_app} from now on")


@signing.command()
@click.argument("key")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is recorded")
@app_option
@click.pass_obj
def revoke(options: Globals, key: str, reason: str, app: str | None) -> None:
    """Revoke KEY for ever: nothing that it signed counts any more, and it signs nothing."""
    from shipway.actions.provenance.keys import revoke_key

    with _opened(options, app) as known:
        gone = revoke_key(known.ctx, known.name, key, reason)
        say(
            f"the key {gone.id} is revoked; `shipway signing sign RELEASE` signs with another one what is to be trusted"
        )


@signing.command()
@click.argument("release")
@app_option
@click.pass_obj
def sign(options: Globals, release: str, app: str | None) -> None:
    """Sign the images of RELEASE (r12, or a version) with the newest key: those that were built before there was one, or that a
    revoked key signed. Only for images that are to be trusted."""
    from shipway.actions.environment.find_release import which_release
    from shipway.actions.provenance.sign import sign_release
    from shipway.domain.count import counted
    from shipway.domain.errors import UsageError

    with _opened(options, app) as known:
        found = which_release(known.ctx, known.name, release, revisions=False)
        if found is None:
            raise UsageError(f"{known.shown_app} has no release {release}", hint="`shipway history` lists releases")
        done = sign_release(known.ctx, found)
        say(
            f"release {found.number}: {counted(done, 'image')} signed" if done else f"release {found.number} was signed"
        )
