"""Doubles of the clouds that notifications go to, at the level of their wire formats.

Design rule: one wire format a file, and each refuses what the real service refuses.
"""

from stack.receivers.dead_mans_switch import Absence, DeadMansSwitch, absences
from stack.receivers.delivery import (
    DEAD_MANS_SWITCH,
    DISCORD_OPS,
    DISCORD_UNKNOWN,
    EMAIL_DIGEST,
    EMAIL_ON_CALL,
    EMAIL_UNKNOWN,
    PAGERDUTY,
    SLACK_ALERTS,
    SLACK_INCIDENTS,
    SLACK_UNKNOWN,
    WEBHOOK_HEARTBEAT,
    WEBHOOK_TICKET,
    WEBHOOK_UNKNOWN,
    Delivery,
    Headline,
    parse_headline,
)
from stack.receivers.doubles import DIGEST_ADDRESS, ON_CALL_ADDRESS, SMTP_USERNAME, Receivers
from stack.receivers.trouble import Spell, Trouble

__all__ = [
    "DEAD_MANS_SWITCH",
    "DIGEST_ADDRESS",
    "DISCORD_OPS",
    "DISCORD_UNKNOWN",
    "EMAIL_DIGEST",
    "EMAIL_ON_CALL",
    "EMAIL_UNKNOWN",
    "ON_CALL_ADDRESS",
    "PAGERDUTY",
    "SLACK_ALERTS",
    "SLACK_INCIDENTS",
    "SLACK_UNKNOWN",
    "SMTP_USERNAME",
    "WEBHOOK_HEARTBEAT",
    "WEBHOOK_TICKET",
    "WEBHOOK_UNKNOWN",
    "Absence",
    "DeadMansSwitch",
    "Delivery",
    "Headline",
    "Receivers",
    "Spell",
    "Trouble",
    "absences",
    "parse_headline",
]
