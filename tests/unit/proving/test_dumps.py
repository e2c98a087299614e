"""Which differences between two dumps count."""

from __future__ import annotations

from shipway.domain.own_tables import OwnTables
from shipway.drivers.scratch.postgres_dump import read_dump
from shipway.proving.dumps import compare_dumps

NOTHING = OwnTables()
DUMP = """--
-- PostgreSQL database dump
--

\\restrict {token}

SET search_path = '';

--
-- Name: a; Type: TABLE; Schema: public; Owner: postgres
--

{settings}CREATE TABLE public.a (
    x integer,
    y text
);

--
-- Name: TABLE a; Type: ACL; Schema: public; Owner: postgres
--

GRANT SELECT ON TABLE public.a TO one;
GRANT SELECT ON TABLE public.a TO two;

--
-- Name: EXTENSION citext; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON EXTENSION citext IS 'x';

--
-- PostgreSQL database dump complete
--

\\unrestrict {token}
"""


def test_a_dump_is_read_by_object() -> None:
    settings = "SET default_tablespace = '';\n\nSET default_table_access_method = heap;\n\n"
    one, two = read_dump(DUMP.format(token="a", settings=settings)), read_dump(DUMP.format(token="b", settings=""))
    assert one == two
    assert list(one) == ["TABLE public.a", "ACL public.TABLE a", "COMMENT EXTENSION citext"]
    assert one["COMMENT EXTENSION citext"] == "COMMENT ON EXTENSION citext IS 'x';"
    assert read_dump("") == {}


def test_options_of_the_servers_own_do_not_count() -> None:
    """An older pg_dump writes them."""
    head = "-- Name: a; Type: TABLE; Schema: public; Owner: postgres\n"
    own = "ALTER TABLE ONLY public.a ALTER COLUMN x SET (pg_attver=22337496);\n"
    both = "ALTER TABLE ONLY public.a ALTER COLUMN y SET (pg_attver=22337496, n_distinct=5);\n"
    assert read_dump(f"{head}CREATE TABLE public.a ();\n{own}{both}") == {
        "TABLE public.a": "CREATE TABLE public.a ();\nALTER TABLE ONLY public.a ALTER COLUMN y SET (n_distinct=5);"
    }


def test_the_order_of_lines_does_not_count() -> None:
    before, after = {"TABLE a": "(\n    x integer,\n    y text\n)"}, {"TABLE a": "(\n    y text,\n    x integer\n)"}
    assert compare_dumps(before, after, NOTHING) == ()


def test_the_lines_that_differ() -> None:
    found = compare_dumps({"A x": "one\ntwo\ntwo", "B x": "b"}, {"A x": "one\ntwo\nthree", "C x": "c"}, NOTHING)
    assert [(item.change, item.kind, item.name, dict(item.facets)) for item in found] == [
        ("changed", "dump", "A x", {"lines": ("two", "three")}),
        ("removed", "dump", "B x", {"lines": ("b", "")}),
        ("added", "dump", "C x", {"lines": ("", "c")}),
    ]


def test_the_migration_history_of_the_tool_is_left_out() -> None:
    own = OwnTables(history=frozenset({"SequelizeMeta"}))
    parts = dict.fromkeys(("TABLE public.SequelizeMeta", "CONSTRAINT public.SequelizeMeta SequelizeMeta_pkey"), "x")
    assert compare_dumps({}, parts, own) == ()
    assert len(compare_dumps({}, {**parts, "TABLE public.items": "x"}, own)) == 1
