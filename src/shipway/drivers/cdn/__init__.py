"""CDNs. One file a provider; `api` has what their HTTP interfaces have in common."""
