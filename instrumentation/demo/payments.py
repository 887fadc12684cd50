"""Payments through the gateway, with its official client.

One rule: a card that is declined is an answer; everything else that is not a success is a failure.
"""

from __future__ import annotations

import ipaddress
import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
import stripe
from requests.adapters import HTTPAdapter
from stripe import CardError, RequestsClient, StripeClient, StripeError

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCreateParams

log = logging.getLogger(__name__)

CURRENCY = "usd"
SUCCEEDED = "succeeded"  # of a payment intent's states the one that means paid
KEPT_CONNECTIONS = 64  # more than there are request threads: each may be waiting for the gateway


class Outcome(StrEnum):
    """How a payment attempt ended."""

    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What became of one payment attempt.

    Attributes:
        outcome: how it ended.
        gateway_id: the gateway's name for the payment, where it gave one.
        reason: why it did not succeed, for a person; never the gateway's secrets.
    """

    outcome: Outcome
    gateway_id: str | None = None
    reason: str | None = None


class PaymentGateway:
    """The payment gateway, over HTTP.

    Args:
        api_key: the secret key; ``None`` lets every payment fail.
        api_base: the gateway's address.
        timeout_seconds: how long to wait for a connection, and then for the answer.
    """

    def __init__(self, api_key: str | None, *, api_base: str, timeout_seconds: float) -> None:
        self._client: StripeClient | None = None
        if api_key is None:
            return
        # Telemetry writes an id below the user's home and tells it to the gateway: not ours to do.
        stripe.enable_telemetry = False
        logging.getLogger("stripe").setLevel(logging.WARNING)  # it tells of every request, twice
        session = requests.Session()
        session.trust_env = not _is_loopback(api_base)  # no proxy stands before this machine
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(pool_maxsize=KEPT_CONNECTIONS))
        self._client = StripeClient(
            api_key,
            base_addresses={"api": api_base},
            # One attempt: a retry would hide a failing gateway, and hold a thread meanwhile.
            max_network_retries=0,
            http_client=RequestsClient(timeout=timeout_seconds, session=session),
        )

    def charge(
        self, *, amount_cents: int, payment_method: str, reference: str, user_id: int
    ) -> Charge:
        """Ask for a payment once; every way to fail is an outcome, none is raised.

        Args:
            amount_cents: the amount in the currency's smallest unit.
            payment_method: the gateway's id of a card.
            reference: sent as the idempotency key: the same one is charged once.
            user_id: whose payment it is, for the gateway's records.
        """
        if self._client is None:
            return Charge(outcome=Outcome.FAILED, reason="no payment gateway is configured")
        params: PaymentIntentCreateParams = {
            "amount": amount_cents,
            "currency": CURRENCY,
            "payment_method": payment_method,
            "confirm": True,
            # There is no page to come back to, so no method that leaves for one.
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": {"reference": reference, "user_id": str(user_id)},
        }
        try:
            intent = self._client.v1.payment_intents.create(
                params, {"idempotency_key": f"payment-{reference}"}
            )
        except CardError as error:
            return Charge(
                outcome=Outcome.DECLINED,
                gateway_id=_intent_id(error),
                reason=error.code or "card_declined",
            )
        except StripeError as error:
            log.warning(
                "payment %s failed: %s (HTTP %s): %s",
                reference,
                type(error).__name__,
                error.http_status or "none",
                " ".join((error.user_message or "").split()),
            )
            return Charge(outcome=Outcome.FAILED, reason=type(error).__name__)
        if intent.status != SUCCEEDED:
            log.warning("payment %s: the gateway says %r", reference, intent.status)
            return Charge(outcome=Outcome.FAILED, gateway_id=intent.id, reason=intent.status)
        return Charge(outcome=Outcome.SUCCEEDED, gateway_id=intent.id)


def _intent_id(error: CardError) -> str | None:
    intent = error.error.payment_intent if error.error is not None else None
    return None if intent is None else intent.id


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
