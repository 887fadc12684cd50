"""Scrapes through the relay are slow while the fault lasts; whoever goes another way sees none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from scenarios.conditions import Service
from scenarios.faults.fault import FaultDidNotBite
from scenarios.faults.slow_scrapes import SlowScrapes
from scenarios.target import Scraping, Target

pytestmark = pytest.mark.integration

Serving = Callable[[Service], Target]
TIMEOUT = Scraping(timeout_seconds=2.0, sample_limit=0)


def seconds(url: str) -> float:
    answer = requests.get(url + "/api/metrics/prometheus", timeout=10)
    assert answer.ok
    return answer.elapsed.total_seconds()


def test_only_what_goes_through_the_relay_is_slow_and_only_for_a_while(serving: Serving) -> None:
    target = serving(Service(relayed=True))
    object.__setattr__(target, "scraping", TIMEOUT)
    assert target.relay is not None
    relayed = f"http://127.0.0.1:{target.relay.port}"
    assert str(target.relay.port) in target.discovery.content
    assert str(target.instance.place.port) not in target.discovery.content
    assert seconds(relayed) < 1
    with SlowScrapes(of_timeout=0.75).inject(target) as witness:
        assert "1500 ms" in witness.text
        assert 1.5 <= seconds(relayed) < 2.0
        assert seconds(target.instance.url) < 1
    assert seconds(relayed) < 1


def test_a_service_without_a_relay_is_left_alone(serving: Serving) -> None:
    target = serving(Service())
    with (
        pytest.raises(FaultDidNotBite, match="relayed=True"),
        SlowScrapes(of_timeout=0.75).inject(target),
    ):
        pytest.fail("something was held")
