"""Read-only clients of a running stack.

Design rule: a client reads and types what it read; it changes nothing and judges nothing.
"""

from stack.clients.alertmanager import AlertmanagerClient, AlertmanagerError
from stack.clients.prometheus import PrometheusClient, PrometheusError

__all__ = ["AlertmanagerClient", "AlertmanagerError", "PrometheusClient", "PrometheusError"]
