"""What a run might have drilled and can't is listed; what nobody asked for is not."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from scenarios.catalogue import drills
from scenarios.selection import _undrilled

RUN = cast(Any, SimpleNamespace(undrilled={"Queue": "no scenario", "QueueTooLong": "no scenario"}))


def item(alert: str) -> Any:
    """Return a check of a drill."""
    drill = replace(drills()[0], alert=alert)
    return SimpleNamespace(callspec=SimpleNamespace(params={"drill": drill}))


@pytest.mark.parametrize(
    ("keyword", "listed"),
    [
        ("QueueTooLong", ["QueueTooLong"]),
        ("queue", ["Queue"]),
        ("fires and (Queue or QueueTooLong)", ["Queue", "QueueTooLong"]),
        ("test_fires[QueueTooLong-synthetic]", ["QueueTooLong"]),
        ("not Queue", []),
        ("QueueTooLong and not(Queue or Other)", ["QueueTooLong"]),
        ("synthetic", []),
    ],
)
def test_a_keyword_lists_the_alerts_that_it_names(keyword: str, listed: list[str]) -> None:
    assert _undrilled(RUN, keyword, [], []) == listed


def test_a_keyword_lists_an_alert_whose_scenarios_do_not_apply() -> None:
    assert _undrilled(RUN, "long", [], [item("QueueTooLong")]) == ["QueueTooLong"]


def test_without_a_keyword_all_are_listed_where_anything_is_drilled() -> None:
    assert _undrilled(RUN, "", [item("Other")], []) == ["Queue", "QueueTooLong"]
    assert _undrilled(RUN, "", [SimpleNamespace()], []) == []
