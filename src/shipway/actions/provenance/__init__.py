"""Where images come from: signing keys, signatures, SBOMs, and the gate that verifies them."""
