"""What is said of a claim: PASS, FAIL or UNKNOWN, with what was expected and what was observed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Status(StrEnum):
    """The three values of a verdict."""

    PASS = "PASS"  # noqa: S105 (a verdict, not a password)
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to be said of one claim about one drill.

    Attributes:
        claim: the claim, as a sentence.
        status: PASS, FAIL or UNKNOWN.
        expected, observed: what the claim asks for, and what the history shows.
        because: why, where that is known.
        look: the next command to run.
    """

    claim: str
    status: Status
    expected: str
    observed: str
    because: str = ""
    look: str = ""

    def __str__(self) -> str:
        """Return the verdict as a person reads it."""
        lines = [f"{self.status}  {self.claim}"]
        parts = {name: getattr(self, name) for name in ("expected", "observed", "because", "look")}
        lines += [
            f"  {name:<9} " + text.replace("\n", "\n" + " " * 12)
            for name, text in parts.items()
            if text
        ]
        return "\n".join(lines)


def worst(verdicts: Sequence[Verdict]) -> Status:
    """Return the status that a line shows for several claims: any FAIL, else any UNKNOWN."""
    statuses = {verdict.status for verdict in verdicts}
    for status in (Status.FAIL, Status.UNKNOWN, Status.PASS):
        if status in statuses:
            return status
    return Status.UNKNOWN


def in_seconds(duration: timedelta) -> str:
    """Return a duration as verdicts and summaries show it: in seconds, to a tenth."""
    return f"{duration.total_seconds():.1f} s"


Judging = Callable[[Verdict], None]
"""What a check hands its verdict to: the fixture ``judge``."""


class ClaimNotProved(AssertionError):
    """A claim's verdict is not PASS."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(str(verdict))
        self.verdict = verdict


def judge(verdict: Verdict) -> None:
    """Let the running test pass only if the verdict is PASS.

    Raises:
        ClaimNotProved: the verdict is FAIL or UNKNOWN.
    """
    if verdict.status is not Status.PASS:
        raise ClaimNotProved(verdict)
