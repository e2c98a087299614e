"""A bare Debian or Ubuntu by SSH: a table of idempotent scripts, sent over one connection."""

from __future__ import annotations

import json
import secrets
import shlex
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from importlib.resources import files

from shipway.domain.errors import EngineError
from shipway.domain.host_setup import (
    SSH,
    HostGoal,
    HostKey,
    HostLogin,
    HostState,
    merged_settings,
    missing,
    open_ports,
    ssh_differences,
)
from shipway.drivers.host_setup import keys, observed
from shipway.drivers.host_setup.firewall import rules
from shipway.drivers.hosts.messages import HostKeyUnknown
from shipway.drivers.hosts.tunnel import Tunnel

OBSERVE_TIMEOUT = 120.0  # seconds
APPLY_TIMEOUT = 1800.0  # seconds of one part: packages on a slow line
PATIENCE = 10.0  # seconds of attempts to open a new connection
CONFIRM_TIMEOUT = 90  # seconds until the host reverts what could have locked its operator out
# As root, with the port of the SSH server, which `sudo` would drop.
PORT = "${SSH_CONNECTION##* }"
COMMAND = f"""exec sh -c 'if [ "$(id -u)" = 0 ]; then exec sh -s "{PORT}"; else exec sudo -n sh -s "{PORT}"; fi'"""
# With a password in the first line, which is skipped where no one asks for it.
MARK = "# the script"
SKIP = f'while IFS= read -r line; do [ "$line" != "{MARK}" ] || break; done; exec sh -s "$0"'
ASKED = (
    f'if [ "$(id -u)" = 0 ]; then exec sh -c {shlex.quote(SKIP)} "{PORT}"; '
    f'else exec sudo -S -k -p "" sh -c {shlex.quote(SKIP)} "{PORT}"; fi'
)
HEADER = "# Written by `shipway host prepare`, which replaces this file."
PART = """\
main() {{
SSH_PORT=$1
{prelude}
exec 9>/run/shipway/lock
flock -w 900 9 || {{ echo "another process has been changing this host for 15 minutes"; exit 75; }}
echo "== $(date -Is) {name}" >>"$LOG"
set +e
(
set -e
{script}
) 9>&- >>"$LOG" 2>&1 </dev/null
code=$?
[ "$code" = 0 ] || awk '/^== /{{ n = 0; next }} {{ line[n++] = $0 }} END {{ for (i = n > 15 ? n - 15 : 0; i < n; i++) print line[i] }}' "$LOG"
exit "$code"
}}
{variables}
main "$@"
"""


