"""The client programs of MySQL and MariaDB in a server's image, for shell scripts."""

from __future__ import annotations

# Images of MariaDB 11 and later have no `mysql`. From 11.4 on, MariaDB's clients warn on stderr about each certificate that they
# can't verify, and servers make one themselves.
CLIENT = r"""
client=$(command -v mariadb || command -v mysql) dumper=$(command -v mariadb-dump || command -v mysqldump)
case $client in *mariadb) client="$client --skip-ssl-verify-server-cert" dumper="$dumper --skip-ssl-verify-server-cert" ;; esac
"""
