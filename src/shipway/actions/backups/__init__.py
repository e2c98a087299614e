"""Back up environments and the ledger: take, verify, restore, remove what is no longer needed."""
