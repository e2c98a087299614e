"""The HTTP API: one table makes its routes and its OpenAPI document."""
