"""Infrastructure tools: in memory, a program by JSON, and Terraform with its built-in resource, which needs no provider."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shipway.domain.errors import InfraError, UsageError
from shipway.domain.infra import InfraPlace, Output
from shipway.domain.provisioned import Infra
from shipway.drivers.infra import terraform
from shipway.drivers.infra.command import CommandTool
from shipway.drivers.infra.terraform import Terraform, Tofu
from shipway.testing.infra import SECRET, InfraLab, InfraSuite, ignore
from shipway.testing.memory_infra import MemoryInfra

pytestmark = pytest.mark.counterpart

CODE = """\
variable "secret" {{
  type      = string
  sensitive = true
}}
resource "terraform_data" "database" {{
  input            = {{ name = "{input}", secret = var.secret }}
  triggers_replace = "{input}"
}}
output "hosts" {{ value = ["ssh://deploy@192.0.2.10"] }}
output "password" {{
  value     = var.secret
  sensitive = true
}}
"""
PROGRAM = """\
import json, os, sys
request = json.load(sys.stdin)
work = os.environ["SHIPWAY_WORK"]
def read(name, default):
    try:
        return json.load(open(os.path.join(work, name)))
    except OSError:
        return default
state, code = read("state", {}), open("input").read().strip()
serial = state.get("serial", 0)
print("working with", len(os.environ["SECRET"]), "characters", file=sys.stderr)
if os.path.exists(os.path.join(work, "lock")) and request["action"] != "outputs":
    print(json.dumps({"locked": "ada"})); sys.exit()
def answer(**data):
    print(json.dumps(data)); sys.exit()
if request["action"] == "plan":
    want = None if request["destroy"] else code
    have = state.get("input")
    action = None if want == have else "create" if have is None else "destroy" if want is None else "replace"
    changes = [{"address": "thing.database", "type": "thing", "action": action}] if action else []
    outputs = {} if request["destroy"] else {"hosts": {"value": None}, "password": {"sensitive": True}}
    answer(changes=changes, outputs=outputs, want=want, serial=serial)
if request["action"] == "apply":
    plan = request["plan"]
    if plan["serial"] != serial:
        answer(stale=True)
    state = {"serial": serial + 1, "input": plan["want"]}
    for name in ("state", "real"):
        json.dump(state, open(os.path.join(work, name), "w"))
    answer()
if request["action"] == "outputs":
    answer(outputs={"hosts": {"value": ["ssh://deploy@192.0.2.10"]}, "password": {"value": os.environ["SECRET"], "sensitive": True}})
if request["action"] == "drift":
    same = read("real", {}) == state
    answer(changes=[] if same else [{"address": "thing.database", "type": "thing", "action": "update"}])
