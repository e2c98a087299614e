"""The kinds of release that a schema knows, one after the other on the reference application: what is proven of each before
it is deployed, and which way a rollback then goes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import pytest
from ruamel.yaml import YAML

from examples.project import GRACE, Done, Project, get
from shipway.domain import proof as words
from shipway.domain.errors import ForwardOnly, GateRefused
from shipway.domain.proof import Proof
from shipway.domain.record import from_data
from shipway.store import open_ledger

# The usual run has each kind on a small application, and one release with a migration on the reference application.
pytestmark = [pytest.mark.machine, pytest.mark.engine, pytest.mark.full, pytest.mark.timeout(600)]

VERSIONS, MODELS, DOCKERFILE = "backend/migrations/versions", "backend/catalogue/models.py", "backend/Dockerfile"
BOOT = 'ENTRYPOINT ["sh", "-c", "alembic upgrade head && exec \\"$@\\"", "boot"]\n'
MIGRATION = """from alembic import op

revision = "{number}"
down_revision = "{before}"


def upgrade() -> None:
    op.execute("{up}")


def downgrade() -> None:
    {down}
"""


class Team(Project):
    """The catalogue's API, worker and stores; staging takes what was proven, and only that."""

    def create(self, *, hook: bool = False) -> None:
        """The repository, and release 1, which brings the schema up whenever it starts."""
        super().create(hook=hook)
        self.git("switch", "--quiet", "staging")
        plan = YAML(typ="safe").load(self.clone / "shipway.yaml")
        del (
            plan["services"]["frontend"],
            plan["checks"],
            plan["environments"]["production"],
            plan["environments"]["staging"]["checks"],
        )
        plan["services"]["backend"]["replicas"] = 1
        plan["pipeline"] = {"images": {"build": "all"}}
        plan["prove"]["mode"] = "rows"  # some of these lose values, and there are hardly any
        del plan["prove"]["scenarios"]["list-items"]
        plan["database"]["contract"] = "*_contract"
        plan["environments"]["staging"]["prove"] = "required"
        (self.clone / "shipway.yaml").write_text(json.dumps(plan, indent=2))
        self.git("commit", "--quiet", "--all", "--message", "Staging takes what was proven")
        self.git("push", "--quiet", "origin", "staging:main")  # whose plan has the rules in force
        self.change(DOCKERFILE, 'CMD ["uvicorn"', BOOT + 'CMD ["uvicorn"')
        self.release("It migrates when it starts")

    def release(self, message: str, *, check: bool = True) -> Done:
        """Commit what is there, and deploy it."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", "staging")
        return self.shipway("run", "staging", check=check)

    def migration(self, number: str, up: str, down: str = "") -> None:
        """The next one; without `down` there is no way down."""
        before = sorted(path.stem for path in (self.clone / VERSIONS).glob("0*.py"))[-1]
        back = f'op.execute("{down}")' if down else 'raise NotImplementedError("there is no way down")'
        text = MIGRATION.format(number=number, before=before[:4], up=up, down=back)
        (self.clone / VERSIONS / f"{number}.py").write_text(text)

    def change(self, file: str, old: str, new: str) -> None:
        """Replace text in a file."""
        path = self.clone / file
        text = path.read_text()
        assert old in text, text
        path.write_text(text.replace(old, new))

    def proof(self, release: int) -> tuple[str, str]:
        """What the gate found: the way down, and the old code on the new schema."""
        ledger = open_ledger(self.home / "ledger.db")
        (found,) = (item for item in ledger.evidence(self.app, release) if item.kind == "proof")
        ledger.close()
        proof = from_data(Proof, json.loads(found.detail))
        assert proof.way is not None
        return proof.way.verdict, proof.old_code.verdict

    def schema(self) -> str:
        """Revision of staging's schema, as the application itself says."""
        return str(json.loads(get(self.staging + "/api/version")[1])["schema_revision"])


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with Team(tmp_path_factory.mktemp("releases") / "project", app=f"releases-{uuid.uuid4().hex[:6]}").made() as team:
        yield team


def test_1_code_that_migrates_when_it_starts_goes_back_after_its_schema(team: Team) -> None:
    """An additive and reversible release; that it is additive helps nobody here."""
    team.migration("0004", "ALTER TABLE items ADD COLUMN price integer", "ALTER TABLE items DROP COLUMN price")
    team.release("A price")
    assert team.schema() == "0004"
    assert team.proof(2) == (words.RESTORED, words.UNSAFE)
    back = team.shipway("rollback", "staging").output
    assert "revert schema, then switch" in back
    assert back.index("▸ revert") < back.index("▸ switch")
    assert team.schema() == "0003"


def test_2_a_lossy_release_is_refused_until_somebody_takes_the_loss(team: Team) -> None:
    team.change(DOCKERFILE, BOOT, "")
    instead = "ALTER TABLE items DROP COLUMN {0}, ADD COLUMN {1} text NOT NULL DEFAULT ''; ALTER TABLE items ALTER COLUMN {1} DROP DEFAULT"
    team.migration("0005", instead.format("description", "body"), instead.format("body", "description"))
    team.change(
        MODELS,
        "description: Mapped[str]\n    created_at",
        'description: Mapped[str] = mapped_column("body")\n    created_at',
    )
    refused = team.release("Descriptions are bodies", check=False)
    assert refused.code == GateRefused.exit_code
    assert "DATA_LOST; public.items has different values in description" in refused.output
    assert team.proof(3) == (words.DATA_LOST, words.UNSAFE)
    assert team.schema() == "0003"

    team.shipway("--as", GRACE, "waive", "3", "--env", "staging", "--reason", "nobody wrote any yet")
    assert "waived by" in team.shipway("deploy", "staging").output
    assert team.schema() == "0005"


def test_3_without_a_way_down_and_with_code_that_fails_above_nothing_leads_back(team: Team) -> None:
    team.migration("0006", "ALTER TABLE items RENAME COLUMN search_slug TO slug")
    team.change(MODELS, "search_slug: Mapped[str | None]", 'search_slug: Mapped[str | None] = mapped_column("slug")')
    refused = team.release("Slugs", check=False)
    assert refused.code == GateRefused.exit_code
    assert team.proof(4) == (words.IRREVERSIBLE, words.UNSAFE)

    team.shipway("--as", GRACE, "waive", "4", "--env", "staging", "--reason", "nothing is to be kept")
    team.shipway("deploy", "staging")
    stuck = team.shipway("rollback", "staging", check=False)
    assert stuck.code == ForwardOnly.exit_code
    assert "roll forward" in stuck.output
    assert team.schema() == "0006"


def test_4_what_contracts_waits_until_nobody_needs_what_goes(team: Team) -> None:
    """The column that the first test expanded by is not used by anybody."""
    team.migration("0007_contract", "ALTER TABLE items DROP COLUMN price", "ALTER TABLE items ADD COLUMN price integer")
    held = team.release("No price any more").output
    assert "deferred until the next release (`contract`): 0007_contract" in held
    assert team.schema() == "0006"
    team.change(MODELS, '"""The tables.', '"""All tables.')
    team.release("The next one")
    assert team.schema() == "0007_contract"
    assert team.proof(6) == (words.DATA_LOST, words.SAFE)
    assert "keep schema" in team.shipway("rollback", "staging").output
    assert team.deployments("staging")[0]["release"] == 5
