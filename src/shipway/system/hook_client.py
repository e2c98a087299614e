"""What the hook of a repository runs: hands the push to a process that has loaded everything, and waits for its exit code.

A script by itself, of the standard library without `site`: it starts ten times faster than `shipway hook`. With exit code
UNTAKEN nothing was handed over, nothing of stdin was read, and the hook starts `shipway hook`. The process gets the working
directory, the umask, the arguments and the variables of the hook, and its stdin, stdout and stderr.
"""

import os
import sys

UNTAKEN = 75  # exit code: no process took the push
LOST = 1  # exit code: the process that took it has ended without one
FIRST = 8  # bytes with the length of what follows
TAKEN = b"+"  # the answer of a process that does the work from now on
PATIENCE = 10.0  # seconds for that answer
SOCKET = "hook"  # its name, in a folder of the server


def main(folder: str, arguments: list[str]) -> int:
    """The exit code of `shipway` with these arguments."""
    try:
        import _socket

        here, umask = os.getcwd(), os.umask(0o077)
        os.umask(umask)
        variables = [name + b"=" + value for name, value in os.environb.items()]
        given = [os.fsencode(here), b"%d" % umask, b"%d" % len(arguments), *map(os.fsencode, arguments), *variables]
        body = b"\0".join(given)
        connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        connection.settimeout(PATIENCE)
        os.chdir(folder)  # the address of a socket is at most 107 bytes long
        connection.connect(SOCKET)
        streams = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
        connection.sendmsg([len(body).to_bytes(FIRST, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
        connection.sendall(body)
        if connection.recv(1) != TAKEN:
            return UNTAKEN
        connection.settimeout(None)
    except (OSError, ImportError):
        return UNTAKEN
    try:
        code = connection.recv(1)
    except OSError:
        code = b""
    if code:
        return code[0]
    os.write(2, b"error: the process that worked on the push has ended; `shipway history` shows what came of it\n")
    return LOST


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
