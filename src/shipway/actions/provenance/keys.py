"""The keys of a team that sign images: make, import, list and revoke them."""

from __future__ import annotations

from shipway.context import Context
from shipway.domain import names
from shipway.domain.errors import SecretError, UsageError, unknown_name
from shipway.domain.provenance import SigningKey
from shipway.domain.value import dataclass
from shipway.system import signing


@dataclass(frozen=True)
class Signer:
    """A key with its private part."""

    key: SigningKey
    private: str


def create_key(ctx: Context, app: str) -> SigningKey:
    """A new key, with which images are signed from now on."""
    return _add(ctx, app, signing.new_key())


def import_key(ctx: Context, app: str, text: str, passphrase: str = "") -> SigningKey:
    """A key that was made elsewhere: a private one signs from now on; a public one only verifies. SecretError if it is none."""
    if "PRIVATE KEY" in text:
        return _add(ctx, app, signing.private_key(text, passphrase))
    return _keep(ctx, app, signing.public_key(text))


def _add(ctx: Context, app: str, private: str) -> SigningKey:
    """The private part is stored first: a key that is announced can sign."""
    public = signing.public_of(private)
    identity = signing.key_id(public)
    _refuse_revoked(ctx, app, identity)
    ctx.secrets.set(names.scope(app, names.SIGNING), identity, private)
    return _keep(ctx, app, public)


def _keep(ctx: Context, app: str, public: str) -> SigningKey:
    made = SigningKey(app, signing.key_id(public), public, ctx.actor, ctx.clock())
    _refuse_revoked(ctx, app, made.id)
    ctx.ledger.add_signing_key(made)
    return next(item for item in ctx.ledger.signing_keys(app) if item.id == made.id)


def _refuse_revoked(ctx: Context, app: str, identity: str) -> None:
    if any(item.id == identity and not item.valid for item in ctx.ledger.signing_keys(app)):
        raise UsageError(f"the key {identity} was revoked, which is for ever", hint="shipway signing create")


def find_key(ctx: Context, app: str, text: str = "") -> SigningKey:
    """A key by the begin of its id; without one, the newest that signs, or else that counts. UsageError if there is none."""
    keys = ctx.ledger.signing_keys(app)
    if not text:
        signer = signer_of(ctx, app)
        valid = [item for item in keys if item.valid]
        if not valid:
            raise UsageError(f"{app} has no signing key", hint="shipway signing create")
        return signer.key if signer else valid[-1]
    found = [item for item in keys if item.id.startswith(text)]
    if len(found) != 1:
        raise unknown_name("signing key", text, [item.id for item in keys])
    return found[0]


def private_part(ctx: Context, key: SigningKey) -> str:
    """SecretError if this ledger has only its public part."""
    found = ctx.secrets.get(names.scope(key.app, names.SIGNING), key.id)
    if found is None:
        raise SecretError(f"this ledger has no private part of the key {key.id}")
    return found


def signing_ids(ctx: Context, app: str) -> set[str]:
    """The keys whose private parts this ledger has."""
    return set(ctx.secrets.names(names.scope(app, names.SIGNING)))


def signer_of(ctx: Context, app: str) -> Signer | None:
    """The newest valid key that can sign; None: images are not signed."""
    able = signing_ids(ctx, app)
    for key in reversed(ctx.ledger.signing_keys(app)):
        if key.valid and key.id in able:
            private = ctx.secrets.get(names.scope(app, names.SIGNING), key.id)
            if private is not None:
                return Signer(key, private)
    return None


def revoke_key(ctx: Context, app: str, text: str, reason: str) -> SigningKey:
    """From now on nothing that it signed counts. Its private part is no longer read; the ledger keeps it encrypted."""
    if not reason.strip():
        raise UsageError("a revocation needs a reason", hint="pass --reason TEXT")
    key = find_key(ctx, app, text)
    if not ctx.ledger.revoke_signing_key(app, key.id, ctx.actor, ctx.clock(), reason.strip()):
        raise UsageError(f"the key {key.id} was revoked before")
    ctx.secrets.remove(names.scope(app, names.SIGNING), key.id)
    return key
