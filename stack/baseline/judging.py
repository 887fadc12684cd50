"""A rule is judged by its past.

One rule: pure, and no evidence is never quiet: a rule of whose series there is nothing is DEAD or
UNKNOWN, with the series named.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from stack.baseline.candidates import MONTH
from stack.baseline.margin import levels, margin_of
from stack.baseline.past import Past
from stack.baseline.proposing import firings_of, with_proposal
from stack.baseline.question import Question
from stack.baseline.replay import longest_hold
from stack.baseline.standing import Aim, Standing, Verdict, written
from stack.rules import AlertRule

__all__ = ["stand", "unknown"]

NEAR_RATIO = 0.8
"""Within a fifth of the threshold: one bad day from firing."""

FAR_RATIO = 0.5
"""Normal never came half of the way: the threshold would not see what is twice as bad as ever."""


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
    firings, now = firings_of(rule, past)
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
            (
                longest_hold(map(bool, one.present), step_seconds=past.grid.step_seconds)
                for one in past.whole.values()
            ),
            default=timedelta(0),
        ),
    )
    verdict, reason = _verdict(played, question, past, aim)
    return with_proposal(replace(played, verdict=verdict, reason=reason), rule, question, past, aim)


def _no_evidence(past: Past, observed: timedelta, aim: Aim) -> str:
    if not observed and past.unknown:
        names = dict.fromkeys(one.partition("{")[0] for one in past.unknown)
        return f"no such metric: {', '.join(names)}"
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
    if firings and all(all(one.present) for one in past.whole.values()):
        return Verdict.NOISY, "it would have fired all the time"
    if firings > 1 and a_month > aim.most_a_month:
        return Verdict.NOISY, f"it would have fired {firings} times, {a_month:.1f} a month"
    if firings:
        return Verdict.NEAR, f"it would have fired {'once' if firings == 1 else f'{firings} times'}"
    if any(any(one.present) for one in past.whole.values()):
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
