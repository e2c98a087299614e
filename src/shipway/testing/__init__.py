"""For tests of Shipway and of its drivers: drivers in memory that fail on script, and the conformance suites."""
