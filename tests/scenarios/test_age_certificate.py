"""The certificate that the service watches is exchanged for one near its end, and put back."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
import requests

from scenarios.conditions import Service
from scenarios.faults.age_certificate import AgeCertificate
from scenarios.faults.fault import FaultDidNotBite
from scenarios.target import Target
from stack.waiting import wait_until

pytestmark = pytest.mark.integration

Serving = Callable[[Service], Target]
METRIC = 'softfactory_certificate_not_after_timestamp_seconds{certificate="service"} '


def days_left(target: Target) -> float:
    page = requests.get(target.instance.url + "/api/metrics/prometheus", timeout=10).text
    (line,) = (line for line in page.splitlines() if line.startswith(METRIC))
    return (float(line.removeprefix(METRIC)) - time.time()) / 86400


def seen(target: Target, days: float) -> bool:
    wait_until(
        lambda: abs(days_left(target) - days) < 0.1 or None,
        what=f"the service to see a certificate that ends in {days} days",
        timeout_seconds=20,
    )
    return True


def test_the_service_sees_the_exchange_and_the_return(serving: Serving) -> None:
    target = serving(Service(certificate=True))
    assert target.certificate is not None
    before = target.certificate.read_bytes()
    assert seen(target, 365)
    with AgeCertificate(left=timedelta(days=1)).inject(target) as witness:
        assert "ends in 1 days" in witness.text
        assert seen(target, 1)
    assert target.certificate.read_bytes() == before
    assert seen(target, 365)


def test_a_service_that_watches_no_certificate_is_left_alone(serving: Serving) -> None:
    target = serving(Service())
    fault = AgeCertificate(left=timedelta(days=1))
    with pytest.raises(FaultDidNotBite, match="certificate=True"), fault.inject(target):
        pytest.fail("something was exchanged")
