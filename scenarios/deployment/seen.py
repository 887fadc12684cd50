"""What an observer could not see, and the verdict that follows from it: UNKNOWN, never PASS.

One rule: a judge is handed either what was seen or a `Missing`, and nothing in between.
"""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.verdict import Status, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Evidence that could not be had: why, and the next thing to do."""

    why: str
    look: str = ""

    def verdict(self, claim: str, expected: str) -> Verdict:
        """Return what is to be said of a claim without it."""
        return Verdict(
            claim=claim,
            status=Status.UNKNOWN,
            expected=expected,
            observed=self.why,
            look=self.look,
        )


class NotSeen(Exception):
    """What an observer raises that could not look: why, and the next thing to do."""

    def __init__(self, why: str, look: str = "") -> None:
        super().__init__(why)
        self.missing = Missing(why=why, look=look)


def of(claim: str, expected: str, observed: str, problems: str, look: str = "") -> Verdict:
    """Return FAIL with the problems, or PASS with what was observed where there are none."""
    return Verdict(
        claim=claim,
        status=Status.FAIL if problems else Status.PASS,
        expected=expected,
        observed=problems or observed,
        look=look if problems else "",
    )
