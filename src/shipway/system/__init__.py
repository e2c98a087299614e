"""The machine that Shipway runs on: processes, git, HTTP, times. No driver, no rule of Shipway's own."""