class SshHostSetup:
    """The HostSetup of a host by the machine's OpenSSH. name: ssh://[user@]name[:port], as deployments use it. user: who
    prepares it. password: for `sudo`, if that asks for it."""

    def __init__(self, name: str, user: str, password: str = "", confirm_timeout: int = CONFIRM_TIMEOUT) -> None:
        if not name.startswith("ssh://"):
            raise EngineError(f"{name} is not a valid host", hint="write ssh://[user@]name[:port]")
        self.name = name
        self._login = f"ssh://{user}@{name.removeprefix('ssh://').rpartition('@')[2]}"
        self._password = password
        self._confirm_timeout = confirm_timeout
        self._lock = threading.Lock()
        self._tunnel: Tunnel | None = None

    def offered_key(self) -> HostKey:
        try:
            self._open()
            known = True
        except HostKeyUnknown:
            known = False
        return replace(keys.offered(self._login)[0], known=known)

    def trust(self, key: HostKey) -> None:
        offered, line = keys.offered(self._login)
        if offered.fingerprint != key.fingerprint:
            raise EngineError(
                f"{self.name} offers another key now: {offered.fingerprint}",
                hint="someone may intercept the connection",
            )
        keys.trust(self._login, line)

    def login(self) -> HostLogin:
        return keys.login(self.name)

    def observe(self, user: str) -> HostState:
        every = " ".join(name for groups in observed.PACKAGES.values() for group in groups for name in group)
        script = f"SSH_PORT=$1\n{_script('observe')}\n"
        variables = {"USER_NAME": user, "PACKAGES": every, "TIME_SERVICES": " ".join(observed.TIME_SERVICES)}
        text = f'main() {{\n{script}\n}}\n{_assigned(variables)}\nmain "$@" </dev/null\n'
        code, output, error = self._send(self._open(), text, OBSERVE_TIMEOUT)
        if code and not output:
            raise self._failed("can't be examined", error)
        return observed.state(output, user)

    def apply(self, part: str, goal: HostGoal) -> None:
        state = self.observe(goal.user)
        if part == "firewall":
            ports = open_ports(goal, state)
            self._on_trial(part, goal, {"RULES": rules(ports, goal.trusted, goal.private)})
        elif part == "ssh":
            self._on_trial(part, goal, {"DROP_IN": "\n".join([HEADER, *_ssh_lines(state)])})
        elif part == "packages":
            self._run(part, self._variables(goal) | {"PACKAGES": " ".join(missing(goal, state))})
        elif part == "engine":
            settings = json.dumps(merged_settings(state.settings or {}), indent=2)
            self._run(part, self._variables(goal) | {"SETTINGS": settings})
        else:
            self._run(part, self._variables(goal))

    def close(self) -> None:
        with self._lock:
            if self._tunnel:
                self._tunnel.close()
                self._tunnel = None

    def _variables(self, goal: HostGoal) -> dict[str, str]:
        return {
            "USER_NAME": goal.user, "KEYS": "\n".join(goal.keys), "SIZE": str(goal.swap),
            "TIME_SERVICES": " ".join(observed.TIME_SERVICES), "CHOICES": json.dumps(vars(goal.choices)),
        }  # fmt: skip

    def _on_trial(self, part: str, goal: HostGoal, variables: Mapping[str, str]) -> None:
        """Apply it, and confirm it through a new connection; otherwise it is reverted."""
        given = {**variables, "TOKEN": secrets.token_hex(8), "SECONDS_TO_CONFIRM": str(self._confirm_timeout)}
        try:
            self._run(f"{part}-try", given)
        except EngineError:
            self._revert(part, given)
            raise
        try:
            with closing(self._fresh(self._login)) as fresh:
                if part == "ssh" and "user" not in goal.without:
                    self._fresh(self.name).close()  # the deploy user's login works as well
                self._run(f"{part}-confirm", given, fresh)
        except EngineError as error:
            then = self._revert(part, given)
            raise EngineError(
                f"{self.name}: the change of the {part} part was not confirmed by a new connection; {then}",
                hint=error.hint,
            ) from error

    def _fresh(self, name: str) -> Tunnel:
        """A new connection; a server that loads its configuration again refuses them for a moment."""
        deadline = time.monotonic() + min(PATIENCE, self._confirm_timeout / 4)
        while True:
            try:
                return Tunnel(name)
            except EngineError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def _revert(self, part: str, given: Mapping[str, str]) -> str:
        try:
            self._run(f"{part}-revert", given)
        except EngineError:
            self.close()
            return f"the host reverts it within {self._confirm_timeout} s"
        return "it was reverted"

    def _run(self, name: str, variables: Mapping[str, str], tunnel: Tunnel | None = None) -> None:
        text = PART.format(prelude=_script("prelude"), script=_script(name), variables=_assigned(variables), name=name)
        code, output, error = self._send(tunnel or self._open(), text, APPLY_TIMEOUT)
        if code:
            raise self._failed(f"{name} failed", output.strip() or error)

    def _send(self, tunnel: Tunnel, text: str, timeout: float) -> tuple[int, str, str]:
        if not self._password:
            return tunnel.run(COMMAND, text, timeout)
        return tunnel.run(f"exec sh -c {shlex.quote(ASKED)}", f"{self._password}\n{MARK}\n{text}", timeout)

    def _open(self) -> Tunnel:
        with self._lock:
            if self._tunnel and not self._tunnel.alive:
                self._tunnel.close()
                self._tunnel = None
            if self._tunnel is None:
                self._tunnel = Tunnel(self._login)
            return self._tunnel

    def _failed(self, what: str, output: str) -> EngineError:
        if "sudo:" in output:
            return EngineError(
                f"{self._login} can't act as root: {output.strip()}",
                hint="pass --login root, or a user that may call sudo; with --ask-password where that needs a password",
            )
        return EngineError(
            f"{self.name}: {what}\n{output.strip()}", hint="correct it and repeat the command: what is done stays done"
        )


def _ssh_lines(state: HostState) -> list[str]:
    """All options, also those that our file has set already. What is stricter stays."""
    differ = {name: wanted for name, _, wanted in ssh_differences(state)}
    return [f"{name} {differ.get(name) or state.ssh[name.lower()]}" for name in SSH]


def _script(name: str) -> str:
    return files(__package__).joinpath("scripts", f"{name}.sh").read_text(encoding="utf-8").strip()


def _assigned(variables: Mapping[str, str]) -> str:
    return "\n".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
