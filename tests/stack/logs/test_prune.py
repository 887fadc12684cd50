"""Only indices of old days are deleted, by their full names."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.durations import parse_duration
from stack.logs.command import main
from stack.logs.indices import PREFIX, day_of
from stack.logs.lifecycle import lifecycle_policy
from stack.logs.prune import LogIndex, delete, log_indices, sort_out
from tests.stack.logs.conftest import Node

TODAY = date(2030, 5, 17)
DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))
NAMES = (
    DAYS.map(lambda day: f"{PREFIX}{day:%Y.%m.%d}")
    | st.text(max_size=30)
    | st.text(max_size=12).map(lambda text: PREFIX + text)
    | DAYS.map(lambda day: f"{PREFIX}{day:%Y.%m.%d}-old")
    | DAYS.map(lambda day: f".ds-{PREFIX}{day:%Y.%m.%d}")
)


def an_index(name: str) -> LogIndex:
    return LogIndex(name=name, documents=1, bytes=1)


def of(day: date) -> str:
    return f"{PREFIX}{day:%Y.%m.%d}"


@given(names=st.lists(NAMES), today=DAYS, days=st.integers(1, 10_000))
def test_what_is_deleted_is_a_day_of_logs_and_older_than_all_that_is_kept(
    names: list[str], today: date, days: int
) -> None:
    found = sort_out(map(an_index, names), today=today, days=days)
    for index in found.old:
        day = day_of(index.name)
        assert day is not None
        assert today - day > timedelta(days=days)
    for index in found.kept:
        day = day_of(index.name)
        assert day is not None
        assert today - day <= timedelta(days=days)


@given(ahead=st.integers(0, 10_000), days=st.integers(1, 10_000))
def test_today_and_the_days_to_come_are_never_deleted(ahead: int, days: int) -> None:
    name = of(TODAY + timedelta(days=ahead))
    assert sort_out([an_index(name)], today=TODAY, days=days).old == ()


def test_a_record_is_kept_for_as_many_full_days_as_were_asked_for() -> None:
    names = [of(TODAY - timedelta(days=age)) for age in (29, 30, 31)]
    found = sort_out(map(an_index, names), today=TODAY, days=30)
    assert [index.name for index in found.old] == [names[2]]


@pytest.mark.parametrize("days", [1, 7, 30])
def test_a_lifecycle_policy_deletes_at_the_midnight_at_which_prune_would(days: int) -> None:
    phases: Any = lifecycle_policy(days)["phases"]
    age = parse_duration(phases["delete"]["min_age"])  # since the day in the index' name began
    deleted = datetime(2030, 5, 17, tzinfo=UTC)
    name = of((deleted - age).date())
    assert sort_out([an_index(name)], today=deleted.date(), days=days).old
    before = deleted - timedelta(microseconds=1)
    assert not sort_out([an_index(name)], today=before.date(), days=days).old


@pytest.mark.parametrize("days", [0, -1])
def test_fewer_days_than_one_are_refused(days: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        sort_out([], today=TODAY, days=days)


@pytest.mark.integration
def test_prune_shows_first_and_then_deletes_only_what_it_showed(
    node: Node, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ELASTICSEARCH_URL", node.url)
    today = datetime.now(UTC).date()
    old = [of(today - timedelta(days=age)) for age in (31, 400)]
    kept = [of(today - timedelta(days=age)) for age in (30, 1, 0, -1)]
    strange = [f"{old[0]}-copy", f"{PREFIX}2001.02.31", f"{PREFIX}old", "other-2001.01.01"]
    for name in (*old, *kept, *strange):
        node.client.indices.create(index=name)

    def there() -> set[str]:
        return {*old, *kept, *strange} & set(node.client.indices.get(index="*"))

    try:
        assert main(["prune", "--days", "30"]) == 0
        assert there() == {*old, *kept, *strange}
        assert {
            line.split()[2] for line in capsys.readouterr().out.splitlines() if "would" in line
        } >= {*old}
        assert main(["prune", "--days", "30", "--yes"]) == 0
        assert there() == {*kept, *strange}
        assert main(["prune", "--days", "30", "--yes"]) == 0
    finally:
        node.client.indices.delete(index=sorted(there()))


@pytest.mark.integration
def test_a_closed_index_is_seen_too(node: Node) -> None:
    name = of(date(2001, 1, 1))
    node.client.indices.create(index=name)
    node.client.indices.close(index=name)
    assert name in {index.name for index in log_indices(node.client)}
    delete(node.client, [an_index(name), an_index(of(date(2001, 1, 2)))])
    assert not node.client.indices.exists(index=name)


@pytest.mark.integration
@pytest.mark.parametrize("name", [f"{PREFIX}*", "_all", "other", f"{PREFIX}2001.01.01,other"])
def test_a_name_that_is_no_days_stops_the_deletion_of_all(node: Node, name: str) -> None:
    good = of(date(2001, 1, 1))
    node.client.indices.create(index=good)
    try:
        with pytest.raises(ValueError, match="is not deleted"):
            delete(node.client, [an_index(good), an_index(name)])
        assert node.client.indices.exists(index=good)
    finally:
        node.client.indices.delete(index=good)
