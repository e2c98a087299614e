"""Take and restore copies of an environment's database, and upgrade its server."""
