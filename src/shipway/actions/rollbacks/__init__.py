"""Roll back to an earlier release, and rehearse rollbacks on a copy of the database."""
