"""Deploy a release: admit, plan, apply, verify; revert on failure and recover after a crash."""
