"""The script for Pulumi in docs/infrastructure.md, against a stand-in for Pulumi's command line."""

from __future__ import annotations

import re
import sys
import threading
from pathlib import Path

import pytest

from shipway.domain.errors import InfraError
from shipway.domain.infra import InfraPlace
from shipway.domain.provisioned import Infra
from shipway.drivers.infra.command import CommandTool

pytestmark = pytest.mark.counterpart

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "infrastructure.md"
KIND = "aws:rds/instance:Instance"
PULUMI = """\
#!/usr/bin/env python3
import json, os, pathlib, sys
words = sys.argv[2:]
work = pathlib.Path(os.environ["SHIPWAY_WORK"])
state, config = work / "state", pathlib.Path("config")
def step(op):
    return {"op": op, "urn": "urn:pulumi:production::shop::KIND::database"}
if (work / "lock").exists():
    sys.exit("error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end")
have, want = state.read_text() if state.exists() else None, pathlib.Path("input").read_text()
if words[0] == "config":
    config.write_text(" ".join(words[-2:]))
elif words[0] == "preview":
    assert config.read_text() == "region eu"
    assert "PULUMI_EXPERIMENTAL" in os.environ
    pathlib.Path(words[words.index("--save-plan") + 1]).write_text(want)
    ops = ["create"] if have is None else ["same"] if have == want else ["create-replacement", "replace", "delete-replaced"]
    print(json.dumps({"steps": [step(op) for op in ops]}))
elif words[0] == "destroy" and "--preview-only" in words:
    print(json.dumps({"steps": [step("delete")] if have else []}))
elif words[0] == "destroy":
    state.unlink()
elif words[0] == "up":
    state.write_text(pathlib.Path(words[words.index("--plan") + 1]).read_text())
elif words[0] == "stack":
    print(json.dumps({"url": os.environ["SECRET"] if "--show-secrets" in words else "[secret]", "hosts": ["ssh://a"]} if have else {}))
elif words[0] == "refresh":
    print(json.dumps({"steps": [step("update" if (work / "drifted").exists() else "refresh")]}))
""".replace("KIND", KIND)


def quiet(line: str) -> None: ...


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandTool:
    for name in ("source", "work", "bin"):
        (tmp_path / name).mkdir()
    (program,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.S)
    (tmp_path / "source/shipway.py").write_text(program)
    (tmp_path / "source/input").write_text("one")
    (tmp_path / "bin/pulumi").write_text(PULUMI)
    (tmp_path / "bin/pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{Path(sys.executable).parent}:/usr/bin:/bin")
    settings = Infra("command", "infra", "python3 shipway.py", {"region": "eu", "outputs": "url hosts"})
    place = InfraPlace(tmp_path / "source", tmp_path / "work", {"SECRET": "correct horse"})
    return CommandTool(settings, place, threading.Event())


def test_from_nothing_to_destroyed(tool: CommandTool, tmp_path: Path) -> None:
    plan = tool.plan(tmp_path / "one", quiet)
    assert plan.text == f"+ {KIND}.database"
    assert set(plan.outputs) == {"url", "hosts"}
    tool.apply(tmp_path / "one", quiet)
    found = tool.outputs()
    assert (found["url"].value, found["url"].sensitive) == ("correct horse", True)
    assert (found["hosts"].value, found["hosts"].sensitive) == (["ssh://a"], False)
    assert tool.plan(tmp_path / "two", quiet).is_empty
    assert not tool.drift(quiet)
    (tmp_path / "work/drifted").touch()
    assert [item.action for item in tool.drift(quiet)] == ["update"]

    (tmp_path / "source/input").write_text("two")
    replaced = tool.plan(tmp_path / "three", quiet)
    assert [item.action for item in replaced.changes] == ["replace"]
    assert replaced.destroyed_data(()) == [f"{KIND}.database"]
    assert set(replaced.outputs) == {"url", "hosts"}
    tool.apply(tmp_path / "three", quiet)
    with pytest.raises(InfraError, match="stale"):
        tool.apply(tmp_path / "three", quiet)
    end = tool.plan(tmp_path / "four", quiet, destroy=True)
    assert [item.action for item in end.changes] == ["destroy"]
    (tmp_path / "work/lock").touch()
    with pytest.raises(InfraError, match=r"the state is locked \(1 lock"):
        tool.apply(tmp_path / "four", quiet)
    (tmp_path / "work/lock").unlink()
    tool.apply(tmp_path / "four", quiet)
    assert not (tmp_path / "work/state").exists()
