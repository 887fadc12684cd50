"""The PaymentIntents endpoint: what a form-encoded request is answered with.

One rule: a request is judged as a whole before anything is remembered of it.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qsl

from instrumentation.demo.gateway.wire import (
    CARDS,
    GENERIC_DECLINE,
    MAXIMUM_AMOUNT,
    MINIMUM_AMOUNT,
    Answer,
    Json,
    declined,
    invalid,
    no_such,
    payment_intent,
    reused_key,
)

REMEMBERED = 2000  # intents, and idempotency keys: enough for minutes of a drill's payments

Value = TypeVar("Value")

KNOWN_PARAMETERS = re.compile(
    r"amount|currency|confirm|description|payment_method|off_session|receipt_email"
    r"|payment_method_types\[\d*\]|metadata\[[^\[\]]{1,40}\]|expand\[\d*\]"
    r"|automatic_payment_methods\[(enabled|allow_redirects)\]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    amount: int
    currency: str
    confirm: bool
    payment_method: str | None
    metadata: Mapping[str, str]
    description: str | None


class PaymentIntents:
    """The payment intents of one double; any number of threads may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._intents: OrderedDict[str, Json] = OrderedDict()
        self._answers: OrderedDict[str, tuple[str, Answer]] = OrderedDict()

    def create(self, form: str, *, idempotency_key: str | None, decline: bool = False) -> Answer:
        """Answer a request to create an intent, and to confirm it if it asks for that.

        Args:
            form: the form-encoded body.
            idempotency_key: the same key gets the same answer and charges once.
            decline: every card is declined.

        Raises:
            Refused: Stripe would refuse the request.
        """
        with self._lock:
            if idempotency_key is not None and idempotency_key in self._answers:
                earlier, answer = self._answers[idempotency_key]
                if earlier != form:
                    raise reused_key(idempotency_key)
                return Answer(
                    status=answer.status,
                    body=answer.body,
                    headers={**answer.headers, "Idempotent-Replayed": "true"},
                )
            answer = self._create(_order(form), decline=decline)
            if idempotency_key is not None:
                _remember(self._answers, idempotency_key, (form, answer))
            return answer

    def retrieve(self, identifier: str) -> Answer:
        """Answer a request for one intent.

        Raises:
            Refused: there is none with this id.
        """
        with self._lock:
            intent = self._intents.get(identifier)
        if intent is None:
            raise no_such("payment_intent", identifier, status=404, param="intent")
        return Answer(status=200, body=intent)

    def _create(self, order: _Order, *, decline: bool) -> Answer:
        refusal = None
        if order.payment_method is not None and order.confirm:
            refusal = CARDS[order.payment_method] or (GENERIC_DECLINE if decline else None)
        if refusal is not None or order.payment_method is None:
            status = "requires_payment_method"
        else:
            status = "succeeded" if order.confirm else "requires_confirmation"
        intent = payment_intent(
            identifier=secrets.token_hex(12),
            created=int(time.time()),
            amount=order.amount,
            currency=order.currency,
            status=status,
            payment_method=order.payment_method,
            metadata=order.metadata,
            description=order.description,
        )
        _remember(self._intents, str(intent["id"]), intent)
        if refusal is not None:
            return declined(refusal, intent)
        return Answer(status=200, body=intent)


def _remember(memory: OrderedDict[str, Value], key: str, value: Value) -> None:
    memory[key] = value
    if len(memory) > REMEMBERED:
        memory.popitem(last=False)


def _order(form: str) -> _Order:
    fields = dict(parse_qsl(form, keep_blank_values=True))
    for name in fields:
        if not KNOWN_PARAMETERS.fullmatch(name):
            raise invalid(
                f"Received unknown parameter: {name}", code="parameter_unknown", param=name
            )
    amount = _amount(fields)
    currency = _currency(fields)
    if amount < MINIMUM_AMOUNT[currency]:
        raise invalid(
            f"Amount must be at least {MINIMUM_AMOUNT[currency]} cents {currency}",
            code="amount_too_small",
            param="amount",
        )
    confirm = _boolean(fields, "confirm")
    payment_method = _payment_method(fields, confirm=confirm)
    if confirm and not _stays_on_this_page(fields):
        raise invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. "
            "Because some of these payment methods might redirect your customer off of your page, "
            "you must provide a `return_url`. If you don't want to accept redirect-based payment "
            "methods, set `automatic_payment_methods[enabled]` to `true` and "
            "`automatic_payment_methods[allow_redirects]` to `never`."
        )
    return _Order(
        amount=amount,
        currency=currency,
        confirm=confirm,
        payment_method=payment_method,
        metadata={
            name[len("metadata[") : -1]: value
            for name, value in fields.items()
            if name.startswith("metadata[")
        },
        description=fields.get("description"),
    )


def _amount(fields: Mapping[str, str]) -> int:
    text = _required(fields, "amount")
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise invalid(f"Invalid integer: {text}", code="parameter_invalid_integer", param="amount")
    amount = int(text)
    if amount < 1:
        raise invalid(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount",
        )
    if amount > MAXIMUM_AMOUNT:
        raise invalid(
            "Amount must be no more than 999,999.99", code="amount_too_large", param="amount"
        )
    return amount


def _currency(fields: Mapping[str, str]) -> str:
    currency = _required(fields, "currency").lower()
    if currency not in MINIMUM_AMOUNT:
        raise invalid(
            f"Invalid currency: {currency}. This double supports: {', '.join(MINIMUM_AMOUNT)}",
            param="currency",
        )
    return currency


def _payment_method(fields: Mapping[str, str], *, confirm: bool) -> str | None:
    payment_method = fields.get("payment_method")
    if payment_method is None:
        if confirm:
            raise invalid(
                "You cannot confirm this PaymentIntent because it's missing a payment method. "
                "You can either update the PaymentIntent with a payment method and then confirm it "
                "again, or confirm it again directly with a payment method.",
                code="payment_intent_unexpected_state",
            )
    elif payment_method not in CARDS:
        raise no_such("PaymentMethod", payment_method, status=400, param="payment_method")
    return payment_method


def _stays_on_this_page(fields: Mapping[str, str]) -> bool:
    if any(name.startswith("payment_method_types[") for name in fields):
        return True
    return (
        fields.get("automatic_payment_methods[enabled]") == "true"
        and fields.get("automatic_payment_methods[allow_redirects]") == "never"
    )


def _boolean(fields: Mapping[str, str], name: str) -> bool:
    text = fields.get(name, "false").lower()
    if text not in ("true", "false"):
        raise invalid(f"Invalid boolean: {text}", param=name)
    return text == "true"


def _required(fields: Mapping[str, str], name: str) -> str:
    text = fields.get(name)
    if not text:
        raise invalid(f"Missing required param: {name}.", code="parameter_missing", param=name)
    return text
