"""No file, whatever it holds, breaks the reading of a folder."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.domain.errors import MigrationFailed, ProofError
from shipway.drivers.database.beyond import beyond
from shipway.drivers.database.folders.files import Files
from shipway.drivers.database.folders.places import find
from shipway.drivers.database.folders.table import READERS
from shipway.drivers.database.migration import Migration, Skipped
from tests import folders

pytestmark = pytest.mark.every_point

TOKENS = [
    "-- +goose Up", "-- +goose Down", "-- migrate:up", "-- migrate:down transaction:false", "-- +migrate Up notransaction", "-- +migrate Down",
    "-- Up Migration", "-- Down Migration", "---- create above / drop below ----", "-- depends: a b", "-- transactional: false", "--liquibase formatted sql",
    "--changeset a:1 endDelimiter:/ dbms:mysql", "--changeset ", "--changeset :", "--rollback changeset:1", "--rollback empty", "--property name:a value:${a}",
    "/* liquibase rollback", "*/", "--> statement-breakpoint", "-- atlas:delimiter \\n\\n", "-- atlas:txtar", "-- migration.sql --", "${a}", "{{", "@tag", "%x=1",
    "<databaseChangeLog>", "<include file='a.sql'/>", "<includeAll path='..'/>", "<includeAll path='.'/>", "</databaseChangeLog>", "databaseChangeLog:", "- include: {file: x.xml}",
    '{"entries": [{"tag": "a"}]}', '{"entries": [1]}', '{"databaseChangeLog": [{"include": {"file": "a.sql"}}]}', "[core]", "top_dir = .", "top_dir = /etc", "SELECT 1;", "'", "$$", "\\c x",
    "[[", "&a [*a]", "\0", "\r", "\u2028", "DROP DATABASE x;", "[placeholders]", "a = \"b\"", "!!python/object:os.system x", "? ?", "\t",
]  # fmt: skip
NAMES = [
    "1_a.up.sql", "01_a.up.sql", "1_a.down.sql", "2_b.sql", "3.sql", "V1__a.sql", "V1.0__b.sql", "U1__a.sql", "B2__b.sql", "R__c.sql", "R__c.py", "V1__a.sql.conf", "beforeMigrate.sql",
    "afterMigrate__x.sql", "beforeUndo.sql", "sub/V3__a.sql", "1_a/up.sql", "1-2_a/down.sql", "1_a/metadata.toml", "1_a/up.yaml", "1_a/migration.sql", "1_a/snapshot.json",
    "meta/_journal.json", "a.sql", "a.rollback.sql", "a.py", "post-apply.sql", "yoyo.ini", "sqitch.plan", "sqitch.conf", "deploy/a.sql", "revert/a.sql", "deploy/a@tag.sql", "atlas.sum",
    "1_a.postgres.up.sql", "1_a.mysql.up.sql", "mysql/1_a.up.sql", "pg/1_a.up.sql", "pg/V1__a.sql", "changelog.xml", "changelog-master.yaml", "changelog.json", "sub/changelog.yml",
    "flyway.conf", "flyway.toml", "tern.conf", "structure.sql", "migrate/1_a.rb", "123_a.js", "1_a.go", "migrations/1_a.up.sql", "manage.py", "alembic.ini", "config.yaml", "Cargo.toml",
    "V0001.A.up.sql", "migration_lock.toml", "down/2_b.sql", "٣_a.up.sql",
]  # fmt: skip
CONTENT = st.lists(st.sampled_from(TOKENS) | st.text(max_size=20), max_size=8).map(
    lambda parts: "\n".join(parts).encode("utf-8", "replace")
)
TREES = st.dictionaries(st.sampled_from(NAMES), CONTENT | st.binary(max_size=40), min_size=1, max_size=8)


def of(files: Mapping[str, bytes]) -> Files:
    return Files(Path("/nowhere/at/all"), {name: name for name in sorted(files)}, files.__getitem__)


@pytest.mark.parametrize("layout", READERS)
@settings(max_examples=60, deadline=None)
@given(files=TREES)
def test_every_reader(layout: str, files: Mapping[str, bytes]) -> None:
    with suppress(ProofError, MigrationFailed):
        entries = READERS[layout].read(of(files)).entries
        for entry in entries:
            assert isinstance(entry, Skipped | Migration)
            if isinstance(entry, Migration):
                assert set(entry.paths) <= set(files), "a file outside of the folder"
                assert entry.version
            else:
                assert entry.name
                assert entry.reason


@settings(max_examples=400, deadline=None)
@given(files=TREES, dialect=st.sampled_from([None, "postgres", "mysql"]))
def test_detection(files: Mapping[str, bytes], dialect: str | None) -> None:
    with suppress(ProofError):
        find(of(files), None, dialect)


@settings(max_examples=300, deadline=None)
@given(script=CONTENT, dialect=st.sampled_from([None, "mysql"]))
def test_statements(script: bytes, dialect: str | None) -> None:
    assert isinstance(beyond(script.decode("utf-8", "replace"), dialect), str)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_every_folder_of_the_other_tests_damaged(data: st.DataObject) -> None:
    """Cut somewhere, with something else inserted."""
    name = data.draw(st.sampled_from([*folders.LAYOUTS]))
    files = {path: text.encode() for path, text in folders.LAYOUTS[name].files.items() if not path.startswith("..")}
    path = data.draw(st.sampled_from(sorted(files)))
    at = data.draw(st.integers(0, len(files[path])))
    files[path] = files[path][:at] + data.draw(CONTENT) + files[path][at + data.draw(st.integers(0, 30)) :]
    with suppress(ProofError):
        place = find(of(files), None, "postgres")
        if place.layout in READERS:
            READERS[place.layout].read(place.files)
