"""What clients send, parsed.

One rule: past this module a request's body is a value whose every field was checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask import Request
from werkzeug.exceptions import BadRequest

LARGEST_ID = 2**31 - 1  # PostgreSQL's integer
LARGEST_AMOUNT_CENTS = 99_999_999  # the payment gateway's own limit
ROOM_CHARACTERS = 100  # the column's length
PAYMENT_METHOD = re.compile(r"[A-Za-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingBody:
    """A wish to book a room."""

    user_id: int
    room: str

    @classmethod
    def of(cls, request: Request) -> BookingBody:
        """Parse a request's body.

        Raises:
            BadRequest: naming the field that is not as it should be.
        """
        fields = _fields(request)
        room = fields.get("room")
        if not isinstance(room, str) or not room.isprintable() or not room.strip():
            raise BadRequest("room: expected a name")
        if len(room) > ROOM_CHARACTERS:
            raise BadRequest(f"room: expected at most {ROOM_CHARACTERS} characters")
        return cls(user_id=_integer(fields, "user_id", LARGEST_ID), room=room.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentBody:
    """A wish to pay; the amount is in the currency's smallest unit."""

    user_id: int
    amount_cents: int
    payment_method: str

    @classmethod
    def of(cls, request: Request) -> PaymentBody:
        """Parse a request's body.

        Raises:
            BadRequest: naming the field that is not as it should be.
        """
        fields = _fields(request)
        payment_method = fields.get("payment_method")
        if not isinstance(payment_method, str) or not PAYMENT_METHOD.fullmatch(payment_method):
            raise BadRequest("payment_method: expected a payment method's id, like pm_card_visa")
        return cls(
            user_id=_integer(fields, "user_id", LARGEST_ID),
            amount_cents=_integer(fields, "amount_cents", LARGEST_AMOUNT_CENTS),
            payment_method=payment_method,
        )


def _fields(request: Request) -> dict[str, object]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise BadRequest("expected a JSON object, with Content-Type: application/json")
    return body


def _integer(fields: dict[str, object], name: str, largest: int) -> int:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= largest:
        raise BadRequest(f"{name}: expected a whole number from 1 to {largest}")
    return value
