"""CDNs: what two releases differ in is purged after a switch, and again until it has succeeded."""
