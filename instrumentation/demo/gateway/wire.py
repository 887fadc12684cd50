"""What Stripe answers: objects, error objects and cards, as its API reference gives them.

One rule: a value of this module is an answer; nothing here reads a clock, a socket or a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer whose body is JSON."""

    status: int
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline:
    """How a card is declined: Stripe's error code, the bank's reason, and the message."""

    code: str
    decline_code: str
    message: str


GENERIC_DECLINE = Decline(
    code="card_declined", decline_code="generic_decline", message="Your card was declined."
)

# Test payment methods, from Stripe's documentation on testing; None succeeds.
CARDS: Mapping[str, Decline | None] = {
    "pm_card_visa": None,
    "pm_card_visa_debit": None,
    "pm_card_mastercard": None,
    "pm_card_amex": None,
    "pm_card_chargeDeclined": GENERIC_DECLINE,
    "pm_card_visa_chargeDeclined": GENERIC_DECLINE,
    "pm_card_chargeDeclinedInsufficientFunds": Decline(
        code="card_declined",
        decline_code="insufficient_funds",
        message="Your card has insufficient funds.",
    ),
    "pm_card_visa_chargeDeclinedInsufficientFunds": Decline(
        code="card_declined",
        decline_code="insufficient_funds",
        message="Your card has insufficient funds.",
    ),
    "pm_card_chargeDeclinedExpiredCard": Decline(
        code="expired_card", decline_code="expired_card", message="Your card has expired."
    ),
}

MINIMUM_AMOUNT = {"usd": 50, "eur": 50, "gbp": 30, "chf": 50, "cad": 50, "aud": 50}
"""The currencies that the double knows, with Stripe's smallest charge in each one's cents."""

MAXIMUM_AMOUNT = 99_999_999


class Refused(Exception):
    """A request that Stripe would refuse; ``answer`` is how."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def invalid(message: str, *, code: str | None = None, param: str | None = None) -> Refused:
    """A request that is wrong: 400 ``invalid_request_error``."""
    return Refused(_error(400, "invalid_request_error", message, code=code, param=param))


def unauthorized(message: str) -> Refused:
    """A key that is missing or wrong: 401."""
    answer = _error(
        401,
        "invalid_request_error",
        message,
        headers={"WWW-Authenticate": 'Bearer realm="Stripe"'},
    )
    return Refused(answer)


def unknown_url(method: str, path: str) -> Refused:
    """A path that is not served, or not with this method: 404."""
    return Refused(
        _error(
            404,
            "invalid_request_error",
            f"Unrecognized request URL ({method}: {path}). If you are trying to list objects, "
            "remove the trailing slash. If you are trying to retrieve an object, make sure you "
            "passed a valid (non-empty) identifier in your code.",
        )
    )


def no_such(kind: str, identifier: str, *, status: int, param: str) -> Refused:
    """An object that does not exist: ``resource_missing``."""
    return Refused(
        _error(
            status,
            "invalid_request_error",
            f"No such {kind}: '{identifier}'",
            code="resource_missing",
            param=param,
        )
    )


def reused_key(key: str) -> Refused:
    """An idempotency key that came with other parameters before: 400 ``idempotency_error``."""
    return Refused(
        _error(
            400,
            "idempotency_error",
            "Keys for idempotent requests can only be used with the same parameters they were "
            f"first used with. Try using a key other than '{key}' if you meant to execute a "
            "different request.",
        )
    )


def server_error() -> Answer:
    """Something is wrong on Stripe's side: 500 ``api_error``."""
    return _error(
        500,
        "api_error",
        "An unknown error occurred while processing your request. The error has been logged.",
    )


def declined(decline: Decline, intent: Json) -> Answer:
    """A card that is declined: 402 ``card_error``, with the intent that waits for another card."""
    return _error(
        402,
        "card_error",
        decline.message,
        code=decline.code,
        more={
            "decline_code": decline.decline_code,
            "charge": intent["latest_charge"],
            "payment_intent": intent,
        },
    )


def payment_intent(
    *,
    identifier: str,
    created: int,
    amount: int,
    currency: str,
    status: str,
    payment_method: str | None,
    metadata: Mapping[str, str],
    description: str | None,
) -> Json:
    """Return a PaymentIntent object.

    Args:
        identifier: what follows ``pi_`` and ``ch_`` in the ids.
        created: seconds since the epoch.
        amount: in the currency's smallest unit.
        currency: its three letters, in lower case.
        status: ``requires_payment_method``, ``requires_confirmation`` or ``succeeded``.
        payment_method: the id of the one that was used.
        metadata: what the client wants to find again.
        description: the same, for people.
    """
    charged = status == "succeeded"
    tried = charged or (status == "requires_payment_method" and payment_method is not None)
    return {
        "id": f"pi_{identifier}",
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": amount if charged else 0,
        "automatic_payment_methods": {"allow_redirects": "never", "enabled": True},
        "capture_method": "automatic_async",
        "client_secret": f"pi_{identifier}_secret_{identifier[::-1]}",
        "confirmation_method": "automatic",
        "created": created,
        "currency": currency,
        "customer": None,
        "description": description,
        "latest_charge": f"ch_{identifier}" if tried else None,
        "livemode": False,
        "metadata": dict(metadata),
        "next_action": None,
        "payment_method": payment_method if status != "requires_payment_method" else None,
        "payment_method_types": ["card"],
        "status": status,
    }


def _error(
    status: int,
    kind: str,
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
    more: Json | None = None,
) -> Answer:
    error: dict[str, object] = {"message": message, "type": kind, **(more or {})}
    if code is not None:
        error["code"] = code
        error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
    if param is not None:
        error["param"] = param
    return Answer(status=status, body={"error": error}, headers=headers or {})
