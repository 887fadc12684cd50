"""Doubles of the clouds that notifications go to, at the level of their wire formats.

Design rule: one wire format a file, and each refuses what the real service refuses.
"""

from stack.receivers.delivery import (
    EMAIL_ON_CALL,
    EMAIL_UNKNOWN,
    PAGERDUTY,
    SLACK_ALERTS,
    SLACK_INCIDENTS,
    SLACK_UNKNOWN,
    Delivery,
    Headline,
    parse_headline,
)
from stack.receivers.doubles import ON_CALL_ADDRESS, SMTP_USERNAME, Receivers

__all__ = [
    "EMAIL_ON_CALL",
    "EMAIL_UNKNOWN",
    "ON_CALL_ADDRESS",
    "PAGERDUTY",
    "SLACK_ALERTS",
    "SLACK_INCIDENTS",
    "SLACK_UNKNOWN",
    "SMTP_USERNAME",
    "Delivery",
    "Headline",
    "Receivers",
    "parse_headline",
]
