"""The report has a row for each rule, names those that need one, and calls nothing unknown zero."""

from __future__ import annotations

import io
import re
from datetime import timedelta

from stack.baseline.candidates import Candidate
from stack.baseline.margin import Margin
from stack.baseline.progress import Progress
from stack.baseline.report import lines_of
from stack.baseline.standing import Standing, Verdict

NOISY = Standing(
    alert="Noisy",
    severity="HIGH",
    verdict=Verdict.NOISY,
    reason="it would have fired 7 times, 30.0 a month",
    threshold="threshold:x:ratio",
    sign=">",
    limit=0.05,
    margin=Margin(usual=0.06, nearest=0.07, reached_ratio=1.4),
    firings=7,
    a_month=30.0,
    longest=timedelta(minutes=9),
    for_=timedelta(minutes=5),
    trials=tuple(
        Candidate(limit=limit, firings=firings, a_month=firings * 30 / 7)
        for limit, firings in ((0.03, 9), (0.04, 9), (0.05, 7), (0.06, 7), (0.08, 0), (0.1, 0))
    ),
    longer_for=((2, 0.0), (4, 0.0)),
    proposed=Candidate(limit=0.08, firings=0, a_month=0.0),
)
DEAD = Standing(
    alert="Dead",
    severity="LOW",
    verdict=Verdict.DEAD,
    reason="no such metric: a",
    sign=">",
    limit=86400.0,
)
STATE = Standing(
    alert="State",
    severity="LOW",
    verdict=Verdict.QUIET,
    reason="its condition never held",
    firings=0,
    a_month=0.0,
    longest=timedelta(0),
)
FAR = Standing(
    alert="Far",
    severity="LOW",
    verdict=Verdict.FAR,
    reason="",
    sign=">",
    limit=3.0,
    margin=Margin(usual=0.5, nearest=1.0, reached_ratio=0.33),
    firings=0,
    a_month=0.0,
    longest=timedelta(0),
)
TEXT = list(lines_of([STATE, FAR, DEAD, NOISY]))


def row(alert: str) -> list[str]:
    (line,) = [one for one in TEXT if one.startswith(f"{alert} ")]
    return re.split(r" {2,}", line)


def test_the_rules_that_need_somebody_come_first() -> None:
    assert [one.split()[0] for one in TEXT[:5]] == ["alert", "Noisy", "Dead", "Far", "State"]


def test_a_row_has_what_was_measured_and_what_is_not_known_is_no_zero() -> None:
    assert row("Noisy")[1:] == [
        *("> 0.05", "0.06", "0.07", "140%", "9 min", "5m", "7", "30.0", "NOISY"),
    ]
    assert row("Dead")[1:] == ["> 86400", "?", "?", "?", "?", "0s", "?", "?", "DEAD"]
    assert row("State")[1:] == ["a state", "-", "-", "-", "0 s", "0s", "0", "0.0", "QUIET"]


def test_a_noisy_rule_is_told_with_what_was_tried_and_what_is_proposed() -> None:
    at = TEXT.index("  Noisy: it would have fired 7 times, 30.0 a month")
    assert TEXT[at + 1 : at + 4] == [
        "    alerts a month at 0.03: 38.6, 0.04: 38.6, 0.05 (now): 30.0, 0.06: 30.0, 0.08: 0.0, "
        "0.1: 0.0",
        "    or with a longer for, 10m: 0.0, 20m: 0.0",
        "    proposed: threshold:x:ratio 0.05 -> 0.08, 0.0 Noisy a month",
    ]


def test_dead_rules_say_why_and_far_ones_are_listed() -> None:
    assert "  Dead: no such metric: a" in TEXT
    assert "never near: Far" in TEXT
    assert TEXT[-1] == "4 rules: 1 NOISY, 1 DEAD, 0 UNKNOWN, 0 NEAR, 1 FAR, 1 QUIET"


def test_a_log_gets_a_line_now_and_then_and_a_terminal_one_that_changes() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    log, terminal = io.StringIO(), Terminal()
    for out in (log, terminal):
        with Progress("baseline", 2, out) as progress:
            progress.at("First")
            progress.at("Second")
    assert log.getvalue() == "", "it took no time"
    assert "baseline: 1 of 2, Second" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")
