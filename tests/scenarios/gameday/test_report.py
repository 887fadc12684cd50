"""The report says what was expected, what happened and what is left to do, in Markdown and JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from scenarios.gameday.__main__ import came_to
from scenarios.gameday.exits import Exit
from scenarios.gameday.judgement import Impact
from scenarios.gameday.record import DayRecord, DrillRecord
from scenarios.gameday.report import QUESTIONS, as_json, markdown, write
from scenarios.gameday.response import Said, Times, Word
from scenarios.history import Event, Kind
from scenarios.verdict import Status, Verdict

PASS = Verdict(claim="it fires", status=Status.PASS, expected="firing", observed="firing +9.0 s")
FAIL = replace(PASS, status=Status.FAIL, observed="never fired")
TOLD = Event(
    at=112.0,
    kind=Kind.DELIVERED,
    alert="SlowResponseTime",
    detail={"receiver": "slack #alerts", "headline": "[FIRING] a | pipe\n<b>"},
)


@pytest.fixture
def over() -> DrillRecord:
    return DrillRecord(
        name="SlowResponseTime",
        shown_as="SlowResponseTime",
        fault="14% of requests take 1.1 s",
        severity="HIGH",
        hits="14% of the requests to SlowResponseTime, 10/s",
        declared=("EndpointSlow", "SlowResponseTime"),
        receivers=("email on-call", "slack #alerts"),
        runbook="https://runbooks.example/SlowResponseTime",
        stops="more than 25% errors",
        impact=Impact(answers=200, faulted=28, errors=0, last_faulted_at=130.0),
        lasted=20.0,
        verdicts=(PASS,),
        events=(
            Event(at=100.0, kind=Kind.INJECTED, text="delay"),
            Event(at=101.0, kind=Kind.WITNESSED, text="clients saw it"),
            Event(at=110.0, kind=Kind.FIRING, alert="SlowResponseTime"),
            TOLD,
        ),
    )


@pytest.fixture
def day(over: DrillRecord) -> DayRecord:
    return DayRecord(
        run="gd-1",
        began=90.0,
        ended=150.0,
        where="in the shed",
        time_scale=60.0,
        facilitated=False,
        announcement="Game day gd-1",
        drills=(over,),
    )


def test_it_sets_what_happened_beside_what_was_expected(day: DayRecord) -> None:
    text = markdown(day)
    assert "**everything happened as it was declared**" in text
    assert "| alerts | EndpointSlow, SlowResponseTime | SlowResponseTime |" in text
    assert "| told | email on-call, slack #alerts | slack #alerts |" in text
    assert "28 of 200 answers carried it (14.0%)" in text
    assert "| stop conditions | more than 25% errors | none was passed |" in text
    assert "| PASS | it fires | firing | firing +9.0 s |" in text


def test_its_timeline_counts_from_the_injection(day: DayRecord) -> None:
    text = markdown(day)
    assert "| +0.0 s | injected |  | delay |" in text
    assert "| +10.0 s | firing | SlowResponseTime |  |" in text


def test_whatever_a_notification_holds_stays_in_its_cell(day: DayRecord) -> None:
    assert "slack #alerts: [FIRING] a \\| pipe &lt;b>" in markdown(day)


def test_what_was_not_as_declared_is_an_action_item_and_one_is_left_to_fill_in(
    day: DayRecord, over: DrillRecord
) -> None:
    text = markdown(replace(day, drills=(replace(over, verdicts=(PASS, FAIL)),)))
    items = text[text.index("## Action items") :]
    assert "| FAIL: it fires (never fired) |  |  |" in items
    assert "|  |  |  |" in items
    assert all(question in items for question in QUESTIONS)
    assert "something else happened than was declared: SlowResponseTime" in text


def test_what_a_stopped_drill_had_no_time_to_show_is_no_action_item(
    day: DayRecord, over: DrillRecord
) -> None:
    unknown = replace(PASS, status=Status.UNKNOWN, observed="the drill was stopped: enough")
    stop = Event(at=115.0, kind=Kind.STOPPED, text="enough")
    stopped = replace(over, events=(*over.events, stop), verdicts=(unknown, FAIL))
    assert stopped.findings == (FAIL,)
    assert replace(over, verdicts=(PASS, unknown, FAIL)).findings == (unknown, FAIL)


def test_why_it_was_stopped_stands_at_the_top_at_the_drill_and_among_the_items(
    day: DayRecord, over: DrillRecord
) -> None:
    stop = Event(at=115.0, kind=Kind.STOPPED, text="p95 is too high")
    stopped = replace(over, events=(*over.events, stop))
    text = markdown(replace(day, stopped="p95 is too high", drills=(stopped,)))
    assert "**stopped: p95 is too high**" in text
    assert "| stop conditions | more than 25% errors | p95 is too high |" in text
    assert "| it was stopped: p95 is too high |  |  |" in text


def test_a_facilitated_drill_shows_times_what_was_said_and_what_was_accepted(
    day: DayRecord, over: DrillRecord
) -> None:
    responded = replace(
        over,
        shown_as="incident-1",
        accepted=("SlowResponseTime", "Delay"),
        said=(Said(at=120.0, drill="incident-1", word=Word.GUESS, text="delay", right=True),),
        times=Times(
            notified=11.0, detected=11.0, acknowledged=None, diagnosed=19.0, mitigated=None
        ),
    )
    text = markdown(replace(day, facilitated=True, drills=(responded,)))
    assert "## SlowResponseTime (incident-1): PASS" in text
    assert "| detected | 11.0 |" in text
    assert "| acknowledged | never |" in text
    assert "| +20.0 s | guess | delay | right |" in text
    assert "named one of: SlowResponseTime, Delay." in text


def test_the_json_holds_every_event_and_verdict(tmp_path, day: DayRecord) -> None:
    page = write(day, tmp_path / "gd-1")
    assert page.read_text() == markdown(day)
    read = json.loads((page.parent / "report.json").read_text())
    assert read == json.loads(json.dumps(as_json(day)))
    assert read["verdict"] == day.verdict
    (one,) = read["drills"]
    assert one["status"] == "PASS"
    assert [event["kind"] for event in one["events"]] == [
        *("injected", "witnessed", "firing", "delivered"),
    ]


def test_the_exit_status_says_what_it_came_to(day: DayRecord, over: DrillRecord) -> None:
    failed = replace(over, verdicts=(PASS, FAIL))
    unknown = replace(over, verdicts=(replace(PASS, status=Status.UNKNOWN),))
    assert came_to(day) is Exit.AS_DECLARED
    assert came_to(replace(day, drills=(over, failed))) is Exit.OTHERWISE
    assert came_to(replace(day, drills=(unknown,))) is Exit.OTHERWISE
    assert came_to(replace(day, drills=())) is Exit.OTHERWISE
    assert came_to(replace(day, stopped="enough", drills=(failed,))) is Exit.STOPPED
    assert came_to(replace(day, failed="no tools", drills=())) is Exit.CANNOT_START
