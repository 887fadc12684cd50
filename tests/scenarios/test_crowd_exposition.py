"""The metrics page grows to the share of the limit that was asked for, whatever it held before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import requests

from scenarios.conditions import Service
from scenarios.faults.crowd_exposition import TOLERANCE, CrowdExposition
from scenarios.faults.fault import FaultDidNotBite
from scenarios.target import Scraping, Target

pytestmark = pytest.mark.integration

Serving = Callable[[Service], Target]


def samples(target: Target) -> int:
    page = requests.get(target.instance.url + "/api/metrics/prometheus", timeout=10).text
    return sum(bool(line) and not line.startswith("#") for line in page.splitlines())


@pytest.mark.parametrize("share", [0.9, 0.6])
def test_the_page_holds_the_share_asked_for_and_then_what_it_held(
    serving: Serving, share: float
) -> None:
    target = serving(Service())
    before = samples(target)
    limit = target.scraping.sample_limit
    with CrowdExposition(of_limit=share).inject(target):
        assert abs(samples(target) / limit - share) < TOLERANCE
    assert abs(samples(target) - before) < 0.1 * before


def test_without_a_limit_nothing_is_near_it(serving: Serving) -> None:
    unlimited = replace(serving(Service()), scraping=Scraping(timeout_seconds=1, sample_limit=0))
    with (
        pytest.raises(FaultDidNotBite, match="sample_limit"),
        CrowdExposition(of_limit=0.9).inject(unlimited),
    ):
        pytest.fail("it was deployed")
