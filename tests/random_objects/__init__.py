"""Random objects of a PostgreSQL schema, for `tests/random_migrations.py`.

An object knows the statements that create and drop it, and the properties that another variant of it may have. Everything
that a migration can change is such an object: a table, a row, a column's default, a comment, a privilege.
"""
