"""Questions to DNS servers."""
