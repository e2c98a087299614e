"""What the operator of this machine allows providers to do: never a part of a plan.

`secret-providers.toml` in the home folder has the commands that fetch secrets, and the credentials for each address:

    [command.onepassword]
    run = ["op", "read", "--no-newline", "op://catalogue/{key}"]
    for = ["catalogue/*"]

    [vault."https://vault.example:8200"]
    role_id = "…"
    secret_id_file = "/etc/shipway/secret-id"
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from shipway.domain.errors import SecretError
from shipway.domain.value import dataclass

FILE = "secret-providers.toml"


@dataclass(frozen=True)
class Operator:
    """This machine's settings, and what a provider is asked for."""

    home: Path
    scope: str  # app/environment that the secrets are for
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)  # variables of this process
    content: bytes | None = None  # of the encrypted file, at the release's commit

    @property
    def file(self) -> Path:
        """Its settings."""
        return self.home / FILE

    def section(self, kind: str, name: str) -> Mapping[str, Any] | None:
        """The settings of one provider; None if it has none. SecretError if the file can't be read, or could be another
        user's: it names programs that run with the operator's rights."""
        import tomllib

        try:
            with open(os.open(self.file, os.O_RDONLY | os.O_NOFOLLOW), "rb") as opened:
                found = os.fstat(opened.fileno())
                if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
                    raise SecretError(
                        f"{self.file} can be read or changed by other users", hint=f"chmod 600 {self.file}"
                    )
                data = tomllib.load(opened)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SecretError(f"{self.file} can't be read: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SecretError(f"{self.file} is not valid TOML: {error}") from None
        sections = data.get(kind, {})
        section = sections.get(name) if isinstance(sections, dict) else None
        return section if isinstance(section, dict) else None
