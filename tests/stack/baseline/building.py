"""Pasts written by hand: a sign a moment."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

from stack.baseline.grid import Grid
from stack.baseline.history import Labels, Signal
from stack.baseline.past import Past
from stack.rules import RuleSet, load_rules

SHOP: Labels = (("service", "shop"),)
STEP = 60
DAY = 1440


def signal(values: Sequence[float | None]) -> Signal:
    return Signal(
        present=bytearray(one is not None for one in values),
        values=array("d", [math.nan if one is None else one for one in values]),
    )


def past_of(
    values: Sequence[float | None],
    *,
    limit: float,
    above: bool = True,
    observed: int | None = None,
    gated: bool = True,
) -> Past:
    """The past of a rule that compares one series of `values`, a minute apart, with `limit`."""
    whole = [
        one if one is not None and gated and (one > limit if above else one < limit) else None
        for one in values
    ]
    return Past(
        grid=Grid(start=0, step_seconds=STEP, count=len(values)),
        observed=len(values) - values.count(None) if observed is None else observed,
        whole={SHOP: signal(whole)} if any(one is not None for one in whole) else {},
        gated={SHOP: signal(values)} if gated else {},
        ungated={} if gated else {SHOP: signal(values)},
    )


def rules_of(
    expr: str, *, for_: str = "5m", threshold: str = "0.05", unit: str = "ratio"
) -> RuleSet:
    return load_rules(
        "groups:\n  - name: g\n    rules:\n"
        "      # 5 %: a reason.\n"
        f"      - record: threshold:x:{unit}\n        expr: vector({threshold})\n"
        f"      - alert: A\n        expr: {expr}\n        for: {for_}\n"
        "        labels: {severity: HIGH}\n",
        "rules.yml",
    )
