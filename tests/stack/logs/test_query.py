"""A filter says the same as a query, as a command and in Kibana's language."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stack.logs.command import parse
from stack.logs.command_find import filter_of
from stack.logs.query import LEVELS, LogFilter

SINCE = datetime(2030, 5, 17, 8, 30, tzinfo=UTC)
UNTIL = SINCE + timedelta(minutes=15)

# argparse takes a value that is only "--" for the end of the options, even in --query=--.
WORDS = st.text(min_size=1, max_size=12).filter(lambda text: text != "--" and "\0" not in text)
FILTERS = st.builds(
    LogFilter,
    request_id=st.none() | WORDS,
    user=st.none() | WORDS,
    trace=st.none() | WORDS,
    service=st.none() | WORDS,
    level=st.none() | st.sampled_from(LEVELS),
    since=st.none() | st.datetimes(max_value=datetime(2030, 1, 1), timezones=st.just(UTC)),
    until=st.none() | st.datetimes(min_value=datetime(2030, 1, 2), timezones=st.just(UTC)),
    query=st.none() | WORDS,
)


def clauses(**asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = LogFilter(**asked).to_query()["bool"]["filter"]
    return found


def test_no_filter_asks_for_everything() -> None:
    assert LogFilter().to_query() == {"match_all": {}}
    assert LogFilter().to_kql() == ""
    assert LogFilter().to_command() == "python -m stack.logs find"


def test_an_id_is_matched_whole() -> None:
    assert clauses(request_id="r-1", user="u", trace="t", service="s") == [
        {"term": {"request_id": "r-1"}},
        {"term": {"trace.id": "t"}},
        {"term": {"user.id": "u"}},
        {"term": {"service.name": "s"}},
    ]


def test_a_level_asks_for_worse_ones_too() -> None:
    assert clauses(level="warning") == [{"terms": {"log.level": ["warning", "error", "critical"]}}]


def test_a_period_holds_its_beginning_and_not_its_end() -> None:
    bounds = {"gte": "2030-05-17T08:30:00Z", "lt": "2030-05-17T08:45:00Z"}
    assert clauses(since=SINCE, until=UNTIL) == [{"range": {"@timestamp": bounds}}]


def test_times_are_written_in_utc() -> None:
    east = SINCE.astimezone(timezone(timedelta(hours=5)))
    assert LogFilter(since=east).to_query() == LogFilter(since=SINCE).to_query()


def test_words_are_looked_for_by_a_query_that_never_fails() -> None:
    [clause] = clauses(query='"connection reset" -cache pay*')
    assert clause["simple_query_string"]["default_operator"] == "and"
    assert "OR" not in clause["simple_query_string"]["flags"].split("|")


def test_an_alerts_service_and_period_become_a_command_and_kql() -> None:
    wanted = LogFilter(service="softfactory", level="error", since=SINCE, until=UNTIL)
    assert wanted.to_command() == (
        "python -m stack.logs find --service softfactory --level error"
        " --since 2030-05-17T08:30:00Z --until 2030-05-17T08:45:00Z"
    )
    assert wanted.to_kql() == (
        'service.name: "softfactory" and log.level: (error or critical)'
        ' and @timestamp >= "2030-05-17T08:30:00Z" and @timestamp < "2030-05-17T08:45:00Z"'
    )


def test_kql_says_words_phrases_beginnings_and_negations() -> None:
    kql = LogFilter(query='"a b" -c d*').to_kql()
    assert kql == (
        '(message: "a b" or error.message: "a b" or error.stack_trace: "a b")'
        ' and not (message: "c" or error.message: "c" or error.stack_trace: "c")'
        " and (message: d* or error.message: d* or error.stack_trace: d*)"
    )


def test_a_value_can_not_leave_its_quotes() -> None:
    hostile = '" or request_id: *\\'
    assert LogFilter(user=hostile).to_kql() == 'user.id: "\\" or request_id: *\\\\"'


@settings(max_examples=50, deadline=None)  # each builds a parser
@given(FILTERS)
def test_the_command_asks_for_what_the_filter_asks(wanted: LogFilter) -> None:
    words = shlex.split(wanted.to_command())
    assert words[:3] == ["python", "-m", "stack.logs"]
    assert filter_of(parse(words[3:])).to_query() == wanted.to_query()


def test_an_unknown_level_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'fatal'.*debug, info, warning, error, critical"):
        LogFilter(level="fatal")


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no zone"):
        LogFilter(since=datetime(2030, 5, 17))


def test_an_empty_period_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing is since"):
        LogFilter(since=UNTIL, until=SINCE)
