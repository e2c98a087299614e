"""Secrets from a program of the operator: 1Password, Bitwarden, pass, Doppler, or a script."""

from __future__ import annotations

import fnmatch
import subprocess
from collections.abc import Mapping, Sequence

from shipway.domain.errors import SecretError, SecretUnavailable
from shipway.domain.secret_source import ProvidedSecret, SecretSource
from shipway.domain.secret_value import FILE as LARGEST
from shipway.domain.secret_value import as_text
from shipway.drivers.secret_provider.operator import Operator
from shipway.system.process import kill_group
from shipway.system.redact import without
from shipway.system.variables import for_others

SHOWN = 200  # characters of an error
TIMEOUT = 60.0  # seconds for each key; a person may have to unlock the store


class Command:
    """Implements ports.SecretProvider. Runs the operator's command once for each key, without a shell; the value is its
    output without the last line end."""

    def __init__(self, source: SecretSource, operator: Operator) -> None:
        self._name, self._operator = source.place, operator

    def fetch(self, keys: Sequence[str]) -> Mapping[str, ProvidedSecret]:
        """Exit codes listed as `missing` mean that a key doesn't exist; all others are errors."""
        section = self._operator.section("command", self._name)
        run, allowed = (section or {}).get("run"), (section or {}).get("for", [])
        if not isinstance(run, list) or not run or not all(isinstance(item, str) for item in run):
            raise SecretError(
                f"this machine has no command {self._name!r} for secrets: a plan may name one, but not say what it runs",
                hint=f'in {self._operator.file}: [command.{self._name}], run = ["PROGRAM", "{{key}}"], for = ["{self._operator.scope}"]',
            )
        if not any(fnmatch.fnmatchcase(self._operator.scope, str(item)) for item in allowed):
            raise SecretError(
                f"the command {self._name!r} is not allowed for {self._operator.scope}",
                hint=f'in {self._operator.file}, [command.{self._name}]: for = ["{self._operator.scope}"]',
            )
        missing = {int(code) for code in (section or {}).get("missing", [])}
        timeout = float((section or {}).get("timeout", TIMEOUT))
        found = {key: self._run([item.replace("{key}", key) for item in run], key, timeout, missing) for key in keys}
        return {key: ProvidedSecret(as_text(value)) for key, value in found.items() if value is not None}

    def _run(self, args: Sequence[str], key: str, timeout: float, missing: set[int]) -> bytes | None:
        env = for_others(self._operator.environ)
        try:
            process = subprocess.Popen(
                args, env=env, cwd=self._operator.home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise SecretUnavailable(f"{args[0]} can't be started: {error.strerror}", hint="install it") from None
        try:
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise SecretUnavailable(
                f"{self._name} did not answer within {timeout:g} s for {key}", hint="does it wait for a person?"
            ) from None
        finally:
            kill_group(process)
            process.communicate()
        if process.returncode in missing:
            return None
        if process.returncode:
            said, given = errors.decode("utf-8", "replace").strip().splitlines(), output.decode("utf-8", "replace")
            raise SecretUnavailable(
                f"{self._name} exited with {process.returncode} for {key}"
                + (f": {without(given, said[-1], SHOWN)}" if said and errors.strip() != output.strip() else ""),
                hint=f"run it yourself, as {self._operator.file} says",
            )
        if len(output) > LARGEST:
            raise SecretError(f"the output of {self._name} for {key} is larger than {LARGEST >> 20} MB")
        return output.removesuffix(b"\n")
