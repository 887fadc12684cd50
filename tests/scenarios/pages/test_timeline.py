"""A drill's picture shows what was measured and what was done, each at its time."""

from __future__ import annotations

from typing import Any

import pytest

from scenarios.pages.lanes import Lane, others, states
from scenarios.pages.timeline import Timeline, timeline
from tests.scenarios.pages.written import (
    START,
    Json,
    drill,
    event,
    record,
    signal,
    told,
    twin,
    unknown,
)


def drawn(one: Json) -> Timeline:
    picture = timeline(record(one))
    assert picture is not None
    return picture


def lane(picture: Timeline, name: str) -> Lane:
    return next(one for one in picture.lanes if one.name == name)


def with_events(*events: Json, without: str = "") -> Json:
    history = [one for one in drill()["history"] if one["kind"] != without]
    return drill(history=[*history, *events])


def test_each_party_has_a_lane_with_what_it_did() -> None:
    picture = drawn(drill())
    assert [one.name for one in picture.lanes] == [
        "fault",
        "SlowResponseTime",
        "email on-call",
        "slack #alerts",
    ]
    assert [one.kind for one in lane(picture, "SlowResponseTime").bars] == ["pending", "firing"]
    assert [one.kind for one in lane(picture, "slack #alerts").dots] == ["told", "resolved"]
    assert [one.kind for one in lane(picture, "fault").dots] == ["witness"]
    assert "firing 6.3" not in picture.title
    assert "firing at +6.3 s" in picture.description


def test_time_goes_from_left_to_right_and_marks_count_from_the_injection() -> None:
    picture = drawn(drill())  # 2 s before the injection to 14 s after it
    assert lane(picture, "fault").bars[0].x == pytest.approx(100 * 2 / (16 * 1.02), abs=0.01)
    assert (pytest.approx(100 * 2 / (16 * 1.02), abs=0.01), "0 s") in picture.marks
    pending, firing = lane(picture, "SlowResponseTime").bars
    assert pending.x + pending.width == pytest.approx(firing.x, abs=0.02)


def test_the_limit_lies_between_what_was_measured_before_and_during_the_fault() -> None:
    (panel,) = drawn(drill()).panels
    heights = {int(point.split(",")[1]) for line in panel.curves[0] for point in line.split()}
    assert panel.limit_y is not None
    assert min(heights) < panel.limit_y < max(heights)
    assert panel.caption == "measured > 1000 ms (latency_objective)"
    assert [text for _, text in panel.marks] == ["1500 ms", "100 ms"]


def test_what_is_due_is_a_box_and_what_came_late_lies_outside_of_it() -> None:
    in_time = lane(drawn(drill()), "slack #alerts")
    late = drill()
    for one in late["history"]:
        if one["detail"].get("receiver") == "slack #alerts":
            one["at"] = START + 9.9
    too_late = lane(drawn(late), "slack #alerts")

    def inside(one: Lane) -> bool:
        box, dot = one.boxes[0], one.dots[0]
        return box.x <= dot.x <= box.x + box.width

    assert inside(in_time)
    assert not inside(too_late)


def test_a_receiver_that_was_never_told_keeps_its_empty_lane() -> None:
    history = [
        one for one in drill()["history"] if one["detail"].get("receiver") != "slack #alerts"
    ]
    slack = lane(drawn(drill(history=history)), "slack #alerts")
    assert slack.dots == ()
    assert slack.boxes


def test_a_receiver_that_should_not_be_told_is_shown_as_such() -> None:
    picture = drawn(with_events(told(8.0, "SlowResponseTime", "pagerduty")))
    assert lane(picture, "pagerduty (not one of its receivers)").dots


def test_a_refused_message_is_no_message() -> None:
    picture = drawn(with_events(told(7.0, "SlowResponseTime", "slack #alerts", accepted="false")))
    assert lane(picture, "slack #alerts").dots[0].kind == "refused"


