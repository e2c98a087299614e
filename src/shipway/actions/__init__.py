"""What commands do, in groups: a group imports only from groups below it (see the layers in pyproject.toml). Actions take ports,
never a driver."""
