"""The pure core: standard library only; no clock, no random, no I/O."""
