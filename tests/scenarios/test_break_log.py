"""Records are lost while the log is broken, which is shown by an id that no log ever holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import requests

from scenarios.conditions import Service
from scenarios.faults.break_log import BreakLog
from scenarios.faults.fault import FaultDidNotBite
from scenarios.target import Target
from stack.waiting import wait_until

pytestmark = pytest.mark.integration

Serving = Callable[[Service], Target]


def records_lost(target: Target) -> int:
    summary = requests.get(target.instance.url + "/api/metrics/summary", timeout=10).json()
    return int(summary["log"]["records_lost"])


def test_records_are_lost_and_the_log_goes_on_in_the_same_file(serving: Serving) -> None:
    target = serving(Service())
    kept = {"X-Request-ID": "before-the-fault"}
    requests.get(target.instance.url + "/api/users", headers=kept, timeout=10)
    wait_until(
        lambda: kept["X-Request-ID"] in target.log_file.read_text(),
        what="the record of a request before the fault",
        timeout_seconds=10,
    )
    lost = {"X-Request-ID": "while-it-is-broken"}
    with BreakLog().inject(target) as witness:
        assert "in no file" in witness.text
        counted = records_lost(target)
        answer = requests.get(target.instance.url + "/api/users", headers=lost, timeout=10)
        assert answer.ok, "a log that fails must not fail a request"
        wait_until(
            lambda: records_lost(target) > counted,
            what="that request's record to be lost, not only late",
            timeout_seconds=10,
        )
    text = target.log_file.read_text()
    assert "before-the-fault" in text
    assert "while-it-is-broken" not in text
    assert sorted(path.name for path in target.log_file.parent.glob("app*")) == ["app.log"]


def test_a_log_that_is_not_the_services_does_not_bite(serving: Serving) -> None:
    target = serving(Service())
    decoy = target.instance.directory / "other.log"
    decoy.write_text("")
    elsewhere = replace(target, log_file=decoy, patience_seconds=1.0)
    with pytest.raises(FaultDidNotBite), BreakLog().inject(elsewhere):
        pytest.fail("it was taken for broken")
