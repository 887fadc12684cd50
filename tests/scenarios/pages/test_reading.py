"""Evidence is read whole, or refused in one line that names the place."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from scenarios.history import Kind
from scenarios.pages.reading import EvidenceError, read_run
from scenarios.verdict import Status
from tests.scenarios.pages.written import Json, evidence, run


def test_everything_that_was_written_is_read() -> None:
    seen = run()
    assert seen.verdict is Status.FAIL
    slow, failed, unknown, twin = seen.drills
    assert slow.measured.detection == 7.2
    assert slow.limits.arrives == 9.0
    assert slow.again == ("4 scrapes in a row were lost",)
    assert slow.history.first(Kind.FIRING, "SlowResponseTime")
    assert slow.signals.conditions[0].limit == 1000.0
    assert failed.claims[1].because == "alertmanager-config.yml:72 names receiver 'critical'"
    assert unknown.signals.problem
    assert unknown.logs_command == ""
    assert not twin.fires
    assert [one.drill for one in seen.cells] == ["SlowResponseTime"] * 2 + ["HighErrorRate"]


def without(*path: str) -> Callable[[Json], None]:
    def change(document: Json) -> None:
        place: Any = document
        for part in path[:-1]:
            place = place[part]
        del place[path[-1]]

    return change


def changed(value: object, *path: Any) -> Callable[[Json], None]:
    def change(document: Json) -> None:
        place: Any = document
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = value

    return change


SLOW = ("drills", "SlowResponseTime")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (without("schema"), "no schema, and this version shows schema"),
        (changed(99, "schema"), "schema 99, and this version shows schema"),
        (without(*SLOW, "alert"), "evidence.json.drills.SlowResponseTime has no 'alert'"),
        (changed("soon", *SLOW, "bounds_seconds", "arrives"), "arrives is 'soon', expected a num"),
        (changed("GOOD", *SLOW, "verdict"), "expected PASS, FAIL or UNKNOWN"),
        (changed("exploded", *SLOW, "history", 0, "kind"), "history[0].kind is 'exploded'"),
        (changed([], *SLOW), "SlowResponseTime is '[]', expected an object"),
        (changed({}, *SLOW, "claims"), "claims is '{}', expected a list"),
        (changed("yesterday", "written_at"), "expected a time in ISO 8601"),
    ],
)
def test_what_is_no_evidence_is_refused_with_its_place(
    spoil: Callable[[Json], None], says: str
) -> None:
    document = evidence()
    spoil(document)
    with pytest.raises(EvidenceError) as caught:
        read_run(json.dumps(document), "evidence.json")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(EvidenceError, match=r"evidence\.json is not JSON"):
        read_run("{", "evidence.json")
