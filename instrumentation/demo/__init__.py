"""The SoftFactory service: users, payments and bookings, as a team's Flask service would be.

One rule: the service reads its settings once, in its factory; importing it has no effect.

``create_app`` is resolved when it is first asked for, because the gateway's double, which is part
of this package and runs many times over, needs neither SQLAlchemy nor the Stripe client. Asking
for it loads both, so that a parent which forks shares them with its children.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from instrumentation.demo.app import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> object:
    if name == "create_app":
        from instrumentation.demo.app import create_app

        return create_app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has: create_app")
