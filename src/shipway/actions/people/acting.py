"""In whose name a command acts where people use a server: a name is proven there, and never only claimed."""

from __future__ import annotations

from collections.abc import Mapping

from shipway.actions.people.commanded import HOW
from shipway.actions.people.delegation import VARIABLE, delegated
from shipway.actions.people.identify import identify
from shipway.context import Context
from shipway.domain.errors import NotAllowed, NotSignedIn, UsageError
from shipway.domain.identity import author_identity, identity
from shipway.domain.people import TOKEN, Identity
from shipway.system.actor import TOKEN as TOKEN_NAME
from shipway.system.actor import Claim, actor_of
from shipway.system.login import login

TOKEN_VARIABLE = TOKEN_NAME


def acting(ctx: Context, claim: Claim | None, variables: Mapping[str, str]) -> tuple[str, Identity | None]:
    """The acting person or machine, and the identity if it is proven. claim: what the command line says. NotAllowed if a person is claimed without their token. Where no people were added, every name is a claim, as recorded."""
    given = claim.name if claim is not None else None
    people = {item.name for item in ctx.ledger.people() if item.active}
    if not people:
        return actor_of(given), None
    proven = _proven(ctx, claim.token if claim is not None else "", variables)
    named = given if given is not None else variables.get("SHIPWAY_ACTOR")
    if proven is not None:
        if named and identity(named) != proven.person:
            raise NotAllowed(f"the token is one of {proven.person}, not of {identity(named)}", hint=HOW)
        return proven.person, proven
    if given is not None:
        raise NotAllowed(
            f"{identity(given)} is not proven: people use a server here, so a token must prove who acts", hint=HOW
        )
    actor = actor_of(None)
    if actor not in people:
        return actor, None
    machine = author_identity(login())
    if named:
        ctx.reporter.note(f"SHIPWAY_ACTOR says {actor}, which is not proven: {machine} acts; {HOW}")
    return machine, None


def _proven(ctx: Context, token: str, variables: Mapping[str, str]) -> Identity | None:
    """By a token, else by what the server started this command with."""
    token = token or variables.get(TOKEN_VARIABLE, "").strip()
    if token:
        try:
            found = identify(ctx, token)
        except NotSignedIn as error:
            raise NotSignedIn(f"the token is not accepted: {error.message}", hint=HOW) from error
        if found.via != TOKEN:
            raise UsageError("that is the secret of a session, not a token", hint=HOW)
        return found
    delegation = variables.get(VARIABLE, "")
    return delegated(ctx, delegation) if delegation else None
