"""The service's clock jumps and comes back; durations and the machine's clock never do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
import requests

from instrumentation.faults import contract
from scenarios.capabilities import OWN_CLOCK, why_not
from scenarios.conditions import Service
from scenarios.faults.fault import FaultDidNotBite
from scenarios.faults.skew_clock import SkewClock, skew
from scenarios.target import Target
from stack.waiting import wait_until

pytestmark = pytest.mark.integration

Serving = Callable[[Service], Target]


@pytest.fixture(autouse=True)
def where_a_service_may_have_its_own_clock() -> None:
    if reason := why_not(OWN_CLOCK, say=print):
        pytest.skip(reason)


def asked_with_a_fault(target: Target) -> requests.Response:
    """Ask for a delay that is signed by the machine's clock, as Locust does."""
    environment = target.instance.environment
    header = contract.encode(
        contract.Delay(seconds=0.001),
        secret=Path(environment["INSTRUMENT_FAULT_SECRET_FILE"]).read_bytes().strip(),
        instance=environment["INSTRUMENT_INSTANCE_ID"],
        method="GET",
        path="/api/users",
        expires=time.time() + 5,
    )
    headers = {contract.HEADER: header, "X-Request-ID": f"asked-{time.time():.6f}"}
    return requests.get(target.instance.url + "/api/users", headers=headers, timeout=10)


def logged(target: Target, answer: requests.Response) -> datetime:
    """Return the time that the log gives for a request."""
    wanted = answer.request.headers["X-Request-ID"]
    line = wait_until(
        lambda: (
            [line for line in target.log_file.read_text().splitlines() if wanted in line] or None
        ),
        what="the request's record",
        timeout_seconds=10,
    )[0]
    return datetime.fromisoformat(json.loads(line)["@timestamp"])


@pytest.mark.parametrize(
    ("seconds", "refused"),
    [(20.0, "expired"), (-20.0, "expires_too_late")],
    ids=["ahead", "behind"],
)
def test_a_skewed_service_logs_wrong_times_and_refuses_signed_faults(
    serving: Serving, seconds: float, refused: str
) -> None:
    target = serving(Service(own_clock=True))
    answer = asked_with_a_fault(target)
    assert answer.headers[contract.RESULT_HEADER] == "delay"
    assert abs(logged(target, answer).timestamp() - time.time()) < 5
    with SkewClock(seconds=seconds).inject(target) as witness:
        assert f"off by {seconds:+g} s" in witness.text
        answer = asked_with_a_fault(target)
        assert answer.headers[contract.RESULT_HEADER].startswith(f"rejected: {refused}")
        assert answer.elapsed.total_seconds() < 5, "durations moved as well"
        assert abs(logged(target, answer).timestamp() - time.time() - seconds) < 5
    assert abs(skew(target)) < 2
    assert asked_with_a_fault(target).headers[contract.RESULT_HEADER] == "delay"


def test_a_service_with_the_machines_clock_is_left_alone(serving: Serving) -> None:
    target = serving(Service())
    with (
        pytest.raises(FaultDidNotBite, match="no clock of its own"),
        SkewClock(seconds=20).inject(target),
    ):
        pytest.fail("the clock was set")
