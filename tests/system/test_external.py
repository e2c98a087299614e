"""A managed database: a PostgreSQL that runs outside of the environment, with TLS only and a role that is no superuser."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from urllib.parse import quote

import pytest

from examples.project import Done
from shipway.domain.errors import DriftFound, GateRefused, MigrationFailed, SecretError, UsageError
from tests.system.conftest import Make
from tests.system.tiny import Tiny

pytestmark = pytest.mark.engine

PASSWORD = "p%40ss-of-the-managed-one"  # as in the address
DATABASE = "pet's db"
TLS = """
openssl req -new -x509 -days 30 -nodes -subj /CN=db -keyout /tmp/key -out /tmp/certificate 2>/dev/null
chown postgres /tmp/key /tmp/certificate && chmod 600 /tmp/key
exec docker-entrypoint.sh postgres -c ssl=on -c ssl_key_file=/tmp/key -c ssl_cert_file=/tmp/certificate
"""
OWNERS = {
    "web/migrations/0002_owners.up.sql": "CREATE TABLE owners (name text);\n",
    "web/migrations/0002_owners.down.sql": "DROP TABLE owners;\n",
}


def docker(*words: str, text: str = "", check: bool = True) -> str:
    done = subprocess.run(
        ["docker", *words], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0 or not check, done.stdout
    return done.stdout.strip()


@dataclass
class Managed:
    """The platform's server, by its administrator."""

    container: str
    host: str
    port: int

    @property
    def address(self) -> str:
        return f"postgresql://keeper:{PASSWORD}@{self.host}:{self.port}/{quote(DATABASE)}?sslmode=require"

    def psql(self, sql: str, database: str = DATABASE) -> str:
        return docker("exec", "-i", self.container, "psql", "-X", "-q", "-A", "-t", "-U", "postgres", "-d", database,
                      "-v", "ON_ERROR_STOP=1", text=sql)  # fmt: skip


@pytest.fixture(scope="module")
def managed() -> Iterator[Managed]:
    """On the address of the engine's own bridge, which containers of every network reach."""
    name = f"managed-{uuid.uuid4().hex[:8]}"
    subnet = docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}")
    host = str(next(ip_network(subnet).hosts()))  # a new engine doesn't name its gateway
    docker("run", "--detach", "--name", name, "--publish", f"{host}::5432", "--env", "POSTGRES_PASSWORD=none",
           "--entrypoint", "sh", "postgres:15", "-c", TLS)  # fmt: skip
    try:
        port = docker("port", name, "5432/tcp").splitlines()[0].rpartition(":")[2]
        server = Managed(name, host, int(port))
        deadline = time.monotonic() + 60
        while "accepting" not in docker("exec", name, "pg_isready", "-h", "127.0.0.1", check=False):
            assert time.monotonic() < deadline, docker("logs", name)
            time.sleep(0.1)
        server.psql("CREATE ROLE reader", "postgres")
        server.psql(f"CREATE ROLE keeper LOGIN CREATEDB PASSWORD '{PASSWORD.replace('%40', '@')}'", "postgres")
        server.psql(f'CREATE DATABASE "{DATABASE}" OWNER keeper', "postgres")
        docker("exec", name, "sh", "-c", 'sed -i "s/^host all all all/hostssl all all all/" "$PGDATA/pg_hba.conf"')
        server.psql("SELECT pg_reload_conf()", "postgres")
        yield server
    finally:
        docker("rm", "--force", "--volumes", name)


class Shop(Tiny):
    """Keeps all output, for the last test."""

    output = ""

    def command(self, *args: str, check: bool) -> Done:
        done = super().command(*args, check=False)
        Shop.output += done.output
        assert done.code == 0 or not check, done.output
        return done


@pytest.fixture(scope="module")
def shop(make: Make, managed: Managed) -> Shop:
    """Release 1 serves from the managed database, with one pet."""
    project = make(database=True)
    project.__class__ = Shop
    assert isinstance(project, Shop)
    project.plan["accessories"] = {"db": {"external": "DATABASE_URL", "kind": "postgres", "version": 15}}
    project.plan["environments"]["staging"]["prove"] = "required"
    project.plan["database"] |= {"lock_timeout": "500ms", "lock_retries": 0}
    project.change("one")
    project.protect()
    refused = project.shipway("run", "staging", check=False)
    assert refused.code == SecretError.exit_code
    assert "DATABASE_URL" in refused.output
    set_address(project, managed.address)
    project.shipway("run", "staging")
    managed.psql("INSERT INTO pets VALUES ('Rex'); GRANT SELECT ON pets TO reader")
    return project


def set_address(project: Tiny, address: str) -> None:
    file = project.folder / "address.env"
    file.write_text(f"DATABASE_URL='{address}'\n")
    project.shipway("secret", "import", "staging", str(file))


def of_pets(server: Managed) -> str:
    return server.psql("SELECT string_agg(name, ' ' ORDER BY name) FROM pets")


def test_services_get_the_address_and_nothing_is_started(shop: Shop, managed: Managed) -> None:
    assert shop.containers(role="accessory") == {}
    (web,) = shop.containers(role="service")
    variables = json.loads(docker("inspect", web, "--format", "{{json .Config.Env}}"))
    assert f"DATABASE_URL={managed.address}" in variables
    assert managed.psql("SELECT tableowner FROM pg_tables WHERE tablename = 'pets'") == "keeper"
    assert shop.status("staging")["accessories"] == {"db": "external"}
    assert "Rex" in shop.shipway("db", "staging", "--", "-c", "SELECT name FROM pets").output


