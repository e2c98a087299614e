"""Forges. One file a forge; `payload` reads what their webhooks send, `api` sends requests."""
