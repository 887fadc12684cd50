"""What happened in a drill, line by line, for whoever reads rather than looks.

One rule: every event of a history is in it; those of one kind in a row are one line with a count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from scenarios.history import Event, Kind
from scenarios.pages.amounts import DASH, since
from scenarios.pages.record import DrillRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the story: how long after the injection, whose style, and what."""

    when: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one receiver got: its words, and the body as it came over the wire."""

    when: str
    receiver: str
    status: str
    accepted: bool
    remark: str
    body: str
    payload: str


def story(drill: DrillRecord) -> tuple[Line, ...]:
    """Return the story of a drill, in order of time; times count from the injection."""
    zero = _zero(drill)
    said = ((event, _said(event)) for event in drill.history.events)
    lines = []
    for (kind, text), some in groupby(said, key=lambda one: (one[0].kind, one[1])):
        events = [event for event, _ in some]
        times = since(events[0].at - zero)
        count = f" ({len(events)} times, until {since(events[-1].at - zero)})"
        lines.append(
            Line(when=times, kind=kind.value, text=text + (count if len(events) > 1 else ""))
        )
    return tuple(lines)


def messages(drill: DrillRecord) -> tuple[Message, ...]:
    """Return what the receivers got about the drilled alert: the first of each kind at each."""
    zero = _zero(drill)
    seen: set[tuple[str, str, str]] = set()
    found = []
    for event in drill.history.all(Kind.DELIVERED, drill.alert):
        said = event.detail
        key = (said.get("receiver", ""), said.get("status", ""), said.get("accepted", ""))
        if key in seen:
            continue
        seen.add(key)
        found.append(
            Message(
                when=since(event.at - zero),
                receiver=key[0],
                status=key[1],
                accepted=key[2] != "false",
                remark=said.get("problem", "") or event.text,
                body=said.get("body", "") or said.get("headline", ""),
                payload=said.get("payload", ""),
            )
        )
    return tuple(found)


def _zero(drill: DrillRecord) -> float:
    injected = drill.history.first(Kind.INJECTED)
    if injected:
        return injected.at
    return drill.history.events[0].at if drill.history.events else 0.0


def _said(event: Event) -> str:
    parts = [_WORDS.get(event.kind, event.kind.value), *_about(event)]
    return " ".join(part for part in parts if part)


def _about(event: Event) -> Iterator[str]:
    detail = event.detail
    if event.kind is Kind.DELIVERED:
        refused = " and refused it" if detail.get("accepted") == "false" else ""
        yield f"{detail.get('receiver', 'a receiver')} got {event.alert}: "
        yield f"{detail.get('status') or 'of no status'}{refused}"
        if detail.get("problem"):
            yield f"{DASH} {detail['problem']}"
    elif event.alert:
        yield event.alert
    if by := detail.get("by"):
        yield f"by {by}"
    if event.text:
        yield f"{DASH} {event.text}" if event.alert or _WORDS.get(event.kind) else event.text


_WORDS = {
    Kind.PHASE: "",
    Kind.INJECTED: "fault injected",
    Kind.WITNESSED: "the fault bit",
    Kind.NOT_WITNESSED: "the fault did not bite",
    Kind.REPAIRING: "repair began",
    Kind.REPAIRED: "repaired",
    Kind.INACTIVE: "over:",
    Kind.PENDING: "pending:",
    Kind.FIRING: "firing:",
    Kind.SUPPRESSED: "inhibited:",
    Kind.UNSUPPRESSED: "no longer inhibited:",
    Kind.DELIVERED: "",
    Kind.SCRAPE_FAILED: "a scrape failed",
    Kind.HIDDEN: "samples were hidden for too long",
    Kind.ENDED: "observation ended",
}