def test_an_address_that_is_none_is_refused_without_being_shown(shop: Shop) -> None:
    file = shop.folder / "wrong.env"
    for wrong, why in (
        ("postgresql://keeper:hidden-one@localhost/pets", "loopback"),
        ("mysql://keeper:hidden-one@db.example.com/pets", "postgresql://"),
        ("postgresql://keeper:hidden-one@db.example.com", "no database"),
        ("postgresql://keeper:hidden/one@db.example.com/pets", "percent-encoded"),
    ):
        file.write_text(f"DATABASE_URL='{wrong}'\n")
        done = shop.shipway("secret", "import", "staging", str(file), check=False)
        assert done.code == SecretError.exit_code, done.output
        assert why in done.output
        assert "hidden" not in done.output


def test_a_release_is_proven_on_a_copy_and_migrates_the_managed_one(shop: Shop, managed: Managed) -> None:
    shop.change("two", files=OWNERS)
    shop.shipway("run", "staging")
    assert managed.psql("SELECT tableowner FROM pg_tables WHERE tablename = 'owners'") == "keeper"
    assert "RESTORED" in shop.shipway("proof").output


@pytest.mark.full
def test_a_proof_has_the_rights_of_the_role(shop: Shop) -> None:
    """What the managed server would deny fails before."""
    before = shop.git("rev-parse", "HEAD").output.strip()
    shop.change("superuser", files={
        "web/migrations/0003_boss.up.sql": "CREATE ROLE boss SUPERUSER;\n",
        "web/migrations/0003_boss.down.sql": "DROP ROLE boss;\n",
    })  # fmt: skip
    denied = shop.shipway("run", "staging", check=False)
    assert denied.code == GateRefused.exit_code
    assert "must be superuser" in denied.output
    shop.undo(before)


@pytest.mark.full
def test_a_migration_that_gets_no_lock_names_who_holds_it(shop: Shop, managed: Managed) -> None:
    holder = subprocess.Popen(
        ["docker", "exec", "-i", managed.container, "psql", "-X", "-U", "postgres", "-d", "pets"],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert holder.stdin is not None
        holder.stdin.write("SET application_name = 'the report'; BEGIN; LOCK TABLE pets IN ACCESS SHARE MODE;\n")
        holder.stdin.flush()
        deadline = time.monotonic() + 30
        while managed.psql("SELECT count(*) FROM pg_locks WHERE relation = 'pets'::regclass") == "0":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        shop.change("three", files={
            "web/migrations/0003_age.up.sql": "ALTER TABLE pets ADD COLUMN age int;\n",
            "web/migrations/0003_age.down.sql": "ALTER TABLE pets DROP COLUMN age;\n",
        })  # fmt: skip
        failed = shop.shipway("run", "staging", check=False)
    finally:
        holder.kill()
        holder.wait()
    assert failed.code == MigrationFailed.exit_code, failed.output
    assert "lock" in failed.output
    assert shop.answer() == "two"


def test_snapshot_restore_and_rollback(shop: Shop, managed: Managed) -> None:
    shop.shipway("snapshot", "staging")
    number = shop.json("snapshots", "staging")[0]["number"]
    managed.psql("INSERT INTO pets VALUES ('Tom')")
    managed.psql("ALTER ROLE keeper NOCREATEDB")
    refused = shop.shipway("restore", "staging", str(number), "--yes", check=False)
    assert refused.code == UsageError.exit_code, refused.output
    assert "ALTER ROLE keeper CREATEDB" in refused.output
    assert of_pets(managed) == "Rex Tom"
    managed.psql("ALTER ROLE keeper CREATEDB")
    shop.shipway("restore", "staging", str(number), "--yes")
    assert of_pets(managed) == "Rex"
    assert managed.psql("SELECT has_table_privilege('reader', 'pets', 'SELECT')") == "t"
    assert managed.psql("SELECT count(*) FROM pg_database WHERE datname LIKE 'shipway%'") == "0"
    shop.shipway("rollback", "staging")
    assert shop.answer() == "one"
    assert managed.psql("SELECT to_regclass('owners')") in ("", "owners")


def test_what_only_a_container_has_is_refused(shop: Shop) -> None:
    upgrade = shop.shipway("database", "upgrade", "staging", check=False)
    assert upgrade.code == UsageError.exit_code
    assert "external service" in upgrade.output


def test_doctor_names_one_that_does_not_answer(shop: Shop, managed: Managed) -> None:
    shop.shipway("doctor", "staging")
    managed.psql("ALTER ROLE keeper NOLOGIN")
    found = shop.shipway("doctor", "staging", check=False)
    managed.psql("ALTER ROLE keeper LOGIN")
    assert found.code == DriftFound.exit_code, found.output
    assert "db" in found.output
    assert "not permitted to log in" in found.output


def test_destroy_leaves_it_and_no_output_ever_showed_the_address(shop: Shop, managed: Managed) -> None:
    done = shop.shipway("destroy", "staging", "--force")
    assert "external service" in done.output
    assert of_pets(managed) == "Rex"
    records = shop.shipway("history", "--json").output
    for text in (Shop.output, records):
        for secret in (managed.address, PASSWORD, PASSWORD.replace("%40", "@"), managed.host):
            assert secret not in text
