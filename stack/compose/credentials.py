"""Every secret of the stack: what it is called, and how one is made. None has a default.

Design rule: what a machine can choose is random; what only a person has is made as a placeholder
that reaches nobody and is told as not set, so that the stack starts without it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

__all__ = ["CREDENTIALS", "SHORTEST", "Credential", "is_unset", "refusal"]

SHORTEST = 16
"""Characters of a password or key; every password that is some product's default is shorter."""

_SPECIAL = '$"\\'
"""Grafana takes a dollar sign for a variable, in a file's text too; the others end quoted words."""

_UNSET_URL = "https://unset.invalid/"
"""A name that is never resolved (RFC 6761, 6.4): nothing is sent anywhere."""
_UNSET = "UNSET"

Kind = Literal["password", "key", "channel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One secret, in a file of its name.

    Attributes:
        name: also the file's.
        kind: a password that people may type, a key, or what a channel's provider gave to a person.
        make: returns a new one; a placeholder for a channel.
        demo: whether only the demo uses it.
    """

    name: str
    kind: Kind
    make: Callable[[], str]
    demo: bool = False


def _password() -> str:
    return secrets.token_urlsafe(24)


def _key() -> str:
    return secrets.token_hex(32)


def _test_key() -> str:
    return f"sk_test_{secrets.token_hex(16)}"


def _channel(name: str) -> Credential:
    placeholder = f"{_UNSET_URL}{name}" if name.endswith("_url") else _UNSET
    return Credential(name=name, kind="channel", make=lambda: placeholder)


CREDENTIALS = (
    Credential(name="grafana_admin_password", kind="password", make=_password),
    Credential(name="grafana_secret_key", kind="key", make=_key),
    Credential(name="elastic_password", kind="password", make=_password),
    Credential(name="kibana_system_password", kind="password", make=_password),
    Credential(name="kibana_security_key", kind="key", make=_key),
    Credential(name="kibana_saved_objects_key", kind="key", make=_key),
    Credential(name="kibana_reporting_key", kind="key", make=_key),
    Credential(name="logstash_password", kind="password", make=_password),
    Credential(name="log_shipper_password", kind="password", make=_password),
    Credential(name="log_reader_password", kind="password", make=_password),
    Credential(name="postgres_password", kind="password", make=_password, demo=True),
    Credential(name="stripe_api_key", kind="key", make=_test_key, demo=True),
    # Those that alertmanager-config.yml names; docs/MONITORING-SETUP.md says where each comes from.
    _channel("pagerduty_routing_key"),
    _channel("slack_incidents_url"),
    _channel("slack_alerts_url"),
    _channel("discord_ops_url"),
    _channel("webhook_ticket_url"),
    _channel("webhook_heartbeat_url"),
    _channel("smtp_password"),
)


def is_unset(text: str) -> bool:
    """Tell whether a channel's secret is still the placeholder."""
    return text.strip() == _UNSET or text.strip().startswith(_UNSET_URL)


def refusal(credential: Credential, text: str) -> str | None:
    """Return why this can't be the secret, or None."""
    secret = text.strip()
    if not secret:
        return "is empty"
    if "\n" in secret or not secret.isprintable():
        return "has more than one line of printable text"
    if credential.kind != "channel" and len(secret) < SHORTEST:
        return f"has {len(secret)} characters, and needs {SHORTEST}"
    if credential.kind != "channel" and set(secret) & set(_SPECIAL):
        return f"has one of {' '.join(_SPECIAL)} in it, which not all that read it take as it is"
    return None
