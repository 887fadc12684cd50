"""A past that is played again fires when Prometheus would have fired."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from stack.baseline.replay import Firing, longest_hold, replay
from stack.tools import ToolSettings, find_tools

NONE = timedelta(0)


def minutes(text: str) -> list[bool]:
    return [sign == "#" for sign in text.replace(" ", "")]


def firings(text: str, *, for_: int = 0, keep: int = 0) -> list[tuple[int, int | None]]:
    found = replay(
        minutes(text),
        step_seconds=60,
        for_=timedelta(minutes=for_),
        keep_firing_for=timedelta(minutes=keep),
    )
    return [(one.began, one.ended) for one in found]


@pytest.mark.parametrize(
    ("past", "for_", "keep", "expected"),
    [
        ("..........", 0, 0, []),
        ("..#.#.....", 0, 0, [(2, 3), (4, 5)]),
        ("..###.....", 2, 0, [(4, 5)]),
        ("..##......", 2, 0, []),
        ("..##.##.##", 2, 0, []),
        ("..####....", 2, 0, [(4, 6)]),
        ("......####", 2, 0, [(8, None)]),
        ("..###.###.", 2, 0, [(4, 5), (8, 9)]),
        ("..###.###.", 2, 2, [(4, None)]),
        ("..###.....", 2, 3, [(4, 8)]),
        ("..###..#..", 2, 3, [(4, None)]),
        ("..##...#..", 2, 9, []),
    ],
)
def test_for_and_keep_firing_for_are_played_again(
    past: str, for_: int, keep: int, expected: list[tuple[int, int | None]]
) -> None:
    assert firings(past, for_=for_, keep=keep) == expected


def test_the_longest_hold_is_what_for_is_compared_with() -> None:
    assert longest_hold(minutes(".##.####."), step_seconds=60) == timedelta(minutes=3)
    assert longest_hold(minutes("..#......"), step_seconds=60) == NONE
    assert longest_hold(minutes("........."), step_seconds=60) == NONE


PAST = "..###.#### ..#..#### .####..#.. ######...# ####......"


@pytest.mark.integration
@pytest.mark.parametrize(("for_", "keep"), [(0, 0), (2, 0), (2, 2), (0, 3), (3, 1)])
def test_promtool_sees_the_same_firings(for_: int, keep: int, tmp_path: Path) -> None:
    """Prometheus' own engine, in virtual time, at each minute of the same past."""
    held = minutes(PAST)
    (tmp_path / "rules.yml").write_text(
        "groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: m == 1\n"
        f"        for: {for_}m\n        keep_firing_for: {keep}m\n"
    )
    found = replay(
        held,
        step_seconds=60,
        for_=timedelta(minutes=for_),
        keep_firing_for=timedelta(minutes=keep),
    )
    cases = "".join(
        f"      - eval_time: {number}m\n        alertname: A\n        exp_alerts: "
        f"{'[{}]' if fires_at(found, number) else '[]'}\n"
        for number in range(len(held))
    )
    values = " ".join("1" if one else "0" for one in held)
    (tmp_path / "test.yml").write_text(
        "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n"
        f"    input_series: [{{series: m, values: '{values}'}}]\n    alert_rule_test:\n{cases}"
    )
    promtool = find_tools(ToolSettings.from_env(), lambda _: None).promtool.command
    done = subprocess.run(
        [*promtool, "test", "rules", str(tmp_path / "test.yml")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def fires_at(found: tuple[Firing, ...], number: int) -> bool:
    return any(one.began <= number and (one.ended is None or number < one.ended) for one in found)
