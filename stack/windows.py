"""How far rules look back decides at which time scale, and in which drill, they can be proved."""

from __future__ import annotations

import math
from collections.abc import Collection
from datetime import timedelta

from stack import promql
from stack.rules import RuleSet
from stack.yamlfile import ConfigurationError

__all__ = [
    "INTERVAL_FLOOR",
    "SCRAPES_PER_WINDOW",
    "check_visible",
    "floor_of",
    "groups_within",
    "largest_of",
    "largest_time_scale",
]

INTERVAL_FLOOR = timedelta(milliseconds=250)
"""The shortest scrape or evaluation interval, in real time.

Measured: 22 instances scraped and 22 rules evaluated every 250 ms take 16 % of two cores.
"""

SCRAPES_PER_WINDOW = 4
"""The scrapes that a window must hold: `rate` needs two, one may be missed, edges cut one off."""


def largest_time_scale(
    rules: RuleSet,
    groups: Collection[str] | None = None,
    *,
    scrape_interval: timedelta | None = None,
) -> float:
    """Return the largest time scale at which `groups` of `rules` (None: all) still work.

    It is set by the shortest window; infinite when there is none. Rules whose windows are long are
    drilled at a scale of their own, for what takes an hour at 60 takes minutes at 300.
    """
    chosen = rules if groups is None else rules.only(groups)
    windows = [each for rule in chosen.rules for each in promql.ranges(promql.parse(rule.expr))]
    floor = floor_of(scrape_interval)
    return min((largest_of(window, floor) for window in windows), default=math.inf)


def groups_within(rules: RuleSet, longest: timedelta) -> tuple[str, ...]:
    """Return the groups in which no rule looks further back than `longest`, in file order.

    A window counts with those of the recorded series that it is over. The other groups would not
    resolve within a drill's time, and are drilled at a larger scale, over a backfilled history.
    """
    return tuple(
        group.name for group in rules.groups if all(rule.window <= longest for rule in group.rules)
    )


def check_visible(
    rules: RuleSet, k: float, hidden: timedelta, *, scrape_interval: timedelta
) -> None:
    """Refuse a scale at which a window of production's `rules` shows fewer than four scrapes.

    Of a window of w, w / k less `hidden` is seen, where an engine hides the newest samples for a
    while: real time, which is not divided. `scrape_interval` is the drill's, at `k`.
    Raises ConfigurationError, which names the largest scale that works.
    """
    windows = [
        (each, rule) for rule in rules.rules for each in promql.ranges(promql.parse(rule.expr))
    ]
    if not windows or not hidden:
        return
    shortest, rule = min(windows, key=lambda pair: pair[0])
    if shortest / k >= SCRAPES_PER_WINDOW * scrape_interval + hidden:
        return
    # At the floor: w / k >= 4 floor + hidden. Above it, with an interval of i in production:
    # w / k >= 4 i / k + hidden.
    production = scrape_interval * k
    at_floor = shortest / (SCRAPES_PER_WINDOW * INTERVAL_FLOOR + hidden)
    above = (shortest - SCRAPES_PER_WINDOW * production) / hidden
    largest = at_floor if scrape_interval <= INTERVAL_FLOOR else min(at_floor, above)
    raise ConfigurationError(
        f"{rule.name}: at time scale {k:g} its window of {shortest.total_seconds():g} s would be"
        f" {shortest.total_seconds() / k:g} s, of which this engine hides the newest"
        f" {hidden.total_seconds():g} s; the largest time scale that works is"
        f" {max(math.floor(largest * 1000) / 1000, 1):g}"
    )


def floor_of(scrape_interval: timedelta | None) -> timedelta:
    """Return the shortest scrape interval of a drill, given production's."""
    return INTERVAL_FLOOR if scrape_interval is None else min(INTERVAL_FLOOR, scrape_interval)


def largest_of(window: timedelta, floor: timedelta) -> float:
    """Return the largest `k` at which `window` holds four scrapes, to the thousandth below.

    At `k` the scrape interval is max(interval / k, floor), so a window of w that holds four in
    production holds them while w / k >= 4 floor, that is k <= w / 4 floor.
    """
    return math.floor(window / (SCRAPES_PER_WINDOW * floor) * 1000) / 1000
