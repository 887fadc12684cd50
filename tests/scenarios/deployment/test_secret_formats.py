"""A secret may be the real one, or it is told why not; never the secret itself."""

from __future__ import annotations

import secrets

import pytest

from scenarios.deployment.secret_formats import Kind, complaint
from stack.compose.credentials import CREDENTIALS

SLACK = "https://hooks.slack.com/services"
DISCORD = "https://discord.com/api/webhooks"
TOKEN = "hR7dKq2mVb9xWc4nTz6pLs8f"
LONG = TOKEN * 2 + "Ab-_" * 5

GOOD: tuple[tuple[Kind, str], ...] = (
    ("pagerduty key", "4f3c2b1a9d8e7f60a1b2c3d4e5f60718"),
    ("pagerduty key", "R0AB12CD34EF56GH78IJ90KL12MN34OP"),
    ("slack webhook", f"{SLACK}/T0AB12CD3/B04EF56GH/{TOKEN}\n"),
    ("discord webhook", f"{DISCORD}/123456789012345678/{LONG}"),
    ("discord webhook", f"https://discord.com/api/v10/webhooks/123456789012345678/{LONG}"),
    ("webhook", f"https://tickets.softfactory.io/hooks/{TOKEN}"),
    ("webhook", "http://127.0.0.1:9000/hooks/a"),
    ("password", "kqvwzrtnbmpsldhg"),
)
BAD: tuple[tuple[Kind, str, str], ...] = (
    ("pagerduty key", "", "is empty"),
    ("pagerduty key", "4f3c\n2b1a", "more than one line"),
    ("pagerduty key", "4f3c2b1a9d8e7f60", "it has 16 characters"),
    ("pagerduty key", "0123456789abcdef0123456789abcdef", "is an example"),
    ("pagerduty key", "a" * 32, "is an example: it has hardly any different characters"),
    ("pagerduty key", "UNSET", "is the placeholder"),
    ("slack webhook", "https://unset.invalid/slack_alerts_url", "is the placeholder"),
    ("slack webhook", f"{SLACK}/T00000000/B00000000/{'X' * 24}", "is an example"),
    ("slack webhook", f"{SLACK}/T00000000/B00000000/{'a' * 24}", "is an example: its token"),
    ("slack webhook", f"{SLACK}/T0AB12CD3/B04EF56GH", "is no webhook of Slack"),
    ("slack webhook", f"http://hooks.slack.com/services/T0AB12CD3/B04EF56GH/{TOKEN}", "is no web"),
    ("slack webhook", f"https://hooks.slack.io/services/T0AB12CD3/B04EF56GH/{TOKEN}", "is no web"),
    ("slack webhook", f"{DISCORD}/123456789012345678/{LONG}", "is no webhook of Slack"),
    ("discord webhook", f"{DISCORD}/12/{LONG}", "is no webhook of Discord"),
    ("discord webhook", f"{SLACK}/T0AB12CD3/B04EF56GH/{TOKEN}", "is no webhook of Discord"),
    ("webhook", "tickets", "is no address"),
    ("webhook", "https://[::1", "is no address"),
    ("webhook", "https://tickets.example.com/hook", "is an example"),
    ("webhook", "https://tickets.test/hook", "its host is one that nobody has"),
    ("webhook", "http://tickets.softfactory.io/hook", "is not encrypted"),
    ("webhook", "https://hooks.softfactory.io/<token>", "is an example"),
    ("webhook", "https://hooks.softfactory.io/${TOKEN}", "is an example"),
    ("password", "changeme-please", "is an example"),
    ("password", "hunter22", "has 8 characters"),
    ("password", "my-Password-1!", "guess first"),
    ("password", "pässwörter-lang", "more than one line of printable text"),
)


@pytest.mark.parametrize(("kind", "secret"), GOOD)
def test_what_may_be_the_real_one_is_taken(kind: Kind, secret: str) -> None:
    assert complaint(kind, secret) == ""


@pytest.mark.parametrize(("kind", "secret", "says"), BAD)
def test_what_cannot_be_is_told_without_being_shown(kind: Kind, secret: str, says: str) -> None:
    told = complaint(kind, secret)
    assert says in told
    for part in secret.split():
        assert len(part) < 12 or part not in told


def test_every_placeholder_that_the_compose_stack_makes_is_refused() -> None:
    channels = [one for one in CREDENTIALS if one.kind == "channel"]
    assert channels
    for one in channels:
        assert "placeholder" in complaint("password", one.make())


def test_random_secrets_are_not_taken_for_examples() -> None:
    for _ in range(500):
        assert complaint("pagerduty key", secrets.token_hex(16)) == ""
        assert complaint("webhook", f"https://a.softfactory.io/{secrets.token_hex(24)}") == ""
