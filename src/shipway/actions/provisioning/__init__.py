"""Provisioning: DNS records and infrastructure of an environment."""