"""


def place(folder: Path, **secrets: str) -> InfraPlace:
    for name in ("source", "work"):
        (folder / name).mkdir(exist_ok=True)
    return InfraPlace(folder / "source", folder / "work", secrets)


class TestMemory(InfraSuite):
    @pytest.fixture
    def lab(self) -> InfraLab:
        tool = MemoryInfra(
            {"thing.database": "one"}, {"hosts": Output(["ssh://deploy@192.0.2.10"]), "password": Output(SECRET, True)}
        )

        @contextmanager
        def locked() -> Iterator[None]:
            tool.locked = "who ada"
            yield
            tool.locked = ""

        return InfraLab(
            lambda: tool, lambda text: tool.code.update({"thing.database": text}), locked,
            lambda: tool.real.update({"thing.database": "changed"}),
        )  # fmt: skip


class TestCommand(InfraSuite):
    @pytest.fixture
    def lab(self, tmp_path: Path) -> InfraLab:
        where = place(tmp_path, SECRET=SECRET)
        (where.source / "program.py").write_text(PROGRAM)
        (where.source / "input").write_text("one")

        @contextmanager
        def locked() -> Iterator[None]:
            (where.work / "lock").touch()
            yield
            (where.work / "lock").unlink()

        settings = Infra("command", "infra", f"{sys.executable} program.py")
        return InfraLab(
            lambda: CommandTool(settings, where, threading.Event()), lambda text: (where.source / "input").write_text(text) and None,
            locked, lambda: (where.work / "real").write_text("{}") and None,
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("run", "message"),
        [
            ("exit 3", "failed to plan: exit code 3"),
            ("echo no json", "it printed no JSON object"),
            ("echo '[]'", "it printed no JSON object"),
            ('echo \'{"error": "no quota"}\'', "no quota"),
            ("echo oops >&2; exit 1", "oops"),
            ("echo '{\"changes\": [{}]}'", "no `address` or `action`"),
            ("echo '{\"outputs\": [1]}'", "outputs in the command's answer"),
        ],
    )
    def test_answers_that_are_none(self, tmp_path: Path, run: str, message: str) -> None:
        tool = CommandTool(Infra("command", "infra", run), place(tmp_path), threading.Event())
        with pytest.raises(InfraError, match=message):
            tool.plan(tmp_path / "plan", ignore)


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed on this machine")
class TestTerraform(InfraSuite):
    can_drift = False

    @pytest.fixture
    def lab(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InfraLab:
        where = place(tmp_path, TF_VAR_secret=SECRET)

        def change(text: str) -> None:
            (where.source / "main.tf").write_text(CODE.format(input=text))

        monkeypatch.setattr(terraform, "LOCK_TIMEOUT", "1s")

        @contextmanager
        def locked() -> Iterator[None]:
            """As another process of Terraform holds it: a lock of the file, and who has it."""
            state = where.work / "terraform.tfstate"
            new = not state.exists()
            with state.open("a+") as file:
                info = {
                    "ID": "1",
                    "Operation": "OperationTypeApply",
                    "Who": "ada@laptop",
                    "Created": "2026-01-01T00:00:00Z",
                }
                (where.work / ".terraform.tfstate.lock.info").write_text(json.dumps(info))
                program = (
                    "import fcntl, time; fcntl.lockf(0, fcntl.LOCK_EX); print('held', flush=True); time.sleep(600)"
                )
                holder = subprocess.Popen([sys.executable, "-c", program], stdin=file, stdout=subprocess.PIPE)
                try:
                    assert holder.stdout
                    assert holder.stdout.readline() == b"held\n"
                    yield
                finally:
                    holder.kill()
                    holder.wait()
            (where.work / ".terraform.tfstate.lock.info").unlink(missing_ok=True)
            if new and not state.stat().st_size:
                state.unlink()

        change("one")
        tool = Infra("terraform", "infra")
        return InfraLab(lambda: Terraform(tool, where, threading.Event()), change, locked, lambda: None)

    def test_code_with_a_backend_keeps_its_own_state(self, tmp_path: Path) -> None:
        where = place(tmp_path)
        state = tmp_path / "elsewhere.tfstate"
        backend = f'terraform {{\n  backend "local" {{ path = "{state}" }}\n}}\nresource "terraform_data" "web" {{}}\n'
        (where.source / "main.tf").write_text(backend)
        tool = Terraform(Infra("terraform", "infra"), where, threading.Event())
        tool.plan(tmp_path / "plan", ignore)
        tool.apply(tmp_path / "plan", ignore)
        assert state.exists()
        assert not (where.work / "terraform.tfstate").exists()

    def test_a_backend_that_is_no_block_leaves_the_own_state(self, tmp_path: Path) -> None:
        where = place(tmp_path)
        (where.source / "main.tf").write_text(
            '# backend "s3" {}\nresource "terraform_data" "backend" { input = "cloud {" }\n'
        )
        tool = Terraform(Infra("terraform", "infra"), where, threading.Event())
        tool.plan(tmp_path / "plan", ignore)
        tool.apply(tmp_path / "plan", ignore)
        assert (where.work / "terraform.tfstate").exists()

    def applied(self, folder: Path, backend: str = "") -> InfraPlace:
        where = place(folder)
        self.write(where, backend)
        tool = Terraform(Infra("terraform", "infra"), where, threading.Event())
        tool.plan(folder / "plan", ignore)
        tool.apply(folder / "plan", ignore)
        return where

    def write(self, where: InfraPlace, backend: str = "") -> None:
        """As another commit's files, which the action exports again."""
        shutil.rmtree(where.source)
        where.source.mkdir()
        (where.source / "main.tf").write_text(f'{backend}resource "terraform_data" "web" {{}}\n')

    def local(self, state: Path) -> str:
        return f'terraform {{\n  backend "local" {{ path = "{state}" }}\n}}\n'

    def command_of(self, hint: str) -> str:
        return hint[hint.index("cd ") : hint.index("; then")]

    @pytest.mark.parametrize(("before", "after"), [("", "b"), ("a", ""), ("a", "b")])
    def test_a_backend_that_changes_is_refused_until_the_state_is_moved(
        self, tmp_path: Path, before: str, after: str
    ) -> None:
        before, after = (self.local(tmp_path / name) if name else "" for name in (before, after))
        where = self.applied(tmp_path, before)
        self.write(where, after)
        tool = Terraform(Infra("terraform", "infra"), where, threading.Event())
        for _ in range(2):
            with pytest.raises(InfraError, match="keeps its state elsewhere than before") as raised:
                tool.plan(tmp_path / "plan2", ignore)
            (tmp_path / "plan2").unlink(missing_ok=True)
        command = self.command_of(raised.value.hint)
        assert command.endswith("terraform init -migrate-state")
        subprocess.run(command, shell=True, input="yes\n", text=True, check=True, timeout=120)
        self.write(where, after)
        assert (
            Terraform(Infra("terraform", "infra"), where, threading.Event()).plan(tmp_path / "plan3", ignore).is_empty
        )

    def test_a_state_that_an_earlier_version_left_behind_is_found(self, tmp_path: Path) -> None:
        where = self.applied(tmp_path)
        self.write(where, self.local(tmp_path / "new"))
        shutil.rmtree(where.work / "data")  # as after `init -reconfigure`
        tool = Terraform(Infra("terraform", "infra"), where, threading.Event())
        with pytest.raises(UsageError, match="the state of what was made before is not in it") as raised:
            tool.plan(tmp_path / "plan2", ignore)
        subprocess.run(self.command_of(raised.value.hint), shell=True, check=True, timeout=120)
        assert (
            Terraform(Infra("terraform", "infra"), where, threading.Event()).plan(tmp_path / "plan3", ignore).is_empty
        )

    def test_another_machine_without_the_state_is_refused(self, tmp_path: Path) -> None:
        where = self.applied(tmp_path)
        (tmp_path / "two").mkdir()
        other = dataclasses.replace(place(tmp_path / "two"), applied=True)
        self.write(other)
        tool = Terraform(Infra("terraform", "infra"), other, threading.Event())
        with pytest.raises(UsageError, match="its state is not on this machine"):
            tool.plan(tmp_path / "plan2", ignore)
        shutil.copy(where.work / "terraform.tfstate", other.work)
        assert tool.plan(tmp_path / "plan3", ignore).is_empty

    def test_a_home_that_was_moved_keeps_its_state(self, tmp_path: Path) -> None:
        (tmp_path / "old" / "shop" / "production").mkdir(parents=True)
        self.applied(tmp_path / "old" / "shop" / "production")
        (tmp_path / "old").rename(tmp_path / "new")
        where = place(tmp_path / "new" / "shop" / "production")
        tool = Terraform(Infra("terraform", "infra"), where, threading.Event())
        assert tool.plan(tmp_path / "plan", ignore).is_empty

    def test_wrong_code_is_told_by_the_tool(self, tmp_path: Path) -> None:
        where = place(tmp_path)
        (where.source / "main.tf").write_text('resource "terraform_data" "web" { nosuch = 1 }\n')
        with pytest.raises(InfraError, match="nosuch"):
            Terraform(Infra("terraform", "infra"), where, threading.Event()).plan(tmp_path / "plan", ignore)

    def test_only_declared_secrets_reach_the_tool(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TF_VAR_secret", "of-the-operator")
        where = place(tmp_path)
        (where.source / "main.tf").write_text(CODE.format(input="one"))
        with pytest.raises(InfraError, match="secret"):
            Terraform(Infra("terraform", "infra"), where, threading.Event()).plan(tmp_path / "plan", ignore)

    def test_an_interrupt_lets_it_end_and_the_next_goes_on(self, tmp_path: Path) -> None:
        where, cancelled = place(tmp_path), threading.Event()
        slow = 'resource "terraform_data" "first" {}\nresource "terraform_data" "slow" {\n  depends_on = [terraform_data.first]\n  provisioner "local-exec" { command = "sleep 3" }\n}\nresource "terraform_data" "last" { depends_on = [terraform_data.slow] }\n'
        (where.source / "main.tf").write_text(slow)
        tool = Terraform(Infra("terraform", "infra"), where, cancelled)
        tool.plan(tmp_path / "one", ignore)

        def stop(line: str) -> None:
            if "slow" in line:
                cancelled.set()

        with pytest.raises(KeyboardInterrupt):
            tool.apply(tmp_path / "one", stop)
        again = Terraform(Infra("terraform", "infra"), where, threading.Event())
        rest = again.plan(tmp_path / "two", ignore)
        assert "terraform_data.first" not in {item.address for item in rest.changes}, "its state knows what it made"
        assert "terraform_data.last" in {item.address for item in rest.changes}
        again.apply(tmp_path / "two", ignore)
        assert again.plan(tmp_path / "three", ignore).is_empty


def test_a_tool_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="tofu is not installed"):
        Tofu(Infra("tofu", "infra"), place(tmp_path), threading.Event())


def test_a_tool_that_ignores_an_interrupt_is_waited_for(tmp_path: Path) -> None:
    """Its state may be half written: it gets time, not a kill."""
    from shipway.drivers.infra.process import environment, run_gently

    cancelled = threading.Event()
    program = "import signal,time,sys; signal.signal(signal.SIGINT, signal.SIG_IGN); print('on', flush=True); time.sleep(2); open('done','w')"
    lines: list[str] = []

    def stop(line: str) -> None:
        lines.append(line)
        cancelled.set()

    with pytest.raises(KeyboardInterrupt):
        run_gently([sys.executable, "-c", program], tmp_path, environment({}), cancelled, on_line=stop, on_stdout=True)
    assert (tmp_path / "done").exists()
