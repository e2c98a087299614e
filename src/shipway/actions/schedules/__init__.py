"""Jobs on a schedule: which run is due, start it, collect its result."""
