"""Test support for Shipway and its drivers: in-memory drivers with scripted failures, and the conformance suites."""
