"""Nothing that Shipway writes can be read or changed by another user of the machine, whatever the umask: of a launch, a
backup in a folder, a snapshot, reports. What gets into images, and the user's own repository, is as without Shipway."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.project import SHIPWAY, Done
from tests.system.tiny import DOCKERFILE, IMAGE, Tiny

pytestmark = pytest.mark.engine


class Masked(Tiny):
    """Its commands are real processes with a umask."""

    umask = -1

    def shipway(self, *args: str, check: bool = True) -> Done:
        done = subprocess.run(
            ["shipway", *args], cwd=self.where, env=self.env, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False, umask=self.umask,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stdout
        return Done(done.returncode, done.stdout)


@pytest.fixture
def masked(tmp_path: Path) -> Iterator[Masked]:
    (folder := tmp_path / "masked").mkdir()
    project = Masked(folder, database=True, port=8795)
    for name in ("home", "tmp", "reports", "store"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name).chmod(0o777)  # as an operator may have made it: what is in it must be private itself
    project.env["TMPDIR"] = str(folder / "tmp")
    yield project
    project.destroy()


def open_to_others(*folders: Path) -> list[str]:
    """All files, folders and sockets below that another user could read, change or enter."""
    return [
        f"{path} is {stat.filemode(path.lstat().st_mode)}" for folder in folders for path in sorted(folder.rglob("*"))
        if not path.is_symlink() and path.lstat().st_mode & 0o077
    ]  # fmt: skip


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_all_that_a_launch_leaves_is_of_its_user_alone(masked: Masked, umask: int) -> None:
    masked.umask = umask
    folder = masked.folder
    key = folder / "identity"
    masked.plan["environments"]["staging"]["backups"] = {
        "to": str(folder / "store"), "recipients": [masked.shipway("backup", "--new-key", str(key)).output.splitlines()[0]],
    }  # fmt: skip
    masked.plan["pipeline"] = {
        "made": {"image": IMAGE, "run": "mkdir -p web/made/deep && echo made > web/made/deep/file", "outputs": ["web/made/deep"]},
        "web": {"build": "web", "needs": ["made"]},
    }  # fmt: skip
    reads = 'RUN su nobody -s /bin/sh -c "cat /app/made/deep/file /app/name /app/folder/file"\n'
    masked.first = {**masked.first, "web/folder/file": "", "web/Dockerfile": DOCKERFILE + reads}
    masked.create()
    masked.protect()
    subprocess.run(["shipway", "secret", "set", "staging", "TOKEN"], input="a token of the team", text=True, cwd=masked.where,
                   env=masked.env, check=True, umask=umask)  # fmt: skip
    masked.change("one", files={"web/name": "one"})
    assert "staging is open" in masked.shipway("launch", "staging").output
    masked.change("two", files={
        "web/migrations/0002_age.up.sql": "ALTER TABLE pets ADD age int;\n", "web/migrations/0002_age.down.sql": "ALTER TABLE pets DROP age;\n",
    })  # fmt: skip
    masked.shipway("run", "staging")
    masked.shipway("snapshot", "staging")
    masked.shipway("backup", "staging")
    masked.shipway("rollback", "staging")
    written = [word for kind in ("html", "junit", "markdown") for word in (f"--{kind}", str(folder / "reports" / kind))]
    proven = masked.shipway("prove", "--env", "staging", "--again", *written).output
    masked.shipway("prune", check=False)
    left = [folder / name for name in ("home", "tmp", "reports", "store")]
    for place, wanted in zip(left, ("ledger.db", "", "junit", "*.age"), strict=True):
        assert not wanted or list(place.rglob(wanted)), f"no {wanted} was written: {proven}"
    assert open_to_others(*left) == []
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    for shared in Path("/dev/shm").glob("shipway-*"):
        assert shared.stat().st_uid != os.getuid() or shared.stat().st_mode & 0o077 == 0


def test_the_users_repository_gets_what_the_user_wants(tmp_path: Path) -> None:
    env = {**os.environ, "SHIPWAY_HOME": str(tmp_path / "home")}
    for umask, file in ((0o022, 0o644), (0o002, 0o664)):
        work = tmp_path / f"work-{umask:o}"
        work.mkdir()
        (work / "package.json").write_text('{"scripts": {"start": "node server.js"}, "dependencies": {"express": "4"}}')
        subprocess.run(["git", "init", "--quiet"], cwd=work, check=True)
        command = [str(SHIPWAY), "init", "--dockerfile"]
        done = subprocess.run(command, cwd=work, env=env, umask=umask, capture_output=True, text=True, check=False)
        assert stat.S_IMODE((work / "shipway.yaml").stat().st_mode) == file, done.stdout + done.stderr
        assert stat.S_IMODE((work / "Dockerfile").stat().st_mode) == file
