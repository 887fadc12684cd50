"""What Prometheus remembers of services that were taken away, and when it is told to forget."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import cast

import pytest

from scenarios import lifecycle
from scenarios.lifecycle import Departed
from stack.clients.prometheus import PrometheusClient


class Memory:
    """What was forgotten, in place of a Prometheus."""

    def __init__(self) -> None:
        self.forgotten: list[str] = []

    def forget(self, selector: str) -> None:
        self.forgotten.append(selector)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(lifecycle.time, "monotonic", lambda: now[0])
    return now


def test_a_service_is_forgotten_once_it_is_scraped_no_more_and_only_once(
    clock: list[float],
) -> None:
    memory = Memory()
    departed = Departed(cast(PrometheusClient, memory), dropped_after=timedelta(seconds=6))
    for at, service in ((0.0, "a"), (1.0, "b"), (5.0, "c"), (7.5, "d"), (20.0, "e")):
        clock[0] = at
        departed.add(service)
    assert [re.findall(r'"(.*)"', one) for one in memory.forgotten] == [["a|b"], ["c|d"]]
    assert all(one.startswith("up{service=~") for one in memory.forgotten)
