"""Previews of pull requests: what is wanted of them is in the ledger, and brought about until it is so."""
