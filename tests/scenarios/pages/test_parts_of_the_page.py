"""The story, the matrix, detection times, trends, counts and colours, each by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from scenarios.measures import Measures
from scenarios.pages.amounts import amount, clock, duration, since
from scenarios.pages.detection import detections
from scenarios.pages.matrix import matrix
from scenarios.pages.overview import folder_of, kind_of, overview
from scenarios.pages.page import render
from scenarios.pages.palette import DARK, DRAWN, LIGHT, ON, contrast
from scenarios.pages.runs import Past, PastRun
from scenarios.pages.story import messages, story
from scenarios.pages.trend import trends
from tests.scenarios.pages.written import drill, event, record, run, told

TEXT, GRAPHIC = 4.5, 3.0


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_pictures_can_be_told_from_their_ground(colours: dict[str, str]) -> None:
    for ground, texts in ON.items():
        for text in texts:
            found = contrast(colours[text], colours[ground])
            assert found >= TEXT, f"{text} on {ground}: {found:.2f}"
    for one in DRAWN:
        found = contrast(colours[one], colours["card"])
        assert found >= GRAPHIC, f"{one}: {found:.2f}"


def test_both_palettes_have_the_same_colours() -> None:
    assert LIGHT.keys() == DARK.keys()


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (1329.2, "milliseconds", "1329 ms"),
        (0.0144, "ratio", "1.44%"),
        (87.25, "percent", "87.2%"),
        (0.05, "per_second", "0.05/s"),
        (86400.0, "seconds", "24 h"),
        (1.5e9, "", "1.5G"),
        (3.0, "count", "3"),
    ],
)
def test_a_value_is_said_with_its_unit(value: float, unit: str, said: str) -> None:
    assert amount(value, unit) == said


def test_times_are_said_from_the_injection_on() -> None:
    assert [since(one) for one in (-2.04, 0.04, 13.1)] == [
        "\N{MINUS SIGN}2.0 s",
        "0.0 s",
        "+13.1 s",
    ]
    assert duration(300.0) == "5 min"
    assert [clock(one) for one in (32.4, 278.4)] == ["32 s", "4 min 38 s"]


def test_the_story_has_every_event_and_counts_what_is_repeated() -> None:
    lost = [event(3.0 + at / 4, "scrape failed") for at in range(4)]
    one = record(drill(history=[*drill()["history"], *lost]))
    told_of = story(one)
    assert "a scrape failed (4 times, until +3.8 s)" in [line.text for line in told_of]
    assert sum("got SlowResponseTime" in line.text for line in told_of) == 4
    assert (told_of[0].when, told_of[0].text) == ("\N{MINUS SIGN}2.0 s", "steady state")


def test_a_receiver_that_is_told_again_and_again_is_shown_once() -> None:
    beats = [told(1.0 + at, "SlowResponseTime", "webhook heartbeat") for at in range(5)]
    found = messages(record(drill(history=[*drill()["history"], *beats])))
    assert [one.receiver for one in found].count("webhook heartbeat") == 1
    assert len(found) == 5


def test_the_matrix_tells_declared_from_stray_and_notices_what_is_missing() -> None:
    found = {(one.fault, one.alert): one.kind for one in matrix(run()).marks}
    assert found["SlowResponseTime", "SlowResponseTime"] == "drilled"
    assert found["SlowResponseTime", "EndpointSlow"] == "fired"
    assert found["HighErrorRate", "FailedPayments"] == "stray"
    assert found["HighErrorRate", "HighErrorRate"] == "missing"
    assert found["SlowResponseTime-below", "SlowResponseTime"] == "quiet"


def test_the_matrix_says_in_words_what_it_draws() -> None:
    seen = matrix(run())
    assert "of which no scenario declares 1." in seen.description
    assert "each of them declared" in matrix(run(attribution=[])).description
    assert seen.raised["HighErrorRate"] == [
        "FailedPayments was raised, which no scenario declares",
        "HighErrorRate was not raised, and must be",
    ]


def test_a_detection_lies_between_its_limits_and_a_late_one_beyond() -> None:
    slow = record(drill())
    late = replace(slow, id="late", measured=Measures(detection=9.5))
    never = replace(slow, id="never", measured=Measures())
    rows = {row.drill: row for row in detections([slow, late, never])}
    assert list(rows) == ["never", "late", slow.id]
    good = rows[slow.id]
    assert good.taken is not None
    assert good.least < good.taken < good.bound
    assert not good.late
    assert rows["late"].late
    assert rows["late"].taken > rows["late"].bound
    assert rows["never"].taken is None


def test_a_twin_has_no_detection_time() -> None:
    assert [row.drill for row in detections(run().drills)].count("SlowResponseTime-below") == 0


def before(*seconds: float | None) -> Past:
    now = PastRun.of(run())
    return Past(
        runs=tuple(
            replace(
                now,
                at=now.at - timedelta(days=len(seconds) - at),
                drills={"SlowResponseTime": replace(now.drills["SlowResponseTime"], detection=one)},
            )
            for at, one in enumerate(seconds)
        )
    )


@pytest.mark.parametrize(
    ("earlier", "slower"),
    [((7.2,), False), ((6.8,), False), ((6.6,), True), ((6.0, 7.0), False), ((7.5, 6.0), True)],
)
def test_slower_than_last_time_by_more_than_a_tick_stands_out(
    earlier: tuple[float, ...], slower: bool
) -> None:
    (found,) = trends(run(), before(*earlier))  # now 7.2 s, and a tick is 0.5 s
    assert found.slower is slower


def test_what_is_slower_is_said_at_the_top_and_at_its_drill() -> None:
    assert "took longer than last time</a>" in render(run(), before(6.0))
    assert "detected +1.2 s later than last time" in render(run(), before(6.0))
    assert "later than last time" not in render(run(), before(7.2))


def test_a_run_that_did_not_detect_is_passed_over() -> None:
    (found,) = trends(run(), before(6.0, None))
    assert found.last == "6.0 s"


def test_the_first_run_has_no_trend() -> None:
    assert trends(run(), Past()) == ()


def test_a_kind_of_claim_is_named_without_its_alert() -> None:
    one = record(drill())
    assert [kind_of(each, one, set()) for each in one.claims] == [
        "fires",
        "resolution arrives",
        "the fault bit",
    ]
    for claim, kind in (
        ("SlowResponseTime inhibits Other", "inhibits another"),
        ("Other is told once SlowResponseTime is over", "another is told once the alert is over"),
        ("monitoring: nothing else fires", "nothing else fires"),
    ):
        assert kind_of(replace(one.claims[0], claim=claim), one, {"Other"}) == kind


def test_counts_leave_nothing_out() -> None:
    seen = overview(run())
    assert seen.counts == {"PASS": 6, "FAIL": 1, "UNKNOWN": 2, "NOT APPLICABLE": 2}
    assert sum(one.judged for one in (*seen.kinds, *seen.checks)) == 9
    assert [one.verdict.status.value for one in seen.unproved] == ["FAIL", "UNKNOWN", "UNKNOWN"]
    assert seen.headline == "Of 9 claims 1 failed and 2 could not be judged"


def test_a_check_is_counted_by_its_folder() -> None:
    assert folder_of("checks/service/test_health_endpoints.py::test_health[a/b]") == "service"


def test_a_severity_of_a_team_s_own_has_its_line_with_who_is_told() -> None:
    own = drill(severity="P1", receivers=["webhook duty"])
    seen = overview(run(drills={"SlowResponseTime": drill(), "Down": own}, drilled_again={}))
    assert [(one.name, one.receivers) for one in seen.severities] == [
        ("HIGH", "email on-call, slack #alerts"),
        ("P1", "webhook duty"),
    ]
