"""SSH signatures over texts, by ssh-keygen."""

from __future__ import annotations

import base64
import binascii
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from shipway.domain.errors import UsageError
from shipway.system.variables import for_others

BEGIN, END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
MAGIC = b"SSHSIG"
LARGEST = 16 * 1024  # characters of a signature
TIMEOUT = 20.0
KEYS = ("id_ed25519", "id_ecdsa", "id_ed25519_sk", "id_ecdsa_sk", "id_rsa")  # in ssh's order of preference


def sign(text: str, key: Path, namespace: str) -> str:
    """The signature, in armour. key: a private key, or the public one of a key in the agent. UsageError with
    ssh-keygen's message. A passphrase is asked for on the terminal."""
    done = _keygen("sign", "-n", namespace, "-f", str(key), input=text, timeout=None)
    if done.returncode:
        raise UsageError(
            f"{key} can't sign: {done.stderr.strip()}",
            hint="pass a key: --sign=KEY, or set git's user.signingKey",
        )
    return done.stdout


def default_key(configured: str | None) -> Path:
    """The user's signing key: git's, else the first that ssh would try. UsageError if there is none."""
    if configured and not configured.startswith(("key::", "ssh-", "ecdsa-", "sk-")):
        return Path(configured).expanduser()
    folder = Path("~/.ssh").expanduser()
    found = next((folder / name for name in KEYS if (folder / name).exists()), None)
    if found is None:
        raise UsageError(
            "there is no SSH key to sign with", hint="pass one: --sign=KEY, or create one: ssh-keygen -t ed25519"
        )
    return found


def signer(signature: str) -> str | None:
    """The public key in a signature, as type and Base64; None if it is no signature."""
    inside = signature.strip().removeprefix(BEGIN).removesuffix(END)
    if len(signature) > LARGEST or inside == signature.strip():
        return None
    try:
        data = base64.b64decode("".join(inside.split()), validate=True)
        key, _ = _string(data, len(MAGIC) + 4)
        kind, _ = _string(key, 0)
        return f"{kind.decode('ascii')} {base64.b64encode(key).decode()}" if data.startswith(MAGIC) else None
    except (binascii.Error, ValueError, IndexError):
        return None


def verified(text: str, signature: str, lines: Sequence[str], namespace: str, at: float) -> bool:
    """Whether a key in these lines of an `allowed_signers`, all of the principal `approver`, made the signature, valid
    at that time."""
    with tempfile.TemporaryDirectory(prefix="shipway-signers-") as made:
        allowed, kept = Path(made, "allowed"), Path(made, "signature")
        allowed.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        kept.write_text(signature, encoding="utf-8")
        when = datetime.fromtimestamp(at, UTC).strftime("%Y%m%d%H%M%S")  # in UTC, as the environment says too
        done = _keygen(
            "verify",
            "-f",
            str(allowed),
            "-I",
            "approver",
            "-n",
            namespace,
            "-s",
            str(kept),
            f"-Overify-time={when}",
            input=text,
            timeout=TIMEOUT,
        )
        return done.returncode == 0


def _keygen(action: str, *args: str, input: str, timeout: float | None) -> subprocess.CompletedProcess[str]:
    environment = {**for_others(), "TZ": "UTC", "LC_ALL": "C"}
    try:
        return subprocess.run(
            ["ssh-keygen", "-Y", action, *args],
            input=input,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise UsageError(
            "ssh-keygen is not installed: signed approvals need it", hint="apt-get install openssh-client"
        ) from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"ssh-keygen timed out after {TIMEOUT:g} s") from None


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    """A string of the SSH protocol, and the position after it."""
    size = int.from_bytes(data[at : at + 4], "big")
    if at + 4 + size > len(data):
        raise ValueError("too short")
    return data[at + 4 : at + 4 + size], at + 4 + size
