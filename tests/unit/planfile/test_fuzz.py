"""Whatever stands in a file, the reader says what is wrong with it, soon, and never fails itself."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shipway.domain.errors import PlanError
from shipway.drafting.survey import survey
from shipway.drafting.write import write
from shipway.planfile import examine, parse, reference
from shipway.planfile.bounds import SIZE
from shipway.planfile.problem import InvalidPlan
from shipway.planfile.read import Reading, read
from tests.matrix import FULL

PLAN = reference.text()
HEAD = "app: a\nservices: {web: {image: nginx:1}}\n"
# The usual run takes the same few each time; a failure there is shown as it is found.
LIMITS = settings(
    max_examples=2000 if FULL else 30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=not FULL,
    phases=[phase for phase in Phase if FULL or phase is not Phase.shrink],
)  # fmt: skip
SOON = 5.0  # seconds of processor time


def reading(text: str) -> Reading:
    begun = time.process_time()
    found = read(text, "shipway.yaml", lambda path: True)
    assert time.process_time() - begun < SOON
    assert (found.plan is None) == any(problem.severity == "error" for problem in found.problems)
    for problem in found.problems:
        line = problem.render().replace("\n    expected: ", " ")
        assert line.isprintable(), ascii(line)
        assert len(line) < 3000
    return found


def message(text: str) -> str:
    return "\n".join(problem.message for problem in reading(text).problems)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 100_000, "nested deeper"),
        ("{a: " * 5_000, "nested deeper"),
        ("- " * 5_000 + "x", "nested deeper"),
        ("app: " + "[" * 40 + "]" * 40, "nested deeper"),
        (HEAD + "".join(f"k{index}: 1\n" for index in range(3_000)), "more problems"),
        ("x" * (SIZE + 1), "longer than"),
        ("a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}' if i else '*a'] * 10)}]\n" for i in range(9)), "more than 50000 values"),
        (HEAD + "pipeline:\n" + "".join(f"  s{i}: {{run: x, image: i, needs: [s{i + 1}]}}\n" for i in range(600)), "more than 500 entries"),
        (HEAD + "environments: {s: {url: http://a.example, retain: " + "9" * 5000 + "}}", "can't be"),
        ("app: a\nservices: {web: {image: nginx:1, port: " + "9" * 5000 + "}}", "can't be"),
        ("app: a\nservices: {web: {image: nginx:1, replicas: 99999999}}", "can't be"),
        ("app: a\nservices: {web: {image: nginx:1, resources: {cpus: 1" + "0" * 400 + "}}}", "can't be"),
        ("app: a\nservices: {web: {image: nginx:1, resources: {memory: " + "9" * 300 + "G}}}", "64 TB"),
        ("app: a\nservices: {web: {image: nginx:1, drain: " + "9" * 400 + "d}}", "more than a year"),
        ('app: "a\\n"\nservices: {web: {image: nginx:1}}', "can't be"),
        ('app: a\nservices: {"web\\n": {image: nginx:1}}', "not a valid name"),
        ('app: a\nservices: {web: {image: "nginx:1\\n"}}', "can't be"),
        ('app: a\nservices: {web: {image: nginx:1, command: "x\\e[31m"}}', "U+001B"),
        ('app: a\nservices: {web: {image: nginx:1, environment: {A: "x\\0y"}}}', "U+0000"),
        ('app: a\nservices: {web: {image: nginx:1, environment: {A: "\\u202Ex"}}}', "U+202E"),
        ('app: a\nservices: {web: {image: nginx:1, command: "serve \\u200Bx"}}', "invisible character U+200B"),
        ('app: a\nservices: {web: {image: nginx:1, environment: {A: "x\\U000E0041"}}}', "invisible character U+E0041"),
        ('app: a\nservices: {web: {image: nginx:1}}\nenvironments: {s: {on: {branch: "main\\u2060"}, url: http://a.example}}', "U+2060"),
        ('app: a\nservices: {"w\\e[2Jb": {image: nginx:1}}', "not a valid name"),
        (HEAD + "environments: {s: {url: \"http://a.example\\n\"}}", "blank"),
        (HEAD + "environments: {s: {url: \"http://[a\"}}", "not a valid address"),
        (HEAD + "environments: {s: {url: http://" + "a" * 300 + ".example}}", "not a valid address"),
        (HEAD + "a" * 900 + ": 1", "unknown key"),
        (HEAD + "environments: {s: {url: http://a.example, hosts: [" + ", ".join(f"h{i}" for i in range(600)) + "]}}", "more than 500 items"),
        ("&a {app: *a}", "alias"),
        ("%YAML 9.9\n---\napp: a", ""),
        ("app: !!python/object:os.system x", "tag"),
        ("app: !!binary 'eHg='", "tag"),
        ("? [a]\n: b", "key"),
        ("", "empty"),
        ("\ufeffapp: [", "not valid YAML"),
        ("app: 2001-01-01", "can't be"),
    ],
    ids=range(37),
)  # fmt: skip
def test_what_is_too_much_is_said(text: str, says: str) -> None:
    found = reading(text)
    assert found.plan is None
    assert says in message(text)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (HEAD.encode("utf-16"), "UTF-16"),
        (HEAD.encode("utf-16-le"), "UTF-16"),
        (HEAD.encode("utf-32"), "UTF-32"),
        (HEAD.encode() + "# caf\xe9".encode("latin-1"), "not UTF-8 text (line 3, byte"),
        (b"x" * (SIZE + 1), "larger than"),
    ],
)
def test_other_encodings_are_named(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "shipway.yaml").write_bytes(content)
    with pytest.raises(PlanError) as refused:
        examine(tmp_path / "shipway.yaml")
    assert says in refused.value.message
    assert refused.value.hint


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    (tmp_path / "shipway.yaml").write_bytes(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode())
    assert examine(tmp_path / "shipway.yaml").plan is not None
    assert parse("\ufeff" + HEAD, "shipway.yaml").app == "a"


def test_a_device_that_never_ends_is_no_plan() -> None:
    with pytest.raises(PlanError, match="larger than"):
        examine(Path("/dev/zero"))


@LIMITS
@given(st.text(max_size=300))
def test_any_text(text: str) -> None:
    reading(text)


@LIMITS
@given(st.integers(0, 2**32))
def test_the_documented_plan_with_changes(seed: int) -> None:
    reading(mutated(PLAN, random.Random(seed)))


VALUES = [
    "",
    "null",
    "[]",
    "{}",
    "0",
    "-1",
    "1e999",
    "9" * 30,
    "true",
    "~",
    '"\\n"',
    '"\\e"',
    '"\\0"',
    "*a",
    "&a x",
    "!!str x",
    "[[]]",
    "'",
    '"',
    "x: y",
    "\t",
    "%",
    "@",
    "|",
    ">",
]


def mutated(text: str, chance: random.Random) -> str:
    """A few lines are left out, doubled, moved, indented, cut, or get another value."""
    lines = text.split("\n")
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        what = chance.randrange(6)
        if what == 0:
            del lines[at]
        elif what == 1:
            lines.insert(at, chance.choice(lines))
        elif what == 2:
            lines[at] = " " * chance.randint(0, 9) + lines[at].lstrip()
        elif what == 3:
            lines[at] = lines[at][: chance.randint(0, len(lines[at]))]
        elif what == 4 and ":" in lines[at]:
            lines[at] = f"{lines[at].partition(':')[0]}: {chance.choice(VALUES)}"
        else:
            place = chance.randint(0, len(lines[at]))
            lines[at] = lines[at][:place] + chance.choice("\"'[]{}:,#&*!|>%@`\x00\x1b\u2028é") + lines[at][place:]
    return "\n".join(lines)


# what `init` reads

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
KEYS = st.sampled_from([
    "services", "web", "db", "image", "build", "context", "dockerfile", "target", "args", "environment", "env_file", "ports", "expose", "volumes",
    "command", "entrypoint", "healthcheck", "test", "depends_on", "type", "source", "scripts", "dependencies", "profiles", "labels",
    "extends", "include", "file", "service", "deploy", "replicas", "resources", "limits", "memory", "secrets", "cap_add", "stop_grace_period",
]) | st.text(max_size=10)  # fmt: skip
TREES = st.recursive(
    LEAVES | st.sampled_from(["postgres:15", "redis", "redis:${V:-7}", "pg:/var/lib/postgresql", "8000:80", "${X}:80", "rabbitmq:3", "a=b"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25,
)  # fmt: skip
SERVICE = st.dictionaries(KEYS, TREES, max_size=6)


@LIMITS
@given(compose=st.dictionaries(KEYS, SERVICE, max_size=4) | TREES, package=TREES)
def test_any_compose_file_becomes_a_plan_that_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, compose: object, package: object
) -> None:
    import json

    root = tmp_path_factory.mktemp("repository")
    (root / "compose.yaml").write_text(json.dumps({"services": compose}))
    (root / "package.json").write_text(json.dumps(package))
    assert reading(write(survey(root, "app", "main"))).plan is not None


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("package.json", b"[" * 100_000), ("package.json", b'{"scripts": []}'), ("package.json", b'{"dependencies": ["a"]}'),
        ("package.json", b"\xff\xfe"), ("pyproject.toml", b"a = " + b"[" * 5000), ("pyproject.toml", b"[project]\noptional-dependencies = 3\n# pytest"),
        ("compose.yaml", b"services: " + b"[" * 5000), ("compose.yaml", b"\xff\xfes\0"), ("compose.yaml", b"x" * 3_000_000),
        ("compose.yaml", b"a: &a [x,x,x,x,x,x,x,x]\n" + b"".join(b"a%d: &a%d [%s]\n" % (i, i, b",".join([b"*a%d" % (i - 1) if i else b"*a"] * 8)) for i in range(9))),
        ("Dockerfile", b"FROM\nEXPOSE " + b"9" * 5000), ("Dockerfile", b"HEALTHCHECK CMD " + b"[" * 5000), ("requirements.txt", b"\xff" * 100),
    ],
    ids=range(13),
)  # fmt: skip
def test_damaged_files_of_other_tools_are_no_obstacle(tmp_path: Path, file: str, content: bytes) -> None:
    (tmp_path / file).write_bytes(content)
    begun = time.process_time()
    draft = survey(tmp_path, "app", "main")
    reading(write(draft))
    assert time.process_time() - begun < SOON
    with pytest.raises(InvalidPlan):
        parse("app: 1", "x")
