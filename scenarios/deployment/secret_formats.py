"""Whether a secret may be the real one: by its form, and by not being anybody's example.

One rule: pure, and what it says never holds any part of the secret.

Sources: PagerDuty's "Events API v2" (an integration key has 32 characters); Slack's "Sending
messages using incoming webhooks" (https://hooks.slack.com/services/T.../B.../...); Discord's
"Webhook Resource" (a snowflake and a token, below /api/webhooks/); names that nobody has, RFC 2606
and RFC 6761.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from stack.compose.credentials import is_unset

Kind = Literal["pagerduty key", "slack webhook", "discord webhook", "webhook", "password"]

SHORTEST_PASSWORD = 12
"""Characters; providers' passwords for programs have 16 and more."""

FEWEST_CHARACTERS = 5
"""So many different ones a random secret of this length has for sure: of 32 hexadecimal digits,
fewer come once in 10^16 times."""

_EXAMPLE_WORDS = re.compile(
    r"change[-_ ]?me|placeholder|0123456789|<[^>]*>|\$\{|\{\{"
    # By itself alone: a random token may have so short a word in it.
    r"|(?<![A-Za-z0-9])(?:example|replace|insert|dummy|sample|todo|fixme|unset|your)(?![A-Za-z0-9])"
    r"|x{6,}",
    re.IGNORECASE,
)
_GUESSED = re.compile(r"passw[o0]rd|secret|letmein|qwerty|123456|abcdef|admin", re.IGNORECASE)
"""What people type where a password is asked for."""

_NOBODYS = (
    *("example", "invalid", "test", "localdomain"),
    *("example.com", "example.net", "example.org"),
)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SLACK = re.compile(r"/services/T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/[A-Za-z0-9]{24}")
_SLACK_HOSTS = ("hooks.slack.com", "hooks.slack-gov.com")
_DISCORD = re.compile(r"/api(?:/v\d+)?/webhooks/\d{17,20}/[A-Za-z0-9_-]{60,}")
_DISCORD_HOSTS = ("discord.com", "discordapp.com", "ptb.discord.com", "canary.discord.com")
_PAGERDUTY = re.compile(r"[A-Za-z0-9]{32}")


def complaint(kind: Kind, text: str) -> str:
    """Return why this can't be the secret, or ""."""
    secret = text.strip()
    if not secret:
        return "is empty"
    if "\n" in secret or not secret.isprintable() or not secret.isascii():
        return "has more than one line of printable text"
    if is_unset(secret):
        return "is the placeholder that `nox -s stack -- up` made: nobody has set it"
    if _EXAMPLE_WORDS.search(secret):
        return "is an example, by the words in it"
    if kind == "password" and _GUESSED.search(secret):
        return "is what anybody would guess first"
    if len(set(secret)) < FEWEST_CHARACTERS:
        return "is an example: it has hardly any different characters"
    return _FORMS[kind](secret)


def _pagerduty(secret: str) -> str:
    if _PAGERDUTY.fullmatch(secret):
        return ""
    return f"is no integration key: 32 letters and digits, and it has {len(secret)} characters"


def _slack(secret: str) -> str:
    form = "https://hooks.slack.com/services/T.../B.../ and 24 letters and digits"
    return _of(secret, _SLACK_HOSTS, _SLACK, "Slack", form)


def _discord(secret: str) -> str:
    form = "https://discord.com/api/webhooks/, a number, and a token"
    return _of(secret, _DISCORD_HOSTS, _DISCORD, "Discord", form)


def _of(secret: str, hosts: tuple[str, ...], path: re.Pattern[str], whose: str, form: str) -> str:
    parts = _split(secret)
    if parts and parts.scheme == "https" and parts.hostname in hosts and path.fullmatch(parts.path):
        last = parts.path.rpartition("/")[2]
        few = len(set(last)) < FEWEST_CHARACTERS
        return "is an example: its token has hardly any different characters" if few else ""
    return f"is no webhook of {whose}: {form}"


def _webhook(secret: str) -> str:
    parts = _split(secret)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return "is no address: https://..."
    host = parts.hostname.rstrip(".")
    if any(host == one or host.endswith(f".{one}") for one in _NOBODYS):
        return "is an example: its host is one that nobody has (RFC 2606)"
    if parts.scheme == "http" and host not in _LOOPBACK:
        return "is not encrypted: its token would be read on the way; use https"
    return ""


def _password(secret: str) -> str:
    if len(secret) >= SHORTEST_PASSWORD:
        return ""
    return f"has {len(secret)} characters; one that a machine uses has {SHORTEST_PASSWORD} or more"


def _split(secret: str) -> SplitResult | None:
    try:
        parts = urlsplit(secret)
        parts.hostname  # noqa: B018 - raises for brackets that hold no address
    except ValueError:
        return None
    return parts


_FORMS: Mapping[Kind, Callable[[str], str]] = MappingProxyType(
    {
        "pagerduty key": _pagerduty,
        "slack webhook": _slack,
        "discord webhook": _discord,
        "webhook": _webhook,
        "password": _password,
    }
)
