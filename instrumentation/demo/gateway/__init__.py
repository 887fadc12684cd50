"""A double of the payment gateway, for drills and for people: Stripe's PaymentIntents wire format.

One rule: it refuses what Stripe refuses, so that a client which is wrong fails here as well.

It is a real HTTP server, imports only the standard library, and runs as
``python -m instrumentation.demo.gateway`` or, inside another process, as ``GatewayDouble``.
"""

from instrumentation.demo.gateway.behaviour import Behaviour
from instrumentation.demo.gateway.server import GatewayDouble

__all__ = ["Behaviour", "GatewayDouble"]
