"""What pytest's hooks and fixtures of one run share.

One rule: options, selection and report meet here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from scenarios.model import Drill
from scenarios.report import NotApplicable
from scenarios.result import Result
from scenarios.settings import Settings
from scenarios.verdict import Verdict


@dataclass(slots=True)
class RunState:
    """One run, from its options to what it came to.

    ``verdicts`` are those of claims about a drill, by its id; ``checks`` all others, by test.
    """

    settings: Settings
    required: frozenset[str]
    selected: dict[str, Drill] = field(default_factory=dict)
    not_applicable: list[NotApplicable] = field(default_factory=list)
    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    checks: dict[str, list[Verdict]] = field(default_factory=dict)
    result: Result | None = None


RUN = pytest.StashKey[RunState]()
VERDICTS = pytest.StashKey[list[Verdict]]()
"""The verdicts that a check has judged, on its item."""

SHIPS = "ships"
"""The marker by which a check hands over a log."""


def drill_of(item: pytest.Item) -> Drill | None:
    """Return the drill that a check is about, if it is about one."""
    callspec = getattr(item, "callspec", None)
    drill = callspec.params.get("drill") if callspec else None
    return drill if isinstance(drill, Drill) else None
