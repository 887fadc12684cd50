"""What might be taken in place of a threshold that is noisy, or too far from normal.

One rule: nothing is proposed that was not tried on the past, and nothing for a rule whose parts,
put together again, do not fire as the rule itself did.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

from stack.baseline.candidates import (
    MONTH,
    Candidate,
    Trial,
    candidate_limits,
    next_quieter,
    tightest_quiet,
)
from stack.baseline.margin import levels
from stack.baseline.past import Past
from stack.baseline.question import Question, Tunable
from stack.baseline.replay import replay
from stack.baseline.standing import Aim, Standing, Verdict
from stack.rules import AlertRule

__all__ = ["LONGER_FOR", "firings_of", "with_proposal"]

LONGER_FOR = (2, 4)
"""What else than the threshold may be tried: `for`, so many times as long."""


def with_proposal(
    judged: Standing, rule: AlertRule, question: Question, past: Past, aim: Aim
) -> Standing:
    """Add what was tried: for a rule that is noisy or near, and for a far one where it is asked."""
    tunable, margin = question.tunable, judged.margin
    noisy = judged.verdict is Verdict.NOISY
    tried = (
        noisy or judged.verdict is Verdict.NEAR or (judged.verdict is Verdict.FAR and aim.tighten)
    )
    if noisy:
        judged = replace(judged, longer_for=_longer_for(rule, past, judged.observed))
    if not tried or tunable is None or margin is None or judged.guarded:
        return judged
    trials = _trials(rule, tunable, past, judged.observed)
    present = next(one for one in trials if one.limit == tunable.limit)
    proposed, because = None, tunable.fixed_because
    if present.firings != judged.firings:
        trials, because = (), "its parts, put together again, do not fire as the rule itself does"
    elif noisy and not because:
        proposed = next_quieter(
            trials, sign=tunable.sign, limit=tunable.limit, most_a_month=aim.most_a_month
        )
        because = "" if proposed else "none that could still be passed is quiet enough"
    elif judged.verdict is Verdict.FAR and not because:
        proposed = tightest_quiet(trials, sign=tunable.sign, nearest=margin.nearest)
    if proposed and proposed.limit == tunable.limit:
        proposed = None
    if because and noisy:
        judged = replace(judged, reason=f"{judged.reason}; no threshold proposed: {because}")
    return replace(judged, trials=trials, proposed=proposed)


def firings_of(rule: AlertRule, past: Past, times: int = 1) -> tuple[int, int]:
    """Return how many firings there were, and how many of them had not ended."""
    found = [
        one
        for signal in past.whole.values()
        for one in replay(
            map(bool, signal.present),
            step_seconds=past.grid.step_seconds,
            for_=rule.for_ * times,
            keep_firing_for=rule.keep_firing_for,
        )
    ]
    return len(found), sum(one.ended is None for one in found)


def _trials(
    rule: AlertRule, tunable: Tunable, past: Past, observed: timedelta
) -> tuple[Candidate, ...]:
    ordered = levels(past.gated.values())
    trial = Trial(
        gated=past.gated,
        rest=past.rest,
        sign=tunable.sign,
        step_seconds=past.grid.step_seconds,
        observed=observed,
    )
    limits = candidate_limits(
        ordered,
        sign=tunable.sign,
        limit=tunable.limit,
        edges=past.edges,
        cap=_cap(tunable.threshold, ordered),
    )
    return tuple(
        trial.of(limit, for_=rule.for_, keep_firing_for=rule.keep_firing_for) for limit in limits
    )


def _cap(threshold: str, ordered: list[float]) -> float:
    """Return what the threshold's unit does not exceed, unless what is measured has done so."""
    highest = {"ratio": 1.0, "percent": 100.0}.get(threshold.rpartition(":")[2], math.inf)
    return highest if ordered and ordered[-1] <= highest else math.inf


def _longer_for(rule: AlertRule, past: Past, observed: timedelta) -> tuple[tuple[int, float], ...]:
    if not rule.for_:
        return ()
    return tuple(
        (times, firings_of(rule, past, times)[0] * (MONTH / observed)) for times in LONGER_FOR
    )
