"""Configuration files are those of the commit, and part of the release."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.environment.observe import settings
from shipway.actions.runs.config_files import config_files
from shipway.domain.config_file import ConfigFile
from shipway.domain.desired import Settings, render_desired
from shipway.domain.errors import PlanError, SecretError
from shipway.domain.names import scope
from shipway.domain.plan import Environment, Plan, Service
from shipway.domain.release import Release
from shipway.system.git import Repository
from tests.unit.system.repositories import git, neutral, repository
from tests.unit.world import World

pytestmark = pytest.mark.usefixtures("neutral")
__all__ = ["neutral"]
STAGING = Environment("staging", "http://a.localhost")


def plan(source: str) -> Plan:
    proxy = Service("proxy", image="nginx:1", files={"/etc/site.conf": source}, secrets=("API_KEY",))
    return Plan("shop", {"proxy": proxy}, environments={"staging": STAGING})


def test_they_are_read_from_the_commit(tmp_path: Path) -> None:
    path = repository(
        tmp_path / "work",
        {"conf/site.conf": b"one\r\n\xff", "conf/big": "x" * (1 << 20) + "x", "run.sh": "#!/bin/sh\n"},
    )
    (path / "conf/link").symlink_to("/etc/passwd")
    (path / "conf/lfs").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    (path / "run.sh").chmod(0o755)
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "--message", "two")
    (path / "conf/site.conf").write_text("not committed")
    found = Repository(path)
    assert config_files(found, "HEAD", plan("conf/site.conf"))["conf/site.conf"].data == b"one\r\n\xff"
    assert config_files(found, "HEAD", plan("run.sh"))["run.sh"].mode == 0o555
    problems = {
        "conf/link": "is a link",
        "conf": "is not a file",
        "none": "is not a file",
        "conf/lfs": "Git LFS",
        "conf/big": "at most 1 MB",
    }
    for source, why in problems.items():
        with pytest.raises(PlanError, match=why):
            config_files(found, "HEAD", plan(source))


def release(content: bytes) -> Release:
    files = {"site.conf": ConfigFile.of(content)}
    return Release(
        1, "shop", "a" * 40, "t", (), "s", {"proxy": "nginx@sha256:1"}, plan("site.conf"), 1, 0.0, files=files
    )


def test_other_content_is_another_release_and_another_container() -> None:
    one, other = release(b"one"), release(b"other")
    assert one.digest != other.digest
    given = Settings("1", {"API_KEY": "s"}, {"API_KEY": 1})
    specs = [render_desired(item, STAGING, given).workers[0] for item in (one, other)]
    assert specs[0].configs["/etc/site.conf"].data == b"one"
    assert specs[0].name != specs[1].name
    assert dataclasses.replace(one, files={}, digest="").digest != one.digest


def test_a_secret_in_a_file_is_refused(tmp_path: Path) -> None:
    world = World(tmp_path)
    ctx = world.controller()
    ctx.secrets.set(scope("shop", "staging"), "API_KEY", "s3cr3t-of-api")
    with pytest.raises(SecretError, match=r"site\.conf contains the value of the secret API_KEY") as caught:
        settings(ctx, release(b"key=s3cr3t-of-api;"), STAGING)
    assert "s3cr3t" not in caught.value.message + caught.value.hint
    assert settings(ctx, release(b"key=${API_KEY};"), STAGING).secrets["API_KEY"] == "s3cr3t-of-api"
    world.close()
