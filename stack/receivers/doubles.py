"""All receivers of the production Alertmanager configuration, started together for one run.

Design rule: every secret is made here, once a run, and leaves only as a file; what a sender needs
besides is an attribute. A broken observer fails the run, and never the receiver.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import Self

import trustme

from stack.receivers.delivery import SLACK_ALERTS, SLACK_INCIDENTS, Delivery
from stack.receivers.mail_server import MailServer
from stack.receivers.pagerduty import PATH, ROUTING_KEY_CHARACTERS, PagerDuty
from stack.receivers.slack import Slack, Webhook
from stack.receivers.web import HttpDouble

SMTP_USERNAME = "alertmanager@softfactory.example"
ON_CALL_ADDRESS = "oncall@softfactory.example"


class Receivers:
    """PagerDuty, Slack and a mail server on loopback ports. A context manager.

    On entering, `secrets_directory` (made when missing) gets `pagerduty_routing_key`,
    `slack_incidents_url`, `slack_alerts_url` and `smtp_password`, new for every run and readable by
    their owner alone, and `smtp_ca.pem`, the authority that signed the mail server's certificate.
    The files stay on leaving; they are worth nothing then.

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

    def __init__(self, secrets_directory: Path, on_delivery: Callable[[Delivery], None]) -> None:
        self._directory = secrets_directory
        self._on_delivery = on_delivery
        self._lock = Lock()
        self._deliveries: list[Delivery] = []
        self._failures: list[Exception] = []
        self._running = ExitStack()

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

    def _start(self, running: ExitStack) -> None:
        routing_key = secrets.token_hex(ROUTING_KEY_CHARACTERS // 2)
        pagerduty = PagerDuty(routing_key=routing_key, record=self._record)
        pagerduty_server = running.enter_context(HttpDouble("pagerduty", pagerduty.respond))
        self.pagerduty_url = pagerduty_server.url + PATH
        self._write("pagerduty_routing_key", routing_key)

        team = "T" + _letters(8)
        incidents = Webhook(
            channel="#incidents", team=team, service="B" + _letters(8), token=_letters(24)
        )
        alerts = Webhook(
            channel="#alerts", team=team, service="B" + _letters(8), token=_letters(24)
        )
        slack = Slack(
            webhooks={SLACK_INCIDENTS: incidents, SLACK_ALERTS: alerts}, record=self._record
        )
        slack_server = running.enter_context(HttpDouble("slack", slack.respond))
        self._write("slack_incidents_url", slack_server.url + incidents.path)
        self._write("slack_alerts_url", slack_server.url + alerts.path)

        authority = trustme.CA()
        password = secrets.token_urlsafe(24)
        mail_server = running.enter_context(
            MailServer(
                authority=authority,
                username=SMTP_USERNAME,
                password=password,
                recipient=ON_CALL_ADDRESS,
                record=self._record,
            )
        )
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
