"""Evidence comes, or what was waited for is told, and nobody waits beyond the deadline."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
import requests

from scenarios.deployment.inspection import Inspection, what_of
from scenarios.deployment.seen import Missing, NotSeen
from scenarios.deployment.target import DeploymentTarget
from scenarios.deployment.visit import Visit
from stack.clients import PrometheusError
from stack.clients.server import Server
from tests.scenarios.deployment.house import visit

TARGET = DeploymentTarget(
    watchers={"prometheus": Server(url="http://127.0.0.1:9")}, deadline_seconds=5.0
)


def looking(seconds: float = 5.0) -> tuple[Inspection, list[str]]:
    said: list[str] = []
    return Inspection(visit(TARGET, seconds), said.append), said


def test_what_was_seen_is_handed_over_and_looked_at_once() -> None:
    looks: list[Visit] = []

    def observer(visit: Visit) -> str:
        """See it."""
        looks.append(visit)
        return "seen"

    inspection, _ = looking()
    assert inspection.of(observer) == inspection.of(observer) == "seen"
    assert len(looks) == 1


def test_all_look_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=5.0)
    observers = [lambda _visit: together.wait() for _ in range(3)]
    inspection, _ = looking()
    inspection.begin(observers)
    assert sorted(str(inspection.of(one)) for one in observers) == ["0", "1", "2"]


def test_one_that_hangs_is_missing_at_the_deadline_with_its_words() -> None:
    never = threading.Event()

    def observer(_visit: Visit) -> None:
        """See what never comes."""
        never.wait()

    inspection, _ = looking(0.2)
    began = time.monotonic()
    found = inspection.of(observer)
    assert time.monotonic() - began < 2.0
    never.set()
    assert isinstance(found, Missing)
    assert "what never comes: not known by the deadline of 5 s" in found.why
    assert "--deadline" in found.look


def test_a_long_wait_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scenarios.deployment.inspection.TOLD_AFTER_SECONDS", 0.05)
    go_on = threading.Event()

    def observer(_visit: Visit) -> str:
        """See the record arrive."""
        go_on.wait()
        return "there"

    said: list[str] = []
    inspection = Inspection(visit(TARGET), lambda line: (said.append(line), go_on.set())[0])
    assert inspection.of(observer) == "there"
    assert said == ["waiting for the record arrive, 20 s at most"]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (NotSeen("no time", "more of it"), "no time"),
        (requests.ReadTimeout(), "no answer within 4.75 s"),
        (OSError(13, "Permission denied"), "Permission denied"),
        (PrometheusError("it said no"), "Prometheus: it said no"),
    ],
)
def test_what_kept_an_observer_from_seeing_is_told(error: Exception, why: str) -> None:
    def observer(_visit: Visit) -> None:
        """See."""
        raise error

    found = looking()[0].of(observer)
    assert isinstance(found, Missing)
    assert why in found.why


def test_a_mistake_of_an_observer_is_no_evidence_and_not_hidden() -> None:
    def observer(_visit: Visit) -> None:
        """See."""
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        looking()[0].of(observer)


def test_nothing_is_asked_after_the_deadline() -> None:
    late = replace(visit(TARGET), until=time.monotonic() - 1)
    with pytest.raises(NotSeen, match="no time left to ask"):
        late.get(Server(url="http://127.0.0.1:9"), "/")


def test_an_observer_is_called_by_its_own_words() -> None:
    def observer(_visit: Visit) -> None:
        """See the targets of Prometheus."""

    assert what_of(observer) == "the targets of Prometheus"
