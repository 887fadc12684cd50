"""What a gate came to: the verdict of each check, and the exit status that follows.

One rule: pure. Whatever is not PASS is shown; what does not apply is counted, with its reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scenarios.report import NotApplicable
from scenarios.verdict import Status, Verdict, worst

PASSED, FAILED = 0, 1
"""pytest's own; that of a run that could not start, or was asked what can't be meant, stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One check: its name, its stage, what is to be said of its claim, and how long it took."""

    check: str
    stage: str
    verdict: Verdict
    seconds: float


def overall(outcomes: Sequence[Outcome]) -> Status:
    """Return the verdict over all: any FAIL, else any UNKNOWN, else PASS; of nothing, UNKNOWN."""
    return worst([one.verdict for one in outcomes])


def exit_status(
    outcomes: Sequence[Outcome], not_applicable: Sequence[NotApplicable], fail_on: str
) -> int:
    """Return 1 from the verdict `fail_on` on, else 0; see `target.FAIL_ON`."""
    if fail_on == "never":
        return PASSED
    found = overall(outcomes)
    bad = found is Status.FAIL
    if fail_on != "fail":
        bad = bad or found is Status.UNKNOWN
    if fail_on == "not-applicable":
        bad = bad or bool(not_applicable)
    return FAILED if bad else PASSED


def counts(outcomes: Sequence[Outcome], not_applicable: Sequence[NotApplicable]) -> str:
    """Return how many there are of each, as a person reads it."""
    found = [one.verdict.status for one in outcomes]
    said = [f"{found.count(status)} {status}" for status in Status if found.count(status)]
    if not_applicable:
        said.append(f"{len(not_applicable)} NOT APPLICABLE")
    return ", ".join(said) or "nothing was checked"
