"""The lanes of a drill's picture: who did what and when, each party in one of its own.

One rule: pure; whatever was seen is drawn, and what is expected stands behind it as a box. Nothing
is judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from scenarios.history import Event, History, Kind
from scenarios.model import WATCHDOG
from scenarios.pages.amounts import since
from scenarios.pages.plot import TimeAxis
from scenarios.pages.record import DrillRecord

LANE = 27
"""Pixels of a lane: its name, and below it its bars."""

THINNEST = 0.3
"""Percent of the width: what is over at once is still to be seen."""

MOST_OTHERS = 4
"""So many other alerts have a lane; the story beside the picture names all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A time during which something was so; places in percent, ``kind`` is its style."""

    x: float
    width: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A moment; ``kind`` is its style."""

    x: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """What one party did: its name, what was expected of it (boxes), bars and dots."""

    name: str
    y: int = 0
    boxes: tuple[Bar, ...] = ()
    bars: tuple[Bar, ...] = ()
    dots: tuple[Dot, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From the beginning to the end of something that has a style."""

    start: float
    end: float
    kind: str


def lanes(drill: DrillRecord, axis: TimeAxis, y: int) -> tuple[Lane, ...]:
    """Return the lanes of a drill, of which the first begins ``y`` pixels below the top."""
    found = [
        _fault_lane(drill, axis),
        _alert_lane(drill, axis),
        *(_other_lane(drill.history, alert, axis) for alert in others(drill)[:MOST_OTHERS]),
        *(_receiver_lane(drill, name, axis) for name in receivers(drill)),
    ]
    return tuple(replace(lane, y=y + number * LANE) for number, lane in enumerate(found))


def _fault_lane(drill: DrillRecord, axis: TimeAxis) -> Lane:
    history = drill.history
    injected = history.first(Kind.INJECTED)
    assert injected is not None
    repairing = history.first(Kind.REPAIRING)
    repaired = history.first(Kind.REPAIRED)
    end = history.events[-1].at
    spans = [Span(start=injected.at, end=repairing.at if repairing else end, kind="fault")]
    if repairing:
        spans.append(
            Span(start=repairing.at, end=repaired.at if repaired else end, kind="repairing")
        )
    seen = [
        (event, kind)
        for kind, event in (
            ("witness", history.first(Kind.WITNESSED)),
            ("missed", history.first(Kind.NOT_WITNESSED)),
            ("disturbed", history.first(Kind.DISTURBED)),
        )
        if event
    ]
    return Lane(name="fault", bars=_bars(axis, spans), dots=_dots(axis, seen))


def _alert_lane(drill: DrillRecord, axis: TimeAxis) -> Lane:
    witness = drill.history.first(Kind.WITNESSED)
    boxes = []
    if witness and not drill.fires:
        quiet = Span(start=witness.at, end=witness.at + drill.limits.watch, kind="expected")
        boxes.append(bar_of(axis, quiet, "must stay quiet"))
    return Lane(
        name=drill.alert,
        boxes=tuple(boxes),
        bars=_bars(axis, states(drill.history, drill.alert)),
    )


def _other_lane(history: History, alert: str, axis: TimeAxis) -> Lane:
    spans = (*states(history, alert), *_inhibited(history, alert))
    return Lane(
        name=alert,
        bars=_bars(axis, spans),
        dots=_dots(axis, ((one, _told_kind(one)) for one in history.all(Kind.DELIVERED, alert))),
    )


def _receiver_lane(drill: DrillRecord, receiver: str, axis: TimeAxis) -> Lane:
    told = drill.history.all(Kind.DELIVERED, drill.alert, receiver=receiver)
    expected = receiver in drill.receivers
    bars, opened = [], None
    for event in told:
        status = event.detail.get("status")
        if status == "firing" and opened is None:
            opened = event.at
        elif status == "resolved" and opened is not None:
            bars.append(bar_of(axis, Span(start=opened, end=event.at, kind="told"), "open"))
            opened = None
    return Lane(
        name=receiver if expected else f"{receiver} ({_UNEXPECTED[drill.heartbeat]})",
        boxes=tuple(_due(drill, axis)) if expected and drill.fires else (),
        bars=tuple(bars),
        dots=_dots(axis, ((one, _told_kind(one)) for one in told)),
    )


_UNEXPECTED = {False: "not one of its receivers", True: "the heartbeat"}
"""What a receiver is that must not be told, by whether the alert is what must not be missing."""


def _due(drill: DrillRecord, axis: TimeAxis) -> Iterator[Bar]:
    """Yield when a receiver must be told of the alert, and of its resolution."""
    history, limits = drill.history, drill.limits
    witness, repaired = history.first(Kind.WITNESSED), history.first(Kind.REPAIRED)
    if witness:
        due = Span(
            start=axis.zero + limits.earliest, end=witness.at + limits.arrives, kind="expected"
        )
        yield bar_of(axis, due, "must be told in this time")
    if repaired:
        due = Span(start=repaired.at, end=repaired.at + limits.resolution_arrives, kind="expected")
        yield bar_of(axis, due, "the resolution must arrive in this time")


def states(history: History, alert: str) -> Iterator[Span]:
    """Yield the times during which an alert was pending or firing, in order."""
    opened: Event | None = None
    for event in history.events:
        if event.alert != alert or event.kind not in (Kind.PENDING, Kind.FIRING, Kind.INACTIVE):
            continue
        if opened:
            yield Span(start=opened.at, end=event.at, kind=opened.kind.value)
        opened = None if event.kind is Kind.INACTIVE else event
    if opened:
        yield Span(start=opened.at, end=history.events[-1].at, kind=opened.kind.value)


def _inhibited(history: History, alert: str) -> Iterator[Span]:
    for event in history.all(Kind.SUPPRESSED, alert):
        ended = history.first(Kind.UNSUPPRESSED, alert, after=event.at) or history.events[-1]
        yield Span(start=event.at, end=ended.at, kind="inhibited")


def others(drill: DrillRecord) -> Sequence[str]:
    """Return the other alerts that fired, by when they first did."""
    fired = [event.alert for event in drill.history.all(Kind.FIRING)]
    return [one for one in dict.fromkeys(fired) if one not in (drill.alert, WATCHDOG)]


def receivers(drill: DrillRecord) -> Sequence[str]:
    """Return who must be told of the drilled alert, and then who else was."""
    told = [event.detail["receiver"] for event in drill.history.all(Kind.DELIVERED, drill.alert)]
    expected = drill.receivers if drill.fires else ()
    return list(dict.fromkeys([*sorted(expected), *told]))


def _told_kind(event: Event) -> str:
    if event.detail.get("accepted") == "false":
        return "refused"
    return "resolved" if event.detail.get("status") == "resolved" else "told"


def _bars(axis: TimeAxis, spans: Iterable[Span]) -> tuple[Bar, ...]:
    return tuple(bar_of(axis, one, one.kind) for one in spans if one.end > axis.start)


def _dots(axis: TimeAxis, events: Iterable[tuple[Event, str]]) -> tuple[Dot, ...]:
    return tuple(dot_of(axis, one, kind) for one, kind in events if one.at >= axis.start)


def bar_of(axis: TimeAxis, span: Span, title: str) -> Bar:
    """Return a bar for a span; ``title`` is what it says when pointed at."""
    x, end = axis.place(span.start), axis.place(span.end)
    return Bar(
        x=x,
        width=round(max(end - x, THINNEST), 2),
        kind=span.kind,
        title=f"{title}: {since(span.start - axis.zero)} to {since(span.end - axis.zero)}",
    )


def dot_of(axis: TimeAxis, event: Event, kind: str) -> Dot:
    """Return a dot for an event, in the style ``kind``."""
    said = event.detail.get("receiver") or event.text
    return Dot(
        x=axis.place(event.at),
        kind=kind,
        title=f"{kind} {since(event.at - axis.zero)}" + (f": {said}" if said else ""),
    )
