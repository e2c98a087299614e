"""What the driver of MySQL and MariaDB makes of the server's answers."""

from __future__ import annotations

import json
import subprocess

import pytest

from shipway.domain.plan import Accessory
from shipway.drivers.accessories import KINDS
from shipway.drivers.server.mysql import MySqlServer
from shipway.drivers.server.mysql_log import read
from shipway.drivers.server.mysql_scripts import AS_OWN

SERVER = MySqlServer()
OWN, OTHER = "shipway_a", "shipway_b"


def entry(schema: str, text: str, error: int = 0, message: str | None = None) -> str:
    return json.dumps([schema, error, "42S22" if error else None, message, text])


def test_the_statements_and_errors_of_one_database() -> None:
    log = read(
        [
            entry(OWN, "ALTER TABLE pets ADD age int"),
            entry(OWN, "UPDATE `pets` SET age = 1"),
            entry(OWN, "SELECT age FROM pets"),
            entry(OTHER, "DROP TABLE pets"),
            entry(OWN, "SELECT name FROM pets", 1054, "Unknown column 'name' in 'SELECT'"),
            entry(OWN, "SELECT 1 FROM", 1064, "You have an error in your SQL syntax"),
            entry(OWN, "ALTER TABLE pets ADD age int", 1060, "Duplicate column name 'age'"),
        ],
        OWN,
    )
    assert log.statements == ("ALTER TABLE pets ADD age int", "UPDATE `pets` SET age = 1")
    assert log.changed == ("`pets`",)
    (mismatch,) = log.mismatches
    assert (mismatch.code, mismatch.text) == ("1054 (42S22)", "Unknown column 'name' in 'SELECT'")
    assert mismatch.statement == "SELECT name FROM pets"


@pytest.mark.parametrize(
    ("output", "limit"),
    [
        ("ERROR 1317 (70100) at line 1: Query execution was interrupted", "lock"),
        ("(1205, 'Lock wait timeout exceeded; try restarting transaction')", "lock"),
        ("ERROR 1969 (70100): Query execution was interrupted (max_statement_time exceeded)", "statement"),
        ("ERROR 1054 (42S22): Unknown column", None),
    ],
)
def test_which_limit_ended_a_statement(output: str, limit: str | None) -> None:
    assert SERVER.timed_out(output) == limit


def test_sessions_that_hold_a_lock() -> None:
    line = "shipway-blocker\t7\tshop\t\t172.18.0.5:4711\tidle in transaction\t1800000000.5\tUPDATE pets SET name = '…'"
    (session,) = SERVER.blocking(f"{line}\nsomething else\n")
    assert (session.remedy, session.state, session.certain) == ("KILL 7", "idle in transaction", True)
    (session,) = SERVER.blocking(line.replace("blocker", "candidate"))
    assert not session.certain


def test_limits_of_our_own_sessions() -> None:
    assert SERVER.limits(5.0, 60.0, {"A": "b"}) == {
        "A": "b",
        "SHIPWAY_SESSION": "SET SESSION lock_wait_timeout = 5, innodb_lock_wait_timeout = 5",
    }
    assert SERVER.limits(0.0, 0.0, {}) == {}


@pytest.mark.parametrize("command", [None, "mariadbd --max-connections=20", "--max-connections=20"])
def test_the_command_of_a_scratch_server(command: str | None) -> None:
    """The image's own program, whatever it is called."""
    words = SERVER.scratch_command(command)
    assert words[0].startswith("--")
    assert ("--max-connections=20" in words) == (command is not None)
    assert "--performance-schema=ON" in words


def test_the_user_of_a_restore_is_given_its_right() -> None:
    accessory = Accessory("db", "mariadb:10.11", "mysql", environment={"MYSQL_USER": "o'neil"})
    (text,) = KINDS["mysql"].setup_of(accessory, "shop").values()
    assert "GRANT ALL ON `shipway\\_%`.* TO 'o''neil'@'%';" in text


@pytest.mark.parametrize(
    ("line", "then"),
    [
        ("/*!50013 DEFINER=`root`@`localhost` SQL SECURITY DEFINER */", "/*!50013 DEFINER=CURRENT_USER SQL SECURITY DEFINER */"),
        ("/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`%`*/ /*!50003 TRIGGER a BEFORE INSERT ON t FOR EACH ROW SET NEW.b = 'DEFINER=`x`@`y`' */;;",
         "/*!50003 CREATE*/ /*!50017 DEFINER=CURRENT_USER*/ /*!50003 TRIGGER a BEFORE INSERT ON t FOR EACH ROW SET NEW.b = 'DEFINER=`x`@`y`' */;;"),
        ("/*!50106 CREATE*/ /*!50117 DEFINER=`o ld`@`10.0.0.%`*/ /*!50106 EVENT `e` DO SELECT 1 */ ;;", "/*!50106 CREATE*/ /*!50117 DEFINER=CURRENT_USER*/ /*!50106 EVENT `e` DO SELECT 1 */ ;;"),
        ("CREATE DEFINER=`old`@`%` PROCEDURE `p`()", "CREATE DEFINER=CURRENT_USER PROCEDURE `p`()"),
        ("  SET @x = 'CREATE DEFINER=`a`@`b`';", "  SET @x = 'CREATE DEFINER=`a`@`b`';"),
        ("INSERT INTO `t` VALUES ('/*!50013 DEFINER=`a`@`b`');", "INSERT INTO `t` VALUES ('/*!50013 DEFINER=`a`@`b`');"),
    ],
    ids=["view", "trigger", "event", "routine", "text in a body", "rows"],
)  # fmt: skip
def test_restored_code_is_that_of_our_user(line: str, then: str) -> None:
    """The lines as mariadb-dump writes them. No other user may be named without a right that is as good as root's."""
    done = subprocess.run(
        ["sh", "-c", f"{AS_OWN}as_own"], input=f"{line}\n", capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{then}\n"
