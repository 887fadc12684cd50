"""A mail server as a provider runs one for its customers: submission with STARTTLS and a login.

Design rule: the dialogue and TLS are real (aiosmtpd, and a certificate authority of the run's own),
so that a client's verification, login and refusals are exercised and not turned off.

Sources: RFC 6409 (message submission), RFC 3207 (STARTTLS: 530 before it), RFC 4954 (AUTH: 530
without it, 535 for wrong credentials, 538 without encryption), RFC 5321 (550 for an unknown
mailbox), RFC 3463 (the enhanced codes). A sender address that is not the account's is refused as
Postfix does it (reject_sender_login_mismatch, 553 5.7.1).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from secrets import compare_digest
from typing import Any, Self

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session, TLSSetupException

from stack.ports import LOOPBACK, Place, reserve
from stack.receivers import mail
from stack.receivers.delivery import EMAIL_UNKNOWN, Delivery, deliver
from stack.receivers.trouble import Spell, Trouble, Troubles

SERVER_NAME = "mail.softfactory.example"
MAXIMUM_MESSAGE_BYTES = 10 * 1024 * 1024
_WAIT_SECONDS = 15.0


_REFUSED_BY_AIOSMTPD = {b"530", b"535", b"538", b"552"}
"""Not encrypted, not logged in, wrong credentials, too large: before any hook of ours is asked."""


_FAILS = {
    Trouble.RATE_LIMITED: "451 4.7.1 Too many messages, try again later",
    Trouble.SERVER_ERROR: "451 4.3.0 Temporary failure, try again later",
}
"""RFC 5321 has no 429 and no 500: both are transient failures, told apart by RFC 3463's codes."""


class _Session(Session):
    @property
    def login_data(self) -> object:
        """Nothing: aiosmtpd sets its own legacy attribute and warns of that at each login."""
        return None

    @login_data.setter
    def login_data(self, value: object) -> None:
        """Forget it; `auth_data` has the login."""


class _Submission(SMTP):
    # Alertmanager tells the questions of AUTH LOGIN apart by these words, as do many clients;
    # aiosmtpd's own "User Name" makes it give up.
    AuthLoginUsernameChallenge = "Username:"
    AuthLoginPasswordChallenge = "Password:"

    def __init__(self, handler: _Handler, *, sessions: set[_Submission], **options: Any) -> None:
        super().__init__(handler, **options)
        self._handler = handler
        self._sessions = sessions
        self._ended = self.loop.create_future()

    def _create_session(self) -> Session:
        return _Session(self.loop)

    async def push(self, status: str | bytes) -> None:
        """Reply, and record replies with which aiosmtpd itself turns mail away."""
        reply = status.encode() if isinstance(status, str) else status
        if reply[:3] in _REFUSED_BY_AIOSMTPD:
            self._handler.refuse(reply.decode())
        await super().push(reply)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, and begin again when STARTTLS has put TLS underneath."""
        super().connection_made(transport)
        self._sessions.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._sessions.discard(self)
        if not self._ended.done():
            self._ended.set_result(None)

    async def end(self) -> None:
        """Drop the connection, without the courtesies of TLS and SMTP."""
        transport = self.transport
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()
            await self._ended


class _Handler:
    """aiosmtpd's hooks: who may log in, send and receive, and what becomes of a message."""

    def __init__(
        self,
        *,
        username: str,
        password: str,
        mailboxes: Mapping[str, str],
        record: Callable[[Delivery], None],
        hit: Callable[[], Spell | None],
    ) -> None:
        self._username = username
        self._password = password
        self._mailboxes = {address.casefold(): name for address, name in mailboxes.items()}
        self._record = record
        self._hit = hit

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        """Check a login; aiosmtpd answers 235 or 535."""
        assert isinstance(data, LoginPassword)
        right = compare_digest(data.login, self._username.encode()) and compare_digest(
            data.password, self._password.encode()
        )
        return AuthResult(success=right, handled=False, auth_data=data)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.casefold() != self._username.casefold():
            return self.refuse(f"553 5.7.1 {address}: Sender address rejected: not owned by user")
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.casefold() not in self._mailboxes:
            return self.refuse(f"550 5.1.1 {address}: Recipient address rejected: User unknown")
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        at = time.time()
        raw = envelope.content
        assert isinstance(raw, bytes)
        subject, text = mail.readable(raw)
        spell = self._hit()
        refused = (_FAILS.get(spell.trouble) if spell else None) or mail.refusal(raw)
        for address in envelope.rcpt_tos:
            self._record(
                deliver(
                    at=at,
                    receiver=self._mailboxes[address.casefold()],
                    headline=subject,
                    text=text,
                    payload=raw.decode(errors="replace").replace(self._password, "<redacted>"),
                    refusal=refused,
                )
            )
        if spell is not None and spell.trouble is Trouble.SILENT:
            await asyncio.to_thread(spell.over.wait)
            return "421 4.4.2 Closing"
        return refused or "250 2.0.0 OK: queued"

    async def handle_exception(self, error: Exception) -> str:
        """Record a client that does not trust us; leave any other failure to aiosmtpd's log."""
        if not isinstance(error, TLSSetupException):
            raise error
        return self.refuse(f"454 4.7.0 TLS not available: {error.__cause__}")

    def refuse(self, reply: str) -> str:
        """Record a refusal that comes before any message, for whom is not known yet."""
        self._record(
            deliver(
                at=time.time(),
                receiver=EMAIL_UNKNOWN,
                headline="",
                text="",
                payload="",
                refusal=reply,
            )
        )
        return reply


