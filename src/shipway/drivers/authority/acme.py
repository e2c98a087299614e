"""ACME (RFC 8555) with DNS-01, by certbot's library: https://acme-python.readthedocs.io."""

from __future__ import annotations

import datetime
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

from shipway.domain.certificate import SKEW, Held, pair
from shipway.domain.errors import CertificateError, ShipwayError, UsageError
from shipway.ports import Prove
from shipway.system.installation import missing_part
from shipway.system.redact import shortened

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
TIMEOUT = 20  # seconds of a request
NONCES = 4  # further requests after refused nonces
PATIENCE = 120  # seconds for the CA's validation, and again for the certificate
SHOWN = 400  # characters of an error
CLOCK = "set this machine's clock, as by `timedatectl set-ntp true`"


class AcmeAuthority:
    """Implements ports.CertificateAuthority."""

    def __init__(
        self, server: str | None = None, email: str | None = None, trust: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        """server: its directory. trust: CA certificates (PEM) to trust for it."""
        try:
            import acme.client  # noqa: F401
        except ImportError as error:
            raise UsageError(
                "certificates by DNS need a library that is not installed", hint=missing_part("dns")
            ) from error
        self._server = server or LETS_ENCRYPT
        self._email, self._trust, self._clock = email, trust, clock
        self._retry = ""

    def new_account(self) -> str:
        """On P-256."""
        return pem(_new_key())

    def issue(self, account: str, names: Sequence[str], prove: Prove) -> str:
        """One order for all names."""
        with self._errors(), _trusted(self._trust) as verify:
            client, key = self._client(account, verify)
            return self._ordered(client, key, names, prove)

    def read(self, bundle: str) -> Held | None:
        """By the certificate itself."""
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

        parts, form = pair(bundle), (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        try:
            found = x509.load_pem_x509_certificate(parts["certificate"].encode())
            key = load_pem_private_key(parts["key"].encode(), None)
            if key.public_key().public_bytes(*form) != found.public_key().public_bytes(*form):
                return None
            names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            known = tuple(item.lower() for item in names.get_values_for_type(x509.DNSName))
        except (ValueError, TypeError, x509.ExtensionNotFound):
            return None
        return Held(known, found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp())

    def _client(self, account: str, verify: str | bool) -> tuple[Any, Any]:
        """A client with an account, and its key."""
        import josepy
        from acme import client, errors, messages
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        from shipway import __version__

        key = josepy.JWKEC(key=load_pem_private_key(account.encode(), None))
        net: Any = client.ClientNetwork(
            key, alg=josepy.ES256, verify_ssl=verify, user_agent=f"shipway/{__version__}", timeout=TIMEOUT
        )  # fmt: skip
        net.session.hooks["response"].append(self._look)
        net.post = _patient(net.post)
        answer = net.get(self._server)
        self._require_clock(answer.headers.get("Date", ""))
        found: Any = client.ClientV2(messages.Directory.from_json(answer.json()), net)
        if found.external_account_required():
            raise CertificateError(
                f"{self._server} requires an account that was made elsewhere (external account binding)",
                hint="Shipway can't use such a CA: choose another `tls.server`, or your own certificate",
            )
        try:
            found.new_account(messages.NewRegistration.from_data(email=self._email, terms_of_service_agreed=True))
        except errors.ConflictError as known:
            net.account = messages.RegistrationResource(body=messages.Registration(), uri=known.location)
        return found, key

    def _ordered(self, client: Any, key: Any, names: Sequence[str], prove: Prove) -> str:
        from acme import challenges, crypto_util, messages

        private = pem(_new_key())
        order = client.new_order(crypto_util.make_csr(private.encode(), list(names)))
        wanted, answers = dict[str, list[str]](), []
        for item in order.authorizations:
            if item.body.status == messages.STATUS_VALID:
                continue
            offered = [one for one in item.body.challenges if isinstance(one.chall, challenges.DNS01)]
            name = item.body.identifier.value
            if not offered:
                raise CertificateError(
                    f"the CA {self._server} offers no challenge by DNS for {name}",
                    hint="choose another `tls.server`, or use your own certificate",
                )
            response, text = offered[0].response_and_validation(key)
            wanted.setdefault(offered[0].chall.validation_domain_name(name), []).append(text)
            answers.append((offered[0], response))
        if wanted:
            prove(wanted)
        for challenge, response in answers:
            client.answer_challenge(challenge, response)
        order = client.poll_authorizations(order, _deadline())
        order = client.finalize_order(order, _deadline())
        return f"{order.fullchain_pem.strip()}\n{private}"

    def _look(self, response: Any, *args: object, **kwargs: object) -> None:
        """Remember for how long the CA wants to be left alone."""
        self._retry = response.headers.get("Retry-After", "") if response.status_code in (429, 503) else ""

    def _require_clock(self, date: str) -> None:
        """CertificateError if this machine's clock differs from the CA's: each renewal would seem due, or none."""
        try:
            theirs = parsedate_to_datetime(date).timestamp()
        except ValueError:
            return
        if abs(self._clock() - theirs) > SKEW:
            here = datetime.datetime.fromtimestamp(self._clock(), datetime.UTC)
            raise CertificateError(
                f"this machine's clock says {here:%Y-%m-%d %H:%M} UTC, and the CA's says {date}: no certificate was ordered",
                hint=CLOCK,
            )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Any error of the library, as one of ours."""
        from acme import errors, messages

        try:
            yield
        except ShipwayError:
            raise
        except messages.Error as error:
            limited = error.code == "rateLimited"
            why = "allows no further certificate now" if limited else "refuses"
            raise self._failed(f"{why}: {_text(error.detail or error.typ)}", _of_ca(error.code or "")) from error
        except errors.ValidationError as error:
            raise self._failed(f"could not validate the names: {_refused(error)}", _of_ca("dns")) from error
        except errors.IssuanceError as error:
            raise self._failed(
                f"issued no certificate: {_text(error.error.detail or error.error.typ)}",
                _of_ca(error.error.code or "") or "the next attempt orders again",
            ) from error
        except errors.TimeoutError as error:
            raise self._failed(f"did not finish within {PATIENCE} seconds", "the next attempt orders again") from error
        except Exception as error:  # of the library, of requests, of a broken answer
            text = _text(error)
            clock = "not yet valid" in text or "expired" in text
            trust = "set `tls.trust` in the plan to the certificate of the CA's server"
            hint = CLOCK if clock else trust if "CERTIFICATE_VERIFY_FAILED" in text else ""
            raise self._failed(
                f"can't be used: {text}",
                hint or "the CA is away, or this machine's network is; the next attempt orders again",
            ) from error

    def _failed(self, what: str, hint: str) -> CertificateError:
        """With the time at which the CA allows another attempt."""
        found = CertificateError(f"the CA {self._server} {what}", hint=hint)
        if self._retry.isdigit():
            found.retry = self._clock() + int(self._retry)
        elif self._retry:
            try:
                found.retry = parsedate_to_datetime(self._retry).timestamp()
            except ValueError:
                found.retry = 0.0
        return found


def _patient(post: Callable[..., Any]) -> Callable[..., Any]:
    """Repeats a request whose nonce the CA refuses: a fresh one comes with each refusal. The library repeats it only once."""
    from acme import messages

    def again(*args: Any, **kwargs: Any) -> Any:
        for _ in range(NONCES):
            try:
                return post(*args, **kwargs)
            except messages.Error as error:
                if error.code != "badNonce":
                    raise
        return post(*args, **kwargs)

    return again


def _new_key() -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def pem(key: Any) -> str:
    """A private key as text."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    text: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return text.decode()


def _deadline() -> datetime.datetime:
    """As the library wants it: local, without a zone."""
    return datetime.datetime.now() + datetime.timedelta(seconds=PATIENCE)


@contextmanager
def _trusted(certificates: str | None) -> Iterator[str | bool]:
    """A file with these certificates; True: those of this machine."""
    if not certificates:
        yield os.environ.get("SSL_CERT_FILE") or True
        return
    with tempfile.NamedTemporaryFile("w", suffix=".pem", encoding="utf-8") as file:
        file.write(certificates)
        file.flush()
        yield file.name


def _refused(error: Any) -> str:
    found = [
        f"{item.body.identifier.value}: {one.error.detail or one.error.typ}"
        for item in error.failed_authzrs
        for one in item.body.challenges
        if one.error is not None
    ]
    return _text("; ".join(found))


def _of_ca(code: str) -> str:
    """What to do about an error of the CA."""
    return {
        "rateLimited": "wait until the CA's limit allows it; the present certificate stays",
        "dns": "does the zone's registrar delegate it to the servers that Shipway changes? The CA asks those",
        "caa": "let the zone's CAA record allow this CA",
        "rejectedIdentifier": "the CA issues no certificate for such a name: choose another `tls.server`, or take the name out",
        "badCSR": "correct the names in the plan as the CA's message says",
        "invalidContact": "correct the address in `tls.acme` of the plan",
    }.get(code, "")


def _text(error: object) -> str:
    return shortened(" ".join(str(error).split()) or type(error).__name__, SHOWN)
