"""What histories and expectations call the places that a receiver's integrations deliver to.

Design rule: a name says the kind of service and the place there, and is read from what the
integration itself says: its channel, its mailbox, or the name of the file with its address.
"""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml.comments import CommentedMap

__all__ = ["channels_of"]

_MAILBOXES = {"oncall": "on-call"}


def channels_of(receiver: CommentedMap) -> frozenset[str]:
    """Return the names of a receiver's channels, such as "slack #alerts" or "email on-call".

    An integration without a double is called by its kind alone, such as "opsgenie".
    """
    return frozenset(
        _name(str(kind), raw)
        for kind, entries in receiver.items()
        if str(kind).endswith("_configs")
        for raw in entries or ()
    )


def _name(kind: str, raw: CommentedMap) -> str:
    service = kind.removesuffix("_configs")
    if service == "slack":
        return f"slack {raw.get('channel')}"
    if service == "email":
        box = str(raw.get("to")).partition("@")[0]
        return f"email {_MAILBOXES.get(box, box)}"
    if service == "discord":
        return f"discord #{_file(raw, 'webhook_url_file', 'discord_')}"
    if service == "webhook":
        return f"webhook {_file(raw, 'url_file', 'webhook_')}"
    return service


def _file(raw: CommentedMap, key: str, prefix: str) -> str:
    """`/etc/secrets/discord_ops_url` is "ops"."""
    return Path(str(raw.get(key))).name.removeprefix(prefix).removesuffix("_url")
