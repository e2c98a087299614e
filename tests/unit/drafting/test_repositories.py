"""`shipway init` on repositories of many kinds: the facts of a right plan, and that a draft is valid whatever is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shipway.actions.projects.init import draft_plan, write_plan
from shipway.domain.errors import UsageError
from shipway.drafting.builds import MOST
from shipway.drafting.survey import survey
from shipway.drafting.write import write
from shipway.planfile.read import read
from tests.facts import Sample, samples, score
from tests.matrix import FULL

SAMPLES = list(samples())
FILES = sorted({(path, text) for sample in SAMPLES for path, text in sample.files.items()})
BUILDS = [(path, text) for path, text in FILES if "ockerfile" in path]
LIMITS = settings(
    max_examples=1500 if FULL else 60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=not FULL,
    phases=[phase for phase in Phase if FULL or phase is not Phase.shrink],
)  # fmt: skip
HUSH = "hush-hush"
ODD = [
    "",
    "\0",
    "{",
    "- - -",
    "[a]\nb =",
    "null",
    "[]",
    "{}",
    "é\n",
    "services:\n  - web\n",
    '{"env": [1], "scripts": 3}',
    "web\n",
    "x: " * 50,
]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_the_facts_of_a_right_plan(sample: Sample, tmp_path: Path) -> None:
    result = draft_plan(sample.unpack(tmp_path))
    found = score(result, sample.facts)
    assert (found.wrong, found.missing) == ([], [])
    assert [problem.render() for problem in result.check.problems if problem.severity == "error"] == []


def test_a_fact_that_is_not_so_is_not_right(tmp_path: Path) -> None:
    sample = next(item for item in SAMPLES if item.name == "procfile-flask")
    result = draft_plan(sample.unpack(tmp_path))
    wrong = (
        "services.web.port = 9",
        "no services.web",
        "no step flake8",
        "never says gunicorn",
        "services = [web]",
        "step flake8 in node:20",
    )
    missing = ("services.web.replicas = 2", "step jest in node:20", "todo surely not", "says surely not")
    found = score(result, (*wrong, *missing))
    assert (tuple(found.wrong), tuple(found.missing), found.right) == (wrong, missing, [])


@st.composite
def repositories(draw: st.DrawFn) -> dict[str, str]:
    """Files of all samples, mixed, moved, cut and damaged."""
    found: dict[str, str] = {}
    for path, text in draw(st.lists(st.sampled_from(FILES), min_size=1, max_size=25)):
        folder = draw(st.sampled_from(["", "", "", "apps/shop/", "backend/", "docker/"]))
        kind = draw(st.integers(0, 9))
        if kind == 0:
            text = draw(st.sampled_from(ODD))
        elif kind == 1:
            text = text[: draw(st.integers(0, len(text)))]
        elif kind == 2:
            at = draw(st.integers(0, len(text)))
            text = text[:at] + draw(st.text(max_size=8)) + text[at:]
        found[folder + path] = text
    if draw(st.booleans()):
        path, text = draw(st.sampled_from(BUILDS))
        found[path] = text
    return found


@LIMITS
@given(files=repositories())
def test_a_draft_is_always_valid(files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("mixed")
    for path, text in files.items():
        if any((root / parent).is_file() for parent in Path(path).parents) or (root / path).is_dir():
            continue
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode("utf-8", errors="surrogatepass"))
    text = write(survey(root, "shop", "main"))
    problems = read(text, "shipway.yaml", lambda name: (root / name).exists()).problems
    errors = [problem.render() for problem in problems if problem.severity == "error"]
    # The Dockerfile of a repository that has none, and a folder that a Compose file names, are still to be made.
    missing = "there is no file `" if not any("compose" in path for path in files) else "there is no f"
    assert [line for line in errors if missing not in line] == [], text


def test_values_of_secrets_are_never_copied(tmp_path: Path) -> None:
    secret = ("SECRET", "PASSWORD", "TOKEN", "API_KEY")
    for sample in SAMPLES:
        root = sample.unpack(tmp_path / sample.name)
        for path, text in sample.files.items():
            if path.endswith(
                (".example", ".sample", ".dist", ".env", "app.json", "fly.toml", "deploy.yml", "render.yaml")
            ):
                lines = text.splitlines()
                hidden = [
                    f"{line.partition('=')[0]}={HUSH}"
                    if "=" in line and any(word in line.partition("=")[0] for word in secret)
                    else line
                    for line in lines
                ]
                (root / path).write_text("\n".join(hidden) + "\n")
        assert HUSH not in draft_plan(root).text, sample.name


def test_links_pipes_and_endless_files_are_not_followed(tmp_path: Path) -> None:
    import os

    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / ".env.example").write_text("STOLEN=1\n")
    root = tmp_path / "shop"
    root.mkdir()
    (root / "Dockerfile").write_text("FROM python:3.12-slim\nEXPOSE 80\n")
    os.mkfifo(root / "Procfile")
    (root / "loop").symlink_to(root)
    for name in ("itself", "compose.yaml", ".env"):
        (root / name).symlink_to(name)
    (root / "elsewhere").symlink_to(outside)
    (root / ".env.example").symlink_to(outside / ".env.example")
    (root / "fly.toml").symlink_to("/dev/zero")
    text = write(survey(root, "shop", "main"))
    assert "STOLEN" not in text
    assert "port: 80" in text


def test_what_is_printed_has_no_control_characters(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: serve\nrelease: bin/\x1b[2Jmigrate\n")
    (tmp_path / "Dockerfile").write_text("FROM python:3.12-slim\nEXPOSE 80\n")
    result = draft_plan(tmp_path)
    assert any("migrate" in note for note in result.notes)
    assert all(text.isprintable() for text in (*result.notes, *(why for _, why in result.found)))


@pytest.mark.parametrize(
    ("link", "force"), [("shipway.yaml", False), ("shipway.yaml", True), (".shipway.yaml.part", False)]
)
def test_the_plan_is_written_through_no_link_to_elsewhere(tmp_path: Path, link: str, force: bool) -> None:
    """Of a repository that somebody cloned from anywhere."""
    outside, root = tmp_path / "outside", tmp_path / "shop"
    root.mkdir()
    (root / "Dockerfile").write_text("FROM python:3.12-slim\nEXPOSE 80\n", encoding="utf-8")
    (root / link).symlink_to(outside)
    result = draft_plan(root)
    if link == "shipway.yaml":
        with pytest.raises(UsageError, match="is a link to no file of the repository"):
            write_plan(result, force=force)
    else:
        write_plan(result, force=force)
        assert (root / "shipway.yaml").read_text(encoding="utf-8") == result.text
    assert not outside.exists()


def test_a_repository_with_thousands_of_dockerfiles(tmp_path: Path) -> None:
    for number in range(MOST + 5):
        (tmp_path / f"svc{number:03}").mkdir()
        (tmp_path / f"svc{number:03}/Dockerfile").write_text("FROM x\nEXPOSE 80\n", encoding="utf-8")
    draft = survey(tmp_path, "shop", "main")
    assert len(draft.services) == MOST
    assert f"only the first {MOST} of {MOST + 5} Dockerfiles were read" in draft.notes
