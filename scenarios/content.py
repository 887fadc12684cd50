"""Whether a notification says what a person must know: pure, and the same for every channel."""

from __future__ import annotations

import re

from scenarios.expectation import Expectation
from scenarios.history import Event
from stack.receivers import parse_headline


def complaints(delivery: Event, want: Expectation) -> list[str]:
    """Return what is wrong with one delivery, as sentences; empty when nothing is.

    Args:
        delivery: an event of kind DELIVERED with the details ``receiver``, ``accepted``,
            ``headline`` and ``body``.
        want: what it must say: name, severity, service, summary, runbook and panel; and in its
            first line since when, and what to do as long as it fires.
    """
    receiver = delivery.detail["receiver"]
    said = delivery.detail.get("headline", "") + "\n" + delivery.detail.get("body", "")
    wrong = []
    if delivery.detail.get("accepted") != "true":
        wrong.append(f"{receiver} refused it: {delivery.text or 'no reason given'}")
    missing = [
        name
        for name, value in (
            ("name", want.alert),
            ("severity", want.severity),
            ("service", want.service),
            ("runbook", want.runbook_url),
            ("panel", want.panel),
        )
        if name not in want.excused and (not value or value not in said)
    ]
    if "summary" not in want.excused and (not want.summary or not re.search(want.summary, said)):
        missing.append("summary")
    headline = parse_headline(delivery.detail.get("headline", ""))
    if headline is None or not headline.since:
        missing.append("start in the first line")
    if delivery.detail.get("status") == "firing" and want.action:
        if headline is None or not headline.action:
            missing.append("action in the first line")
        elif not re.search(want.action, said):  # the first line may be cut, the body is not
            missing.append("action")
    broken = [word for word in ("<no value>", "%!", "NaN") if word in said]
    if broken:
        wrong.append(f"what {receiver} got was not rendered: it says {', '.join(broken)}")
    if missing:
        wrong.append(f"what {receiver} got lacks its {', '.join(missing)}")
    if problem := delivery.detail.get("problem"):
        wrong.append(f"what {receiver} got contradicts itself: {problem}")
    return wrong