class _Controller(Controller):
    """Listens on a port that is reserved, so that it can stop listening and begin again."""

    def __init__(self, handler: _Handler, tls: ssl.SSLContext, place: Place) -> None:
        self._socket = socket.create_server((place.host, place.port))
        self._sessions: set[_Submission] = set()
        super().__init__(
            handler,
            hostname=place.host,
            port=place.port,
            ready_timeout=_WAIT_SECONDS,
            server_hostname=SERVER_NAME,  # else aiosmtpd asks DNS at every connection
            ident="ESMTP",
            tls_context=tls,
            require_starttls=True,
            auth_required=True,
            auth_require_tls=True,
            authenticator=handler.authenticate,
            data_size_limit=MAXIMUM_MESSAGE_BYTES,
            sessions=self._sessions,
        )

    def factory(self) -> SMTP:
        return _Submission(self.handler, loop=self.loop, **self.SMTP_kwargs)

    def _create_server(self) -> Awaitable[asyncio.AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self._socket)

    def close(self) -> None:
        """Close the port and every open connection, and end the thread."""
        if self._thread is None:
            self._socket.close()
            self.loop.close()
            return
        ended = asyncio.run_coroutine_threadsafe(self._end_sessions(), self.loop)
        ended.result(_WAIT_SECONDS)
        self.stop()

    async def _end_sessions(self) -> None:
        assert self.server is not None
        self.server.close()
        for session in list(self._sessions):
            await session.end()


class MailServer:
    """Some mailboxes and one account that may send to them. A context manager.

    `mailboxes` are addresses, each with the name of its receiver. `authority` signs the server's
    certificate, which is valid for the address in `smarthost`: that is the name that Alertmanager
    verifies unless its `tls_config` names another.
    """

    def __init__(
        self,
        *,
        authority: trustme.CA,
        username: str,
        password: str,
        mailboxes: Mapping[str, str],
        record: Callable[[Delivery], None],
        host: str = LOOPBACK,
    ) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host, "localhost", SERVER_NAME).configure_cert(self._tls)
        self._troubles = Troubles(self._close, self._open)
        self._handler = _Handler(
            username=username,
            password=password,
            mailboxes=mailboxes,
            record=record,
            hit=self._troubles.hit,
        )
        self._place = reserve(host)
        self._controller: _Controller | None = None

    @property
    def smarthost(self) -> str:
        """Host and port, as Alertmanager's `smtp_smarthost` wants them."""
        return self._place.address

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
        """Fail for all mailboxes, for a bounded time; see `Troubles.failing`."""
        with self._troubles.failing(trouble, times=times, seconds=seconds) as spell:
            yield spell

    def _open(self) -> None:
        self._controller = _Controller(self._handler, self._tls, self._place)
        self._controller.start()

    def _close(self) -> None:
        if self._controller is not None:
            controller, self._controller = self._controller, None
            controller.close()
