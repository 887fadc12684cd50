"""The address of one web receiver, behind which its service answers, or fails as it is told to.

Design rule: what a service takes and refuses is its own matter; when and how it fails is decided
here, the same for all, and its port stays reserved while nobody listens on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, Self

from stack.ports import LOOPBACK, reserve
from stack.receivers.trouble import Spell, Trouble, Troubles
from stack.receivers.web import Answer, HttpDouble, Request


class Service(Protocol):
    """A wire format's other end."""

    def respond(self, request: Request) -> Answer:
        """Answer as the real service does, and record what was delivered."""
        ...

    def fail(self, request: Request, status: int) -> Answer:
        """Answer 429 or 500 in the service's words, and record what was not taken."""
        ...


_STATUS = {Trouble.RATE_LIMITED: 429, Trouble.SERVER_ERROR: 500}


class Door:
    """Serves one receiver on a port of its own. A context manager."""

    def __init__(self, name: str, service: Service, *, host: str = LOOPBACK) -> None:
        self._name = name
        self._service = service
        self._place = reserve(host)
        self._server: HttpDouble | None = None
        self._troubles = Troubles(self._close, self._open)

    @property
    def url(self) -> str:
        """Scheme, host and port, without a trailing slash."""
        return f"http://{self._place.address}"

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        self._place.close()

    @contextmanager
    def failing(
        self, trouble: Trouble, *, times: int | None = None, seconds: float | None = None
    ) -> Iterator[Spell]:
        """Fail for a bounded time; see `Troubles.failing`."""
        with self._troubles.failing(trouble, times=times, seconds=seconds) as spell:
            yield spell

    def _respond(self, request: Request) -> Answer | None:
        spell = self._troubles.hit()
        if spell is None:
            return self._service.respond(request)
        if spell.trouble is Trouble.SILENT:
            self._service.respond(request)
            spell.over.wait()
            return None
        return self._service.fail(request, _STATUS[spell.trouble])

    def _open(self) -> None:
        server = HttpDouble(self._name, self._respond, host=self._place.host, port=self._place.port)
        server.__enter__()
        self._server = server

    def _close(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            server.__exit__()
