"""One delivery: what a receiver was handed, in the words that a person at that receiver would read.

Design rule: a delivery is evidence, not a judgement. It keeps what arrived, what the real service
would have answered, and what does not fit together; whether that is right is for others to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

PAGERDUTY = "pagerduty"
SLACK_INCIDENTS = "slack #incidents"
SLACK_ALERTS = "slack #alerts"
SLACK_UNKNOWN = "slack <unknown>"
EMAIL_ON_CALL = "email on-call"
EMAIL_DIGEST = "email digest"
EMAIL_UNKNOWN = "email <unknown>"
DISCORD_OPS = "discord #ops"
DISCORD_UNKNOWN = "discord <unknown>"
WEBHOOK_TICKET = "webhook ticket"
WEBHOOK_HEARTBEAT = "webhook heartbeat"
WEBHOOK_UNKNOWN = "webhook <unknown>"
DEAD_MANS_SWITCH = "dead man's switch"
"""Nobody routes to it: it pages by itself, beside Alertmanager, when the heartbeat stops."""

Status = Literal["firing", "resolved"]

_CLOCK = r"(?:\d{4}-\d\d-\d\d[ ])?\d\d:\d\d[ ]UTC"
_HEADLINE = re.compile(
    rf"""
    \[ (?P<status> FIRING | RESOLVED ) \] [ ]+
    (?: DRILL [ ]+ (?P<drill> \S+ ) : [ ]+ )?
    (?P<severity> [A-Za-z][A-Za-z0-9_.-]* ) [ ]+  # a team's own may be P1 or sev-2
    (?P<alert> [A-Za-z_:][A-Za-z0-9_:]* ) [ ]+ on [ ]+
    (?P<service> \S+? ) :
    (?: [ ]+ (?P<count> (?: \d+ [ ] firing )? (?:, [ ])? (?: \d+ [ ] resolved )? ) ; [ ] first: )?
    (?: [ ]+ (?P<summary> .*? ) )??
    (?: [ ]* \| [ ] since [ ] (?P<since> {_CLOCK} ) (?: [ ] until [ ] (?P<until> {_CLOCK} ) )?
        (?: [ ] \| [ ] do: [ ] (?P<action> .* ) )? )?
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The line that every notification starts with, taken apart.

    `alerts` says how many it stands for: `summary` and `action` are the first one's. `since`,
    `until` and `action` are as written, and "" where the line does not state them: there is no
    `until` while it fires and nothing to do once it is resolved; and a channel may cut the line.
    `drill` is the run of a drill that raised it, "" for one that is in earnest.
    """

    status: Status
    severity: str
    alert: str
    service: str
    summary: str
    alerts: int = 1
    since: str = ""
    until: str = ""
    action: str = ""
    drill: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What one receiver was handed once, and what the real service would have made of it.

    `at` is epoch seconds, taken when the last byte had arrived and before anything was answered.
    `status`, `severity`, `alert` and `service` are None where the headline does not state them;
    PagerDuty's `status` comes from its `event_action`, which is what opens and closes incidents.
    `refusal` is None exactly when `accepted`; otherwise it says what the real service answers.
    `problem` is something the real service accepts without complaint and that a person would miss,
    such as a headline that says RESOLVED over an event that opens an incident.
    `payload` is the body as received, with keys and passwords replaced by `<redacted>`.
    """

    at: float
    receiver: str
    status: Status | None
    severity: str | None
    alert: str | None
    service: str | None
    headline: str
    text: str
    accepted: bool
    refusal: str | None
    payload: str
    problem: str | None = None


def parse_headline(text: str) -> Headline | None:
    """Take `[FIRING] HIGH SlowResponseTime on shop: summary | since 14:03 UTC | do: this` apart.

    Several alerts: `... on shop: 8 firing, 2 resolved; first: summary | since ...`. Only the first
    line that is not blank counts. None when it has any other form, for instance because a label was
    missing when the template was rendered.
    """
    match = _HEADLINE.fullmatch(first_line(text))
    if match is None:
        return None
    return Headline(
        status="firing" if match["status"] == "FIRING" else "resolved",
        severity=match["severity"],
        alert=match["alert"],
        service=match["service"],
        summary=(match["summary"] or "").strip(),
        alerts=sum(int(number) for number in re.findall(r"\d+", match["count"] or "")) or 1,
        since=match["since"] or "",
        until=match["until"] or "",
        action=(match["action"] or "").strip(),
        drill=match["drill"] or "",
    )


def first_line(text: str) -> str:
    """Return the first line of `text` that is not blank, stripped; "" when there is none."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def deliver(
    *,
    at: float,
    receiver: str,
    headline: str,
    text: str,
    payload: str,
    refusal: str | None,
    status: Status | None = None,
    problem: str | None = None,
) -> Delivery:
    """Make a delivery from what a wire format yielded, reading the facts in its headline.

    `status` is given by a wire format that states it outside of the headline; else the headline's.
    """
    said = parse_headline(headline)
    return Delivery(
        at=at,
        receiver=receiver,
        status=status or (said.status if said else None),
        severity=said.severity if said else None,
        alert=said.alert if said else None,
        service=said.service if said else None,
        headline=first_line(headline),
        text=text,
        accepted=refusal is None,
        refusal=refusal,
        payload=payload,
        problem=problem,
    )
