"""Show, check, repair, clean up and destroy what already runs."""
