"""Shipway executes a web team's deployment plan: from a commit to production and, provably, back."""

__version__ = "0.1.0"
