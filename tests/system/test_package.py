"""The package builds as a wheel, and what the wheel holds is enough."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import shipway

pytestmark = pytest.mark.machine  # builds in the repository itself
ROOT = Path(__file__).resolve().parents[2]


def test_the_wheel_installs_and_runs(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("shipway-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for needed in ("store/migrations/0001_ledger.sql", "planfile/schema.json", "planfile/reference/"):
        assert any(needed in name for name in names), needed
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run(
        [venv / "bin" / "pip", "install", "--quiet", "--no-index", "--no-deps", wheel], check=True, capture_output=True
    )
    libraries = next((Path(sys.prefix) / "lib").glob("python*/site-packages"))
    env = {"PYTHONPATH": str(libraries), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    version = subprocess.run(
        [venv / "bin" / "shipway", "--version"], env=env, capture_output=True, text=True, check=True
    )
    assert version.stdout.strip() == f"shipway, version {shipway.__version__}"
    check = subprocess.run(
        [venv / "bin" / "shipway", "check"],
        cwd=ROOT / "examples" / "catalogue",
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert check.returncode == 0, check.stdout + check.stderr
