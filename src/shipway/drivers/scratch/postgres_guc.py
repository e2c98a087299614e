"""Settings as the catalogs store them: `name=value`."""

from __future__ import annotations

# Their values are lists, stored as they are written.
_LISTS = {
    "local_preload_libraries", "search_path", "session_preload_libraries", "shared_preload_libraries", "temp_tablespaces",
    "unix_socket_directories",
}  # fmt: skip


def setting(entry: str) -> str:
    """The end of a statement that sets it."""
    name, _, value = entry.partition("=")
    if name.lower() in _LISTS:
        return f"{name} = {value or chr(39) * 2}"
    return f"{name} = '" + value.replace("'", "''") + "'"
