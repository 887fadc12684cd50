"""Drills again what the machine's own business disturbed, as one repeats a spoilt experiment.

One rule: only evidence of a disturbance (``scenarios.disturbance``) has a drill repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from scenarios.beside import Beside
from scenarios.campaign import Campaign
from scenarios.disturbance import disturbed
from scenarios.failures import CANNOT_START
from scenarios.joining import joined, without_idle_starvation
from scenarios.model import Drill
from scenarios.report import tidy
from scenarios.result import Result, work_directory
from scenarios.settings import Settings

ATTEMPTS = 3
"""A machine that disturbs a drill three times, the last two with few others beside it, is no
machine to drill on; what is left then is UNKNOWN."""


@contextmanager
def drilled(
    settings: Settings,
    drills: Sequence[Drill],
    say: Callable[[str], None],
    beside: Sequence[Beside[Any]] = (),
) -> Iterator[tuple[Campaign, Result]]:
    """Run the drills, and those that were disturbed up to twice more; the run's stack stays up.

    What is done ``beside`` them begins with the first attempt. Whoever wants to look
    around afterwards (``settings.keep``) gets the first attempt as it is.

    Raises:
        what a :class:`Campaign` raises that can't start; of a later attempt it is only said.
    """
    with _campaign(settings, drills, say, beside) as campaign:
        say(f"drilling {len(drills)} scenarios at time scale {settings.time_scale:g}")
        result = campaign.drill()
        if not settings.keep:
            result = _until_undisturbed(campaign, result, say)
        yield campaign, result


def _until_undisturbed(campaign: Campaign, result: Result, say: Callable[[str], None]) -> Result:
    """Drill again what was disturbed, each time on new stacks, beside the run's own."""
    fresh = result
    for _ in range(ATTEMPTS - 1):
        reasons = disturbed(fresh)
        if not reasons:
            break
        for name, reason in reasons.items():
            say(f"{name} was disturbed and is drilled again: {reason}")
        left = [plan.drill for name, plan in fresh.plans.items() if name in reasons]
        campaign.end_turn()
        try:
            # The control's log and what was handed over are looked at in the first attempt,
            # whose stack stays up.
            asked = replace(campaign.settings, logs=False, handed_over={})
            with _campaign(asked, left, say) as again:
                fresh = again.drill()
        except CANNOT_START as error:
            say(f"they can't be drilled again: {error}")
            return without_idle_starvation(result, result.plans.keys())
        kept = result.plans.keys() - reasons.keys()
        result = joined(without_idle_starvation(result, kept), fresh)
        result = replace(result, repeated=_noted(result.repeated, reasons))
    return without_idle_starvation(result, result.plans.keys())


@contextmanager
def _campaign(
    settings: Settings,
    drills: Sequence[Drill],
    say: Callable[[str], None],
    beside: Sequence[Beside[Any]] = (),
) -> Iterator[Campaign]:
    """Bring a campaign up in a folder of its own, which is reduced to what is kept afterwards."""
    directory = work_directory(settings.reports.absolute())
    try:
        with Campaign(settings, drills, directory=directory, say=say, beside=beside) as campaign:
            yield campaign
    finally:
        if directory.exists():
            tidy(directory)


def _noted(
    before: Mapping[str, Sequence[str]], reasons: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    return {
        name: (*before.get(name, ()), *([reasons[name]] if name in reasons else []))
        for name in dict.fromkeys([*before, *reasons])
    }
