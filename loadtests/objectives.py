"""What must be true of a load test's answers, and the verdict.

One rule: every answer is counted exactly, as it arrives. Locust's own statistics round times from
1000 ms on to 100 ms, which can't tell 1040 ms from an objective of 1000.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

# The objectives of stack/alert-rules.yml (threshold:latency_objective, threshold:slo_error_budget),
# which a test compares with these.
WITHIN_MS = 1000.0
WITHIN_RATIO = 0.95
SUCCESS_RATIO = 0.9999


class ObjectivesError(ValueError):
    """An objective can't be one; the message names the option."""


class Status(IntEnum):
    """The verdict, by the exit status that says it."""

    PASS = 0
    FAIL = 1
    UNKNOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Objectives:
    """At least ``within_ratio`` of all requests are answered within ``within_ms``, and at least
    ``success_ratio`` of them as the journey expects.
    """

    within_ms: float = WITHIN_MS
    within_ratio: float = WITHIN_RATIO
    success_ratio: float = SUCCESS_RATIO

    def __post_init__(self) -> None:
        if not 0 < self.within_ms < math.inf:
            raise ObjectivesError(f"--within-ms {self.within_ms:g}: expected milliseconds above 0")
        for option, ratio in (
            ("--within-ratio", self.within_ratio),
            ("--success-ratio", self.success_ratio),
        ):
            if not 0 < ratio <= 1:
                raise ObjectivesError(
                    f"{option} {ratio:g}: expected a ratio, above 0 and at most 1"
                )

    @property
    def fewest_requests(self) -> int:
        """How many requests it takes until a single slow one is within the objective."""
        slow_ratio = 1 - self.within_ratio
        return math.ceil(round(1 / slow_ratio, 9)) if slow_ratio else 1


class Tally:
    """The answers so far: of all, within the time, and not as they should be.

    Args:
        within_ms: the time.
    """

    def __init__(self, within_ms: float) -> None:
        self._within_ms = within_ms
        self.requests = 0
        self.within = 0
        self.failed = 0

    def add(self, latency_ms: float, *, failed: bool, answered: bool) -> None:
        """Count one; a request that was never answered was not answered in time."""
        self.requests += 1
        self.within += answered and latency_ms <= self._within_ms
        self.failed += failed

    def take(self) -> dict[str, int]:
        """What was counted since the last call: what a worker reports."""
        taken = {"requests": self.requests, "within": self.within, "failed": self.failed}
        self.requests = self.within = self.failed = 0
        return taken

    def merge(self, taken: Mapping[str, int]) -> None:
        """Count what a worker took."""
        self.requests += taken["requests"]
        self.within += taken["within"]
        self.failed += taken["failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One objective, and what came of it; the ratios are of all requests."""

    says: str
    status: Status
    observed_ratio: float | None
    least_ratio: float
    because: str


def judge(
    tally: Tally, objectives: Objectives, *, disturbed: Sequence[str] = ()
) -> tuple[Claim, ...]:
    """Judge each objective.

    ``disturbed`` says, one reason each, why the count can't be trusted. An objective that is missed
    is FAIL all the same; one that seems to be met is UNKNOWN.
    """
    return (
        _claim(
            f"answered within {objectives.within_ms:g} ms",
            tally.within,
            tally.requests,
            objectives.within_ratio,
            objectives.fewest_requests,
            disturbed,
        ),
        _claim(
            "answered as they should be",
            tally.requests - tally.failed,
            tally.requests,
            objectives.success_ratio,
            objectives.fewest_requests,
            disturbed,
        ),
    )


def overall(claims: Sequence[Claim]) -> Status:
    """FAIL if any is, else UNKNOWN if any is, else PASS."""
    found = {claim.status for claim in claims}
    return next(one for one in (Status.FAIL, Status.UNKNOWN, Status.PASS) if one in found)


def line_of(claim: Claim) -> str:
    """A claim for a person, on one line."""
    observed = "?" if claim.observed_ratio is None else f"{claim.observed_ratio:.3%}"
    because = f"; {claim.because}" if claim.because else ""
    told = f"{observed} {claim.says}, objective {claim.least_ratio:.3%}{because}"
    return f"{claim.status.name:<7} {told}"


def written(claims: Sequence[Claim], requests: int) -> str:
    """The verdict as JSON, which ``read_lines`` reads."""
    return json.dumps(
        {
            "verdict": overall(claims).name,
            "requests": requests,
            "claims": [
                {
                    "says": one.says,
                    "verdict": one.status.name,
                    "observed_ratio": one.observed_ratio,
                    "least_ratio": one.least_ratio,
                    "because": one.because,
                    "line": line_of(one),
                }
                for one in claims
            ],
        },
        indent=1,
    )


def read_lines(text: str) -> tuple[str, ...]:
    """The lines of a verdict that was ``written``."""
    return tuple(str(one["line"]) for one in json.loads(text)["claims"])


def _claim(
    says: str, good: int, of: int, least_ratio: float, fewest: int, disturbed: Sequence[str]
) -> Claim:
    observed = good / of if of else None
    status, because = Status.PASS, ""
    if observed is None:
        status, because = Status.UNKNOWN, "no request was sent"
    elif observed < least_ratio:
        status = Status.FAIL
        because = f"{of - good} of {of} were not"
    elif of < fewest:
        status, because = Status.UNKNOWN, f"{of} requests tell nothing: it takes {fewest}"
    elif disturbed:
        status, because = Status.UNKNOWN, "; ".join(disturbed)
    return Claim(
        says=says,
        status=status,
        observed_ratio=observed,
        least_ratio=least_ratio,
        because=because,
    )