def test_an_alert_that_is_inhibited_has_a_lane_that_says_so() -> None:
    picture = drawn(
        with_events(
            event(5.0, "firing", "EndpointSlow"),
            event(6.5, "suppressed", "EndpointSlow", by="SlowResponseTime"),
            event(9.0, "unsuppressed", "EndpointSlow"),
            event(9.5, "inactive", "EndpointSlow"),
        )
    )
    assert [one.kind for one in lane(picture, "EndpointSlow").bars] == ["firing", "inhibited"]


def test_a_twin_is_watched_for_a_time_in_which_it_must_stay_quiet() -> None:
    picture = drawn(twin())
    (box,) = lane(picture, "SlowResponseTime").boxes
    assert "must stay quiet" in box.title
    assert [one.name for one in picture.lanes] == ["fault", "SlowResponseTime"]


def test_what_was_disturbed_is_marked_where_it_was() -> None:
    picture = drawn(with_events(event(3.0, "disturbed", text="Prometheus ended")))
    assert ("disturbed", True) in [
        (one.kind, "Prometheus ended" in one.title) for one in lane(picture, "fault").dots
    ]


def test_what_was_before_the_picture_is_not_in_it_and_what_is_short_is() -> None:
    picture = drawn(
        with_events(
            event(-9.0, "firing", "EndpointSlow"),
            told(-8.0, "EndpointSlow", "discord #ops"),
            event(-5.0, "inactive", "EndpointSlow"),
            event(2.0, "firing", "EndpointSlow"),
            event(2.001, "inactive", "EndpointSlow"),
        )
    )
    (bar,) = lane(picture, "EndpointSlow").bars
    assert lane(picture, "EndpointSlow").dots == ()
    assert bar.width > 0


def test_without_an_injection_there_is_no_picture() -> None:
    assert timeline(record(unknown())) is None


def test_without_series_the_lanes_are_there_all_the_same() -> None:
    picture = drawn(drill(signals={**unknown()["signals"], "problem": "Prometheus was gone"}))
    assert picture.panels == ()
    assert len(picture.lanes) == 4


def signals(*conditions: Any) -> Json:
    return {**drill()["signals"], "conditions": list(conditions)}


def test_the_condition_that_decides_comes_first_and_is_the_tallest() -> None:
    guard = signal([1.0] * 70, letter="A", decides=False, unit="per_second", limit=0.2)
    share = signal([0.3] * 70, letter="B", unit="ratio", limit=0.05, limit_name="slow:ratio")
    first, second = drawn(drill(signals=signals(guard, share))).panels
    assert first.caption == "B > 5% (slow)"
    assert first.height > second.height
    assert second.y > first.y + first.height


def test_a_condition_without_a_sample_says_so_and_draws_nothing() -> None:
    empty = signal([], letter="B", curves=[], sign="", limit=None, decides=False)
    _, panel = drawn(drill(signals=signals(signal([1.0] * 70), empty))).panels
    assert "no sample" in panel.caption
    assert panel.height == 0


def test_a_limit_that_moves_is_drawn_as_a_line() -> None:
    moving = signal([1.0] * 70, limit=None, limit_name="x", moving_limit=[2.0] * 70)
    (panel,) = drawn(drill(signals=signals(moving))).panels
    assert panel.limit_y is None
    assert panel.limit_lines


def test_an_alert_that_was_pending_twice_has_two_bars() -> None:
    one = record(
        drill(
            history=[
                event(0.0, "injected"),
                event(1.0, "pending", "A"),
                event(2.0, "inactive", "A"),
                event(3.0, "pending", "A"),
                event(5.0, "firing", "A"),
                event(9.0, "ended"),
            ]
        )
    )
    found = [(span.kind, span.start - START, span.end - START) for span in states(one.history, "A")]
    assert found == [("pending", 1.0, 2.0), ("pending", 3.0, 5.0), ("firing", 5.0, 9.0)]


def test_other_alerts_are_those_that_fired_but_not_the_watchdog() -> None:
    one = record(
        with_events(
            event(1.0, "firing", "Watchdog"),
            event(2.0, "pending", "ClockSkew"),
            event(3.0, "firing", "EndpointSlow"),
        )
    )
    assert others(one) == ["EndpointSlow"]
