"""Where a rule stands: quiet, near, noisy, far, dead, or unknown.

One rule: pure, and no evidence is never quiet: a rule of whose series there is nothing is DEAD or
UNKNOWN, with the series named.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from stack.baseline.candidates import (
    MONTH,
    Candidate,
    Trial,
    candidate_limits,
    next_quieter,
    tightest_quiet,
)
from stack.baseline.history import Signal
from stack.baseline.margin import Margin, levels, margin_of
from stack.baseline.past import Past
from stack.baseline.question import Question, Tunable
from stack.baseline.replay import longest_hold, replay
from stack.rules import AlertRule

__all__ = ["LONGER_FOR", "Aim", "Standing", "Verdict", "stand", "unknown", "written"]

NEAR_RATIO = 0.8
"""Within a fifth of the threshold: one bad day from firing."""

FAR_RATIO = 0.5
"""Normal never came half of the way: the threshold would not see what is twice as bad as ever."""

LONGER_FOR = (2, 4)
"""What else than the threshold may be tried: `for`, so many times as long."""


class Verdict(StrEnum):
    """What is said of a rule."""

    QUIET = "QUIET"
    NEAR = "NEAR"
    NOISY = "NOISY"
    FAR = "FAR"
    DEAD = "DEAD"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What is asked for.

    Attributes:
        most_a_month: alerts of one rule in 30 days; one with more is noisy.
        least: how much of the past a rule must have seen to be judged.
        tighten: propose tighter thresholds too, where normal never came near.
    """

    most_a_month: float
    least: timedelta
    tighten: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of one rule. What is not known is None, and never 0.

    Attributes:
        alert, severity, threshold: of the rule; `threshold` is the recorded name, or "".
        verdict, reason: what is said, and why.
        sentence: the rule's conditions in letters.
        sign, limit: of the comparison that decides; "" and None for a rule about a state.
        margin: how near normal came.
        guarded: the other conditions never held; `margin` is then what was measured regardless.
        firings, a_month: how often it would have fired, in all and at that pace in 30 days.
        firing_now: of these, those that had not ended.
        longest: for how long its condition held at most.
        for_: for how long it must.
        observed, step: how much was seen, and how far its moments are apart.
        trials: thresholds that were tried, ascending, the present one among them.
        longer_for: what a longer `for` would have brought: the factor, and alerts a month.
        proposed: the threshold to take instead, if one is better.
    """

    alert: str
    severity: str
    verdict: Verdict
    reason: str
    sentence: str = ""
    threshold: str = ""
    sign: str = ""
    limit: float | None = None
    margin: Margin | None = None
    guarded: bool = False
    firings: int | None = None
    a_month: float | None = None
    firing_now: int = 0
    longest: timedelta | None = None
    for_: timedelta = timedelta(0)
    observed: timedelta = timedelta(0)
    step: timedelta = timedelta(0)
    trials: tuple[Candidate, ...] = ()
    longer_for: tuple[tuple[int, float], ...] = ()
    proposed: Candidate | None = None


def unknown(rule: AlertRule, reason: str) -> Standing:
    """Return the standing of a rule of which nothing could be read."""
    return Standing(
        alert=rule.name,
        severity=rule.labels.get("severity", ""),
        verdict=Verdict.UNKNOWN,
        reason=reason,
        for_=rule.for_,
    )


def stand(rule: AlertRule, question: Question, past: Past, aim: Aim) -> Standing:
    """Judge `rule` by its past."""
    step = timedelta(seconds=past.grid.step_seconds)
    tunable = question.tunable
    bare = replace(
        unknown(rule, ""),
        sentence=question.sentence,
        threshold=tunable.threshold if tunable else "",
        sign=tunable.sign if tunable else "",
        limit=tunable.limit if tunable else None,
        observed=past.observed * step,
        step=step,
    )
    if reason := _no_evidence(past, bare.observed, aim):
        dead = not bare.observed and bool(past.unknown)
        return replace(bare, verdict=Verdict.DEAD if dead else Verdict.UNKNOWN, reason=reason)
    firings, now = _firings(rule, past)
    margin = None
    if tunable:
        ordered = levels((past.gated or past.ungated).values())
        margin = margin_of(ordered, sign=tunable.sign, limit=tunable.limit)
    played = replace(
        bare,
        margin=margin,
        guarded=margin is not None and not past.gated,
        firings=firings,
        firing_now=now,
        a_month=firings * (MONTH / bare.observed),
        longest=max(
            (longest_hold(one.present, step_seconds=past.grid.step_seconds) for one in _whole(past)),
            default=timedelta(0),
        ),
    )
    verdict, reason = _verdict(played, question, past, aim)
    return _with_proposal(replace(played, verdict=verdict, reason=reason), rule, question, past, aim)


def _no_evidence(past: Past, observed: timedelta, aim: Aim) -> str:
    if not observed and past.unknown:
        return f"no such metric: {', '.join(past.unknown)}"
    if not observed and past.missing:
        return f"the metric is there, but no series like {', '.join(past.missing)}"
    if not observed:
        return "its series are there, but nothing that it measures had a value"
    if observed < aim.least:
        return (
            f"it saw {written(observed)} of the past, which tells nothing of a month; it takes "
            f"{written(aim.least)} (--least-hours)"
        )
    return ""


def _verdict(played: Standing, question: Question, past: Past, aim: Aim) -> tuple[Verdict, str]:
    firings, a_month, longest = played.firings, played.a_month, played.longest
    assert firings is not None
    assert a_month is not None
    assert longest is not None
    if not question.selectors:
        return Verdict.QUIET, "it reads no series: a heartbeat"
    if firings and all(all(one.present) for one in _whole(past)):
        return Verdict.NOISY, "it would have fired all the time"
    if firings > 1 and a_month > aim.most_a_month:
        return Verdict.NOISY, f"it would have fired {firings} times, {a_month:.1f} a month"
    if firings:
        return Verdict.NEAR, f"it would have fired {'once' if firings == 1 else f'{firings} times'}"
    if any(any(one.present) for one in _whole(past)):
        held, needed = written(longest), written(played.for_)
        return Verdict.NEAR, f"its condition held for {held}; it fires after {needed}"
    if played.margin is None or played.margin.reached_ratio is None:
        return Verdict.QUIET, "its condition never held"
    if played.guarded:
        return Verdict.QUIET, "its other conditions never held"
    reached = played.margin.reached_ratio
    if reached < FAR_RATIO:
        return Verdict.FAR, f"normal never came further than {reached:.0%} of the way"
    verdict = Verdict.NEAR if reached >= NEAR_RATIO else Verdict.QUIET
    return verdict, f"normal came {reached:.0%} of the way"


def _with_proposal(
    judged: Standing, rule: AlertRule, question: Question, past: Past, aim: Aim
) -> Standing:
    """Add what was tried: for a rule that is noisy or near, and for a far one where it is asked."""
    tunable, margin = question.tunable, judged.margin
    noisy = judged.verdict is Verdict.NOISY
    tried = noisy or judged.verdict is Verdict.NEAR or (judged.verdict is Verdict.FAR and aim.tighten)
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


def _whole(past: Past) -> list[Signal]:
    return list(past.whole.values())


def _firings(rule: AlertRule, past: Past, times: int = 1) -> tuple[int, int]:
    """Return how many firings there were, and how many of them had not ended."""
    found = [
        one
        for signal in _whole(past)
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


def _longer_for(
    rule: AlertRule, past: Past, observed: timedelta
) -> tuple[tuple[int, float], ...]:
    if not rule.for_:
        return ()
    return tuple(
        (times, _firings(rule, past, times)[0] * (MONTH / observed)) for times in LONGER_FOR
    )


def written(duration: timedelta) -> str:
    """Return `duration` for a person, in one unit: 7 d, 90 min, 45 s."""
    seconds = duration.total_seconds()
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size or (seconds >= size and seconds % size == 0):
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
