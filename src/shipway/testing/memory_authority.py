"""A CA in memory, which looks for its proofs in a zone in memory and fails on script."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shipway.domain.certificate import Held
from shipway.domain.errors import CertificateError
from shipway.drivers.authority.acme import AcmeAuthority, pem
from shipway.ports import Prove

DAYS = 86400.0


class MemoryAuthority:
    """Implements ports.CertificateAuthority. shown: the texts of a name, as the CA's resolver sees them. fails: the error of the next
    orders. dies: the process does, after the proof was placed. accounts: keys that it knows. asked: the names of each order."""

    def __init__(self, shown: Callable[[str], Sequence[str]], clock: Callable[[], float]) -> None:
        self.shown, self.clock = shown, clock
        self.fails: CertificateError | None = None
        self.dies = False
        self.life, self.early = 90 * DAYS, 0.0
        self.accounts: list[str] = []
        self.asked: list[list[str]] = []

    def new_account(self) -> str:
        """A key as any other."""
        return pem(ec.generate_private_key(ec.SECP256R1()))

    def issue(self, account: str, names: Sequence[str], prove: Prove) -> str:
        """Signed by itself."""
        self.accounts += [account] if account not in self.accounts else []
        self.asked.append(list(names))
        if self.fails is not None:
            raise self.fails
        wanted: dict[str, list[str]] = {}
        for number, name in enumerate(names):
            texts = wanted.setdefault(f"_acme-challenge.{name.removeprefix('*.')}", [])
            texts.append(f"proof-{len(self.asked)}-{number}")
        prove(wanted)
        if self.dies:
            raise KeyboardInterrupt
        for name, texts in wanted.items():
            if not set(texts) <= set(self.shown(name)):
                raise CertificateError(f"the CA could not validate {name}")
        return self.signed(names)

    def signed(self, names: Sequence[str]) -> str:
        """A certificate for these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the CA in memory")])
        begins = datetime.datetime.fromtimestamp(self.clock() + self.early, datetime.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(who)
            .issuer_name(who)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + datetime.timedelta(seconds=self.life))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
            .sign(key, hashes.SHA256())
        )
        from cryptography.hazmat.primitives.serialization import Encoding

        return made.public_bytes(Encoding.PEM).decode() + pem(key)

    def read(self, bundle: str) -> Held | None:
        """As any other certificate."""
        return AcmeAuthority().read(bundle)
