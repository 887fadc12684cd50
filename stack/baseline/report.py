"""What was found, for a person: a table of all rules, then those that need one by name.

One rule: it writes and decides nothing; what is not known is written as `?`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stack.baseline.patch import number
from stack.baseline.standing import Standing, Verdict, written
from stack.durations import format_duration

__all__ = ["lines_of"]

_HEAD = ("alert", "fires at", "usual", "nearest", "reached", "held", "for", "fired", "a month", "")
_ORDER = tuple(Verdict(name) for name in ("NOISY", "DEAD", "UNKNOWN", "NEAR", "FAR", "QUIET"))
_MEANS = {
    Verdict.NOISY: "noisy",
    Verdict.DEAD: "dead, as nothing is there that could make it fire",
    Verdict.UNKNOWN: "unknown",
    Verdict.NEAR: "near",
    Verdict.FAR: "never near",
}
_SHOWN = 6
"""Thresholds that are shown of an alert: the present one, and those around the proposed one."""


def lines_of(standings: Sequence[Standing]) -> Iterator[str]:
    """Yield the report, line by line."""
    ordered = sorted(standings, key=lambda one: _ORDER.index(one.verdict))
    yield from _table([_HEAD, *(_row(one) for one in ordered)])
    for verdict, means in _MEANS.items():
        found = [one for one in ordered if one.verdict is verdict]
        if not found:
            continue
        yield ""
        if verdict is Verdict.FAR:
            yield f"{means}: {', '.join(one.alert for one in found)}"
            yield from (line for one in found for line in _proposal(one))
            continue
        yield f"{means}:"
        for one in found:
            yield f"  {one.alert}: {one.reason}"
            yield from _tried(one)
            yield from _proposal(one)
    yield ""
    counts = ", ".join(
        f"{sum(one.verdict is verdict for one in standings)} {verdict}" for verdict in _ORDER
    )
    yield f"{len(standings)} rules: {counts}"


def _row(one: Standing) -> tuple[str, ...]:
    margin = one.margin
    reached = margin.reached_ratio if margin else None
    star = "*" if one.guarded else ""
    state = one.limit is None and one.firings is not None
    return (
        one.alert,
        "a state" if state else "?" if one.limit is None else f"{one.sign} {_short(one.limit)}",
        "-" if state else "?" if margin is None else f"{_short(margin.usual)}{star}",
        "-" if state else "?" if margin is None else f"{_short(margin.nearest)}{star}",
        "-" if state else "?" if reached is None else f"{reached:.0%}{star}",
        "?" if one.longest is None else written(one.longest),
        format_duration(one.for_),
        "?" if one.firings is None else str(one.firings),
        "?" if one.a_month is None else f"{one.a_month:.1f}",
        str(one.verdict),
    )


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        first, *others = row
        cells = [first.ljust(widths[0])]
        cells += [text.rjust(width) for text, width in zip(others[:-1], widths[1:-1], strict=True)]
        yield "  ".join([*cells, others[-1]]).rstrip()


def _tried(one: Standing) -> Iterator[str]:
    if one.trials:
        limits = [trial.limit for trial in one.trials]
        middle = limits.index(one.proposed.limit if one.proposed else one.limit or limits[0])
        first = max(0, min(middle - _SHOWN // 2, len(limits) - _SHOWN))
        shown = one.trials[first : first + _SHOWN]
        if one.limit not in [trial.limit for trial in shown]:
            shown = (*(trial for trial in one.trials if trial.limit == one.limit), *shown)
        yield "    alerts a month at " + ", ".join(
            f"{number(trial.limit)}{' (now)' if trial.limit == one.limit else ''}: "
            f"{trial.a_month:.1f}"
            for trial in shown
        )
    if one.longer_for:
        yield "    or with a longer for, " + ", ".join(
            f"{format_duration(one.for_ * times)}: {a_month:.1f}"
            for times, a_month in one.longer_for
        )


def _proposal(one: Standing) -> Iterator[str]:
    if one.proposed is not None and one.limit is not None:
        yield (
            f"    proposed: {one.threshold} {number(one.limit)} -> {number(one.proposed.limit)}, "
            f"{one.proposed.a_month:.1f} {one.alert} a month"
        )


def _short(value: float) -> str:
    whole = abs(value) >= 1_000 or value.is_integer()
    return f"{value:.0f}" if whole else f"{value:.4g}"
