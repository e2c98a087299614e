"""The release server: a process with the page and the dispatcher of the queue, and one that observes what runs."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

import uvicorn

from shipway.actions.messages.deliver import Messenger
from shipway.actions.people.commanded import Commanded
from shipway.actions.projects.push_limits import LARGEST
from shipway.context import Context
from shipway.domain.errors import UsageError
from shipway.ports import Forge
from shipway.server.clock import Clock
from shipway.server.dispatcher import Dispatcher
from shipway.server.poller import Poller
from shipway.server.previews import Tender
from shipway.server.site import Site, no_commands
from shipway.server.watcher import Watcher
from shipway.server.web import application
from shipway.system.openid import Provider
from shipway.system.passwords import Passwords

LOCAL = ("127.0.0.1", "::1", "localhost")
LOOK = 0.2  # seconds between looks whether all parts still work


def serve(
    ctx: Context, listen: tuple[str, int], at_once: int, forge: Callable[[str], Forge], url: str = "",
    open_metrics: bool = False, provider: Provider | None = None, largest_push: int = LARGEST,
    parse: Callable[[Sequence[str]], Commanded] = no_commands,
) -> None:  # fmt: skip
    """Serve until the process is to end, or a part of it fails, whose error is raised. UsageError if the address is
    taken."""
    host, port = listen
    if host not in LOCAL and not url.startswith("https://"):
        raise UsageError(
            f"passwords and sessions would go to {host} without encryption",
            hint="listen on 127.0.0.1, with a proxy with TLS in front, and pass its address: --url https://…",
        )
    watcher = Watcher(ctx)
    config = uvicorn.Config(
        application(Site(ctx, watcher, Passwords(), forge, url, provider, open_metrics, largest_push, parse)),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    server = _Server(config)
    over, failures = threading.Event(), list[BaseException]()

    def part(work: Callable[[threading.Event], None]) -> threading.Thread:
        def run() -> None:
            try:
                work(over)
            except BaseException as error:
                failures.append(error)
                over.set()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    with _listening(host, port) as listener:
        parts = [
            part(Dispatcher(ctx, at_once).run), part(Clock(ctx).run), part(Poller(ctx).run), part(Tender(ctx).run), part(watcher.run),
            part(Messenger(ctx, url).run),
            part(lambda over: server.run(sockets=[listener])),
        ]  # fmt: skip
        try:
            ctx.reporter.note(f"serves {url or f'http://{host}:{listener.getsockname()[1]}'} until Ctrl-C")
            while not over.wait(LOOK):
                if ctx.cancelled.is_set():
                    break
        finally:
            over.set()
            server.should_exit = True
            for thread in parts:
                thread.join()
    if failures and not ctx.cancelled.is_set():
        raise failures[0]


def address_of(text: str) -> tuple[str, int]:
    """Host and port. UsageError if the text is not that."""
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"{text!r} is no address with a port", hint="such as 127.0.0.1:8470")
    return host.strip("[]"), int(port)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """They belong to the command line."""
        yield


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise UsageError(
            f"{host}:{port} can't be listened on: {error.strerror or error}", hint="--listen takes another"
        ) from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else the second part of an answer waits for 40 ms
    return listener
