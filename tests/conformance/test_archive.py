"""The log of changes of a server: kept until it is stored, copied, and replayed to a time. And servers without one."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.drivers.server.mysql import MySqlServer
from shipway.drivers.server.postgres import PostgresServer
from shipway.drivers.server.sqlite import SqliteServer
from tests.conformance.database_lab import docker
from tests.conformance.scratch_lab import PASSWORD, build_postgres, postgres

SERVER = PostgresServer()


class Lab:
    """A server, and the volumes of its jobs."""

    def __init__(self, name: str, image: str) -> None:
        self.name, self.image, self.volume = name, image, f"shipway-test-{secrets.token_hex(4)}"

    def sql(self, query: str) -> str:
        return docker("exec", self.name, "psql", "-U", "postgres", "-At", "-c", query)

    def now(self) -> str:
        return self.sql("SELECT clock_timestamp()")

    def archive(self, piece: str = "", number: str = "") -> tuple[list[str], list[list[str]]]:
        """The words of its first line, and of those of segments."""
        output = docker("exec", "-e", "POSTGRES_DB=postgres", self.name, *SERVER.command("archive", piece, number))
        lines = [line.split() for line in output.splitlines() if line.startswith("shipway-")]
        assert lines[0][0] == "shipway-archive"
        assert all(line[0] == "shipway-segment" for line in lines[1:])
        return lines[0][1:], [line[1:] for line in lines[1:]]

    def job(self, network: str, *command: str) -> list[str]:
        login = {
            "PGHOST": "elsewhere",
            "PGPORT": "5432",
            "PGUSER": "postgres",
            "PGPASSWORD": PASSWORD,
            "PGDATABASE": "postgres",
        }
        env = [part for name, value in login.items() for part in ("--env", f"{name}={value}")]
        volumes = ("-v", f"{self.volume}:/archive", "-v", f"{self.volume}:/snapshots")
        program, *words = command
        output = docker(
            "run", "--rm", "--network", network, *env, *volumes, "--entrypoint", program, self.image, *words
        )
        return [line for line in output.splitlines() if line.startswith("shipway-")]

    def keep(self, folder: str, names: list[str], here: Path) -> None:
        """Store segments where they are replayed from."""
        carrier = docker("create", "-v", f"{self.volume}:/archive", self.image, "true")
        try:
            for name in names:
                docker("exec", self.name, "sh", "-c", f"gzip -c {folder}/{name} > /tmp/{name}.gz")
                docker("cp", f"{self.name}:/tmp/{name}.gz", str(here))
                docker("cp", str(here / f"{name}.gz"), f"{carrier}:/archive/")
        finally:
            docker("rm", carrier)

    def recover(self, at: str) -> list[str]:
        return self.job("none", *SERVER.command("recover", at, "x.dump"))


@pytest.fixture(scope="module", params=[13, 15, 18])
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    image = build_postgres(request.param)
    with postgres(request.param, image=image) as (name, _):
        made = Lab(name, image)
        yield made
        docker("volume", "rm", "--force", made.volume)


@pytest.mark.databases
@pytest.mark.engine
def test_a_log_is_kept_copied_and_replayed(lab: Lab, tmp_path: Path) -> None:
    lab.sql("CREATE TABLE pets (name text)")
    (piece, _, folder), segments = lab.archive()
    assert lab.archive()[1] == segments, "it keeps what it wasn't told is stored, and an idle server begins no segment"
    lab.keep(folder, [name for _, name in segments], tmp_path)
    lab.sql("INSERT INTO pets VALUES ('Rex')")
    base = lab.job(f"container:{lab.name}", *SERVER.command("base"))[-1].split()
    assert (base[0], base[3]) == ("shipway-base", piece)
    lab.sql("INSERT INTO pets VALUES ('Cat')")
    time.sleep(0.1)
    then = lab.now()
    time.sleep(0.1)
    lab.sql("DROP TABLE pets")
    (_, at, _), more = lab.archive(piece, segments[-1][0])
    assert [int(number) for number, _ in more] == list(range(int(more[0][0]), int(more[-1][0]) + 1))
    assert int(more[0][0]) == int(segments[-1][0]) + 1, "what is stored is kept no longer, and nothing is left out"
    assert int(base[4]) <= int(more[0][0])
    assert float(base[5]) <= float(at)
    lab.keep(folder, [name for _, name in more], tmp_path)
    found = lab.recover(then)
    assert "shipway-rows public.pets\t2" in found
    assert found[-1].startswith("shipway-taken ")
    assert not [line for line in lab.recover("") if "pets" in line], "at the end it is dropped"
    assert not [line for line in lab.recover("2099-01-01 00:00:00+00") if "pets" in line], "nothing follows"


@pytest.mark.databases
@pytest.mark.engine
def test_files_of_another_version_are_refused(lab: Lab) -> None:
    """Of the last copy."""
    other, here = "postgres:15", lab.image
    if other == here:
        other = build_postgres(13)
    lab.image = other
    with pytest.raises(AssertionError, match="which can't read them"):
        lab.recover("")
    lab.image = here


@pytest.mark.databases
@pytest.mark.engine
def test_it_ends(lab: Lab) -> None:
    lab.archive()
    docker("exec", "-e", "POSTGRES_DB=postgres", lab.name, *SERVER.command("unarchive"))
    assert lab.sql("SELECT count(*) FROM pg_replication_slots") == "0"
    docker("exec", "-e", "POSTGRES_DB=postgres", lab.name, *SERVER.command("unarchive"))


def test_which_servers_have_one() -> None:
    assert (PostgresServer.continuous, MySqlServer.continuous, SqliteServer.continuous) == (True, False, False)
