"""SoftFactory's endpoints.

One rule: no transaction is open while somebody else is waited for; a payment is written down before
the gateway is asked, and again when it has answered.
"""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime

from flask import Blueprint, Response, jsonify, request
from prometheus_client import Counter
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from instrumentation.demo.accounts import Accounts, unauthorized
from instrumentation.demo.bodies import LARGEST_ID, BookingBody, PaymentBody
from instrumentation.demo.database import Database
from instrumentation.demo.models import Booking, Payment, User
from instrumentation.demo.payments import CURRENCY, Charge, Outcome, PaymentGateway

log = logging.getLogger(__name__)

LISTED = 50  # the newest rows that a list shows
STATUS_OF = {Outcome.SUCCEEDED: 201, Outcome.DECLINED: 402, Outcome.FAILED: 502}


def softfactory_routes(
    *, database: Database, gateway: PaymentGateway, attempts: Counter, accounts: Accounts
) -> Blueprint:
    """Return the endpoints, which work on ``database`` and pay through ``gateway``.

    Args:
        database: where the rows are.
        gateway: who takes the money.
        attempts: counts payment attempts by ``outcome``.
        accounts: knows whose account a request may see.
    """
    routes = Blueprint("softfactory", __name__)

    @routes.get("/")
    def index() -> Response:
        return jsonify(
            service="softfactory",
            endpoints=[
                *("/api/users", "/api/account", "/api/bookings", "/api/payments"),
                "/api/metrics/summary",
            ],
        )

    @routes.get("/api/users")
    def list_users() -> Response:
        with database.reading() as session:
            users = session.scalars(select(User).order_by(User.id).limit(LISTED))
            return jsonify(users=[_user(user) for user in users])

    @routes.get(f"/api/users/<int(min=1, max={LARGEST_ID}):user_id>")
    def show_user(user_id: int) -> Response:
        with database.reading() as session:
            return jsonify(_user(_existing_user(session, user_id)))

    @routes.get("/api/account")
    def show_account() -> Response:
        user_id = accounts.user_id(request.headers.get("Authorization", ""))
        with database.reading() as session:
            user = session.get(User, user_id)
            if user is None:
                raise unauthorized("this token's user is gone", error="invalid_token")
            return jsonify(_user(user))

    @routes.get("/api/bookings")
    def list_bookings() -> Response:
        with database.reading() as session:
            bookings = session.scalars(select(Booking).order_by(Booking.id.desc()).limit(LISTED))
            return jsonify(bookings=[_booking(booking) for booking in bookings])

    @routes.post("/api/bookings")
    def book() -> tuple[Response, int]:
        body = BookingBody.of(request)
        with database.writing() as session:
            _existing_user(session, body.user_id)
            booking = Booking(user_id=body.user_id, room=body.room)
            session.add(booking)
        return jsonify(_booking(booking)), 201

    @routes.post("/api/payments")
    def pay() -> tuple[Response, int]:
        body = PaymentBody.of(request)
        with database.writing() as session:
            _existing_user(session, body.user_id)
            payment = Payment(
                user_id=body.user_id,
                amount_cents=body.amount_cents,
                currency=CURRENCY,
                reference=uuid.uuid4().hex,
            )
            session.add(payment)
        charge = gateway.charge(
            amount_cents=body.amount_cents,
            payment_method=body.payment_method,
            reference=payment.reference,
            user_id=body.user_id,
        )
        attempts.labels(charge.outcome.value).inc()
        _conclude(database, payment, charge)
        return jsonify(_payment(payment, charge)), STATUS_OF[charge.outcome]

    return routes


def _existing_user(session: Session, user_id: int) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFound(f"there is no user {user_id}")
    return user


def _conclude(database: Database, payment: Payment, charge: Charge) -> None:
    try:
        with database.writing() as session:
            session.execute(
                update(Payment)
                .where(Payment.id == payment.id)
                .values(status=charge.outcome.value, gateway_id=charge.gateway_id)
            )
    except SQLAlchemyError:
        # Money may have moved: whoever reconciles finds the row pending, and this line.
        log.error(
            "payment %s stays pending in the database; the gateway's outcome was %s (%s)",
            payment.reference,
            charge.outcome.value,
            charge.gateway_id,
        )
        raise


def _user(user: User) -> dict[str, object]:
    return {"id": user.id, "name": user.name, "email": user.email}


def _booking(booking: Booking) -> dict[str, object]:
    return {
        "id": booking.id,
        "user_id": booking.user_id,
        "room": booking.room,
        "created_at": _utc(booking.created_at),
    }


def _payment(payment: Payment, charge: Charge) -> dict[str, object]:
    return {
        "id": payment.id,
        "user_id": payment.user_id,
        "amount_cents": payment.amount_cents,
        "currency": payment.currency,
        "status": charge.outcome.value,
        "reason": charge.reason,
        "created_at": _utc(payment.created_at),
    }


def _utc(moment: datetime) -> str:
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.isoformat(timespec="milliseconds").replace("+00:00", "Z")
