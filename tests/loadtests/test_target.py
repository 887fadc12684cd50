"""A command takes effect with the next request, and the requests are what the service expects."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

import pytest

from loadtests.plan import FaultOff, FaultOn, PlanError, TargetPlan, UseCard, UseJourney
from loadtests.target import Signer, Target

JOURNEY = {"GET /api/users": 5, "GET /api/bookings": 3, "POST /api/bookings": 1}
PAYMENTS = {"POST /api/payments": 1}
DELAY = {"fault": "delay", "seconds": 1.5}


def make_signer(fault: Mapping[str, object]) -> Signer:
    if fault.get("fault") not in ("delay", "renew"):
        raise ValueError(f"unknown fault {fault}")
    return lambda method, path: f"{method} {path} {json.dumps(dict(fault))}"


def target(journey: Mapping[str, float]) -> Target:
    plan = TargetPlan(id="t", host="http://h", rate_per_second=1, users=1, journey=journey)
    return Target(plan, make_signer)


def test_without_a_command_no_request_carries_a_fault() -> None:
    load = target(JOURNEY)
    calls = [load.next_call() for _ in range(50)]
    assert not any(call.faulted or "X-Fault" in call.headers for call in calls)


def test_a_share_of_the_requests_carries_the_signed_fault_from_the_next_one_on() -> None:
    load = target(JOURNEY)
    load.obey(FaultOn(target="t", fault=DELAY, share=0.75))
    calls = [load.next_call() for _ in range(36)]
    carrying = [call for call in calls if call.faulted]
    assert len(carrying) == 27
    assert Counter(call.path for call in carrying) == {"/api/users": 15, "/api/bookings": 12}
    for call in calls:
        expected = f"{call.method} {call.path} {json.dumps(DELAY)}" if call.faulted else None
        assert call.headers.get("X-Fault") == expected
    load.obey(FaultOff(target="t"))
    assert not any(load.next_call().faulted for _ in range(36))


def test_with_a_lease_every_other_request_renews_it_as_long_as_the_fault_is_on() -> None:
    plan = TargetPlan(id="t", host="http://h", rate_per_second=1, users=1, journey=JOURNEY)
    load = Target(plan, make_signer, lease_seconds=3.0)
    assert not any("X-Fault" in load.next_call().headers for _ in range(9))
    load.obey(FaultOn(target="t", fault=DELAY, share=0.25))
    calls = [load.next_call() for _ in range(36)]
    assert sum(call.faulted for call in calls) == 9
    for call in calls:
        asked = DELAY if call.faulted else {"fault": "renew", "seconds": 3.0}
        assert call.headers["X-Fault"] == f"{call.method} {call.path} {json.dumps(asked)}"
    load.obey(FaultOff(target="t"))
    assert not any("X-Fault" in load.next_call().headers for _ in range(9))


@pytest.mark.parametrize(
    ("path", "signed"),
    [("/api/users?limit=5", "/api/users"), ("/api/caf%C3%A9?a=%20", "/api/café")],
)
def test_the_signed_path_is_the_one_that_the_application_sees(path: str, signed: str) -> None:
    load = target({f"GET {path}": 1})
    load.obey(FaultOn(target="t", fault=DELAY, share=1.0))
    call = load.next_call()
    assert call.path == path
    assert call.headers["X-Fault"].startswith(f"GET {signed} {{")


def test_payments_are_made_with_the_chosen_card() -> None:
    load = target(PAYMENTS)
    before = json.loads(load.next_call().body or "")
    load.obey(UseCard(target="t", payment_method="pm_card_chargeDeclined"))
    after = json.loads(load.next_call().body or "")
    assert before["payment_method"] == "pm_card_visa"
    assert after["payment_method"] == "pm_card_chargeDeclined"
    assert {**after, "user_id": 1} == {
        "user_id": 1,
        "amount_cents": 1250,
        "payment_method": "pm_card_chargeDeclined",
    }


def test_the_mix_can_be_changed() -> None:
    load = target(JOURNEY)
    load.obey(UseJourney(target="t", journey=PAYMENTS))
    assert {load.next_call().path for _ in range(5)} == {"/api/payments"}


def test_only_requests_with_a_body_have_one() -> None:
    load = target({**JOURNEY, **PAYMENTS, "POST /other": 1})
    for call in [load.next_call() for _ in range(22)]:
        assert (call.body is not None) == (call.method == "POST")
        assert ("Content-Type" in call.headers) == (call.method == "POST")
        assert call.headers["X-User-Id"] in {"1", "2", "3"}


@pytest.mark.parametrize(
    "command",
    [
        FaultOn(target="t", fault={"fault": "nonsense"}, share=0.5),
        FaultOn(target="t", fault=DELAY, share=1.5),
    ],
)
def test_an_impossible_fault_is_refused_and_changes_nothing(command: FaultOn) -> None:
    load = target(PAYMENTS)
    load.obey(FaultOn(target="t", fault=DELAY, share=1.0))
    with pytest.raises(PlanError):
        load.obey(command)
    assert load.next_call().faulted


def test_a_share_of_selected_requests_leaves_the_others_alone() -> None:
    load = target(JOURNEY)
    load.obey(FaultOn(target="t", fault=DELAY, share=0.5, only=frozenset({"GET /api/bookings"})))
    calls = [load.next_call() for _ in range(36)]
    assert Counter((call.method, call.path) for call in calls if call.faulted) == {
        ("GET", "/api/bookings"): 6
    }
