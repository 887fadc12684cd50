"""What SoftFactory keeps: users, their payments, their bookings.

One rule: a table is described here and nowhere else, for SQLite and PostgreSQL alike.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column


def _now() -> datetime:
    return datetime.now(UTC)


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True):
    """The parent of every table's class."""


class User(Base):
    """A person who books and pays."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    name: Mapped[str] = mapped_column(String(100))
    email: Mapped[str] = mapped_column(String(200), unique=True)


class Booking(Base):
    """A room that a user has booked."""

    __tablename__ = "bookings"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    room: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), init=False, default_factory=_now
    )


class Payment(Base):
    """A payment, written down as ``pending`` before the gateway is asked.

    Attributes:
        reference: our own name for it, sent as the idempotency key: asking twice charges once.
        status: ``pending``, ``succeeded``, ``declined`` or ``failed``.
        gateway_id: what the gateway calls it, once it has answered.
    """

    __tablename__ = "payments"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    reference: Mapped[str] = mapped_column(String(64), unique=True)
    status: Mapped[str] = mapped_column(String(16), default="pending")
    gateway_id: Mapped[str | None] = mapped_column(String(100), default=None)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), init=False, default_factory=_now
    )


class ProbeWrite(Base):
    """Where the database probe writes; its transactions are rolled back, so it stays empty."""

    __tablename__ = "probe_writes"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
