"""All receivers of the production Alertmanager configuration, started together for one run.

Design rule: every secret is made here, once a run, and leaves only as a file; what a sender needs
besides is an attribute. A broken observer fails the run, and never the receiver.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Self

import trustme

from stack.ports import LOOPBACK
from stack.receivers import discord
from stack.receivers.dead_mans_switch import DeadMansSwitch
from stack.receivers.delivery import (
    DISCORD_OPS,
    EMAIL_DIGEST,
    EMAIL_ON_CALL,
    PAGERDUTY,
    SLACK_ALERTS,
    SLACK_INCIDENTS,
    WEBHOOK_HEARTBEAT,
    WEBHOOK_TICKET,
    Delivery,
)
from stack.receivers.door import Door, Service
from stack.receivers.mail_server import MailServer
from stack.receivers.pagerduty import PATH, ROUTING_KEY_CHARACTERS, PagerDuty
from stack.receivers.slack import Slack, Webhook
from stack.receivers.trouble import Spell, Trouble
from stack.receivers.webhook import Hook, Hooks

SMTP_USERNAME = "alertmanager@softfactory.example"
ON_CALL_ADDRESS = "oncall@softfactory.example"
DIGEST_ADDRESS = "digest@softfactory.example"


class Receivers:
    """Every receiver's service on ports of its own, of `host`. A context manager.

    On entering, `secrets_directory` (made when missing) gets the files that production's
    configuration names, new for every run and readable by their owner alone, and `smtp_ca.pem`, the
    authority that signed the mail server's certificate. The files stay on leaving; they are worth
    nothing then.

    `on_delivery` is called with every delivery, accepted or refused, from the thread that serves
    the connection and before it is answered: it should be quick. An exception that it raises is
    raised again on leaving, all of them in one group.
    """

    pagerduty_url: str
    """For `global.pagerduty_url`."""
    smtp_smarthost: str
    """For `global.smtp_smarthost`; the certificate is valid for its host."""
    smtp_ca_file: Path
    """For `tls_config.ca_file` of the email receiver, or `global.smtp_tls_config`."""
    smtp_username: str = SMTP_USERNAME
    """For `global.smtp_auth_username`; also the only sender address that it may use."""

    def __init__(
        self,
        secrets_directory: Path,
        on_delivery: Callable[[Delivery], None],
        *,
        host: str = LOOPBACK,
    ) -> None:
        self._host = host
        self._directory = secrets_directory
        self._on_delivery = on_delivery
        self._lock = Lock()
        self._deliveries: list[Delivery] = []
        self._failures: list[Exception] = []
        self._running = ExitStack()
        self._services: dict[str, Door | MailServer] = {}
        self._switch: DeadMansSwitch | None = None

    @property
    def deliveries(self) -> list[Delivery]:
        """A copy of everything received until now, in the order in which it arrived."""
        with self._lock:
            return list(self._deliveries)

    def __enter__(self) -> Self:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExitStack() as starting:
            self._start(starting)
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()
        if self._failures:
            raise ExceptionGroup("on_delivery failed; its deliveries were kept", self._failures)

    @contextmanager
    def failing(
        self,
        receiver: str,
        trouble: Trouble,
        *,
        times: int | None = None,
        seconds: float | None = None,
    ) -> Iterator[Spell]:
        """Let one receiver's service fail until the block ends, or for `times` or `seconds`.

        Both mail receivers are served by one mail server, so either's name is trouble for both.
        Raises KeyError for an unknown receiver, and as `Troubles.failing` does.
        """
        services = self._services
        if receiver not in services:
            raise KeyError(f"no receiver {receiver!r}; there are {', '.join(services)}")
        with services[receiver].failing(trouble, times=times, seconds=seconds) as spell:
            yield spell

    @contextmanager
    def dead_mans_switch(self, *, period: timedelta, grace: timedelta) -> Iterator[DeadMansSwitch]:
        """Arm a switch that hears what arrives at "webhook heartbeat"; its pages are deliveries."""
        with DeadMansSwitch(period=period, grace=grace, record=self._record) as switch:
            self._switch = switch
            try:
                yield switch
            finally:
                self._switch = None

    def _heard(self, at: float) -> None:
        switch = self._switch
        if switch is not None:
            switch.beat(at)

    def _start(self, running: ExitStack) -> None:
        def serve(receiver: str, service: Service) -> str:
            door = running.enter_context(Door(receiver, service, host=self._host))
            self._services[receiver] = door
            return door.url

        routing_key = secrets.token_hex(ROUTING_KEY_CHARACTERS // 2)
        pagerduty = PagerDuty(routing_key=routing_key, record=self._record)
        self.pagerduty_url = serve(PAGERDUTY, pagerduty) + PATH
        self._write("pagerduty_routing_key", routing_key)

        team = "T" + _letters(8)
        webhooks = {
            receiver: Webhook(
                channel=channel, team=team, service="B" + _letters(8), token=_letters(24)
            )
            for receiver, channel in ((SLACK_INCIDENTS, "#incidents"), (SLACK_ALERTS, "#alerts"))
        }
        slack = Slack(webhooks=webhooks, record=self._record)
        for receiver, name in (
            (SLACK_INCIDENTS, "slack_incidents_url"),
            (SLACK_ALERTS, "slack_alerts_url"),
        ):
            self._write(name, serve(receiver, slack) + webhooks[receiver].path)

        ops = discord.Webhook(
            id=str(10**17 + secrets.randbelow(10**17)), token=secrets.token_urlsafe(51)
        )
        double = discord.Discord(webhook=ops, record=self._record)
        self._write("discord_ops_url", serve(DISCORD_OPS, double) + ops.path)

        hooks = {
            WEBHOOK_TICKET: Hook(name="ticket", token=secrets.token_urlsafe(24)),
            WEBHOOK_HEARTBEAT: Hook(name="heartbeat", token=secrets.token_urlsafe(24)),
        }
        taker = Hooks(
            hooks=hooks, record=self._record, heartbeat=WEBHOOK_HEARTBEAT, beat=self._heard
        )
        for receiver, hook in hooks.items():
            self._write(f"webhook_{hook.name}_url", serve(receiver, taker) + hook.path)

        authority = trustme.CA()
        password = secrets.token_urlsafe(24)
        mail_server = running.enter_context(
            MailServer(
                authority=authority,
                username=SMTP_USERNAME,
                password=password,
                mailboxes={ON_CALL_ADDRESS: EMAIL_ON_CALL, DIGEST_ADDRESS: EMAIL_DIGEST},
                record=self._record,
                host=self._host,
            )
        )
        self._services[EMAIL_ON_CALL] = self._services[EMAIL_DIGEST] = mail_server
        self.smtp_smarthost = mail_server.smarthost
        self._write("smtp_password", password)
        self.smtp_ca_file = self._write("smtp_ca.pem", authority.cert_pem.bytes().decode())

    def _write(self, name: str, content: str) -> Path:
        path = self._directory / name
        path.unlink(missing_ok=True)  # an old file would keep its mode
        path.touch(mode=0o600)
        path.write_text(content)
        return path

    def _record(self, delivery: Delivery) -> None:
        with self._lock:
            self._deliveries.append(delivery)
        try:
            self._on_delivery(delivery)
        except Exception as failure:  # noqa: BLE001 - kept and raised on leaving; the sender must be answered
            with self._lock:
                self._failures.append(failure)


def _letters(count: int) -> str:
    return "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(count))
