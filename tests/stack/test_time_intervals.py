"""The calendar says what Alertmanager's would, at the instants where it changes."""

from datetime import UTC, datetime, timedelta

import pytest

from stack.routes import RouteError, load_routes
from stack.time_intervals import holds, read_time_intervals
from stack.yamlfile import ConfigurationError, read_yaml


def intervals(body):
    indented = "\n".join(f"      {line}" for line in body.splitlines())
    text = f"time_intervals:\n  - name: x\n    time_intervals:\n{indented}\n"
    return read_time_intervals(read_yaml(text, "am.yml"), "am.yml")["x"]


def instant(text):
    return datetime.fromisoformat(text).astimezone(UTC)


CASES = [
    ("- times: [{start_time: '09:00', end_time: '17:00'}]", "2026-01-05T08:59:59+00:00", False),
    ("- times: [{start_time: '09:00', end_time: '17:00'}]", "2026-01-05T09:00:00+00:00", True),
    ("- times: [{start_time: '09:00', end_time: '17:00'}]", "2026-01-05T16:59:59+00:00", True),
    ("- times: [{start_time: '09:00', end_time: '17:00'}]", "2026-01-05T17:00:00+00:00", False),
    ("- times: [{start_time: '00:00', end_time: '24:00'}]", "2026-01-05T23:59:59+00:00", True),
    ("- weekdays: ['monday:friday']", "2026-01-09T23:59:59+00:00", True),
    ("- weekdays: ['monday:friday']", "2026-01-10T00:00:00+00:00", False),
    ("- weekdays: [Sunday]", "2026-01-11T00:00:00+00:00", True),
    ("- weekdays: ['sunday:tuesday']", "2026-01-13T23:59:59+00:00", True),
    ("- weekdays: ['sunday:tuesday']", "2026-01-14T00:00:00+00:00", False),
    ("- days_of_month: ['-1']", "2026-02-28T12:00:00+00:00", True),
    ("- days_of_month: ['-1']", "2026-01-28T12:00:00+00:00", False),
    ("- days_of_month: ['1:5', '-3:-1']", "2026-01-29T12:00:00+00:00", True),
    ("- days_of_month: ['1:5', '-3:-1']", "2026-01-06T12:00:00+00:00", False),
    ("- months: ['december:12']", "2026-12-31T23:59:59+00:00", True),
    ("- months: ['1:3', may]", "2026-05-01T00:00:00+00:00", True),
    ("- months: ['1:3', may]", "2026-04-30T23:59:59+00:00", False),
    ("- years: ['2026:2027']", "2028-01-01T00:00:00+00:00", False),
    # The night in which clocks went forward in Berlin: 01:59:59 was followed by 03:00.
    (
        "- times: [{start_time: '03:00', end_time: '04:00'}]\n  location: Europe/Berlin",
        "2026-03-29T00:59:59+00:00",
        False,
    ),
    (
        "- times: [{start_time: '03:00', end_time: '04:00'}]\n  location: Europe/Berlin",
        "2026-03-29T01:00:00+00:00",
        True,
    ),
    ("- weekdays: [sunday]\n  times: [{start_time: '01:00', end_time: '02:00'}]\n- years: ['2030']",
     "2026-01-11T02:00:00+00:00", False),
    ("- weekdays: [sunday]\n  times: [{start_time: '01:00', end_time: '02:00'}]\n- years: ['2030']",
     "2030-07-01T02:00:00+00:00", True),
]  # fmt: skip


@pytest.mark.parametrize(("body", "at", "held"), CASES)
def test_an_interval_holds_from_its_start_until_its_end(body, at, held):
    assert holds(intervals(body), instant(at)) is held


def test_an_empty_list_never_holds_and_an_empty_interval_always():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert not holds((), now)
    assert holds(intervals("- {}"), now)


def test_an_instant_has_a_time_zone():
    with pytest.raises(ValueError, match="no time zone"):
        holds(intervals("- {}"), datetime(2026, 1, 1))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("- times: [{start_time: '9:00', end_time: '17:00'}]", "am.yml:4: `times:` '9:00'"),
        ("- times: [{start_time: '09:00'}]", "am.yml:4: `times:` 'end_time'"),
        ("- weekdays: [someday]", "am.yml:4: `weekdays:`"),
        ("- location: Nowhere/Town", "am.yml:4: `location:`"),
        ("- location: Local", "am.yml:4: `location:` 'Local' is wherever"),
        ("- hours: [1]", "am.yml:4: a time interval has no `hours:`"),
    ],
)
def test_what_is_no_interval_is_refused_at_its_line(body, message):
    with pytest.raises(ConfigurationError) as refused:
        intervals(body)
    assert str(refused.value).startswith(message)


ROUTES = """\
route:
  receiver: all
  routes:
    - matchers: [severity="LOW"]
      mute_time_intervals: [night]
      routes:
        - matchers: [team="a"]
    - matchers: [severity="OFFICE"]
      active_time_intervals: [office]
receivers: [{name: all}]
time_intervals:
  - name: night
    time_intervals: [{times: [{start_time: '00:00', end_time: '06:00'}]}]
  - name: office
    time_intervals: [{weekdays: ['monday:friday']}]
"""
SATURDAY_NIGHT = datetime(2026, 1, 10, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("labels", "later", "muted"),
    [
        ({"severity": "LOW"}, timedelta(0), True),
        ({"severity": "LOW"}, timedelta(hours=3), False),
        ({"severity": "LOW", "team": "a"}, timedelta(0), False),
        ({"severity": "HIGH"}, timedelta(0), False),
        ({"severity": "OFFICE"}, timedelta(0), True),
        ({"severity": "OFFICE"}, timedelta(days=2), False),
    ],
)
def test_a_route_is_muted_by_its_own_intervals_alone(labels, later, muted):
    assert load_routes(ROUTES, "am.yml").muted(labels, SATURDAY_NIGHT + later) is muted


def test_a_route_that_names_an_unknown_interval_is_refused():
    with pytest.raises(RouteError, match=r"am\.yml:5: .* 'nihgt', which is not defined; there are"):
        load_routes(ROUTES.replace("[night]", "[nihgt]"), "am.yml")
