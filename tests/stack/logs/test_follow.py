"""Whoever follows misses nothing that comes late, and is told nothing twice."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from elasticsearch import ConnectionError, Elasticsearch, helpers

from stack.logs.fields import load_fields
from stack.logs.find import PAGE
from stack.logs.follow import OVERLAP, Follower
from stack.logs.indices import index_of
from stack.logs.query import LogFilter
from stack.logs.setup import Plan, set_up
from tests.stack.logs.conftest import Node

pytestmark = pytest.mark.integration

BEGIN = datetime(2092, 1, 1, 12, tzinfo=UTC)
_numbers = count()


class Log:
    """Records of one service, which nobody else logs for."""

    def __init__(self, node: Node) -> None:
        self.client = node.client
        self.service = f"following-{next(_numbers)}"
        self.ids: list[str] = []

    def add(
        self,
        *after_seconds: float,
        ingested_seconds: float | None = None,
        refresh: bool = True,
    ) -> list[str]:
        """Ship records of these times, and return their ids."""
        actions = []
        for after in after_seconds:
            when = BEGIN + timedelta(seconds=after)
            document: dict[str, Any] = {
                "@timestamp": when.isoformat().replace("+00:00", "Z"),
                "message": f"at {after}",
                "service.name": self.service,
                "event.id": f"{self.service}-{len(self.ids)}",
            }
            if ingested_seconds is not None:
                ingested = BEGIN + timedelta(seconds=ingested_seconds)
                document["event.ingested"] = ingested.isoformat().replace("+00:00", "Z")
            self.ids.append(document["event.id"])
            actions.append({"_index": index_of(when), "_id": self.ids[-1], "_source": document})
        helpers.bulk(self.client, actions, refresh=refresh)
        return self.ids[-len(after_seconds) :]

    def follower(self, *, lines: int = 10, since: datetime | None = None) -> Follower:
        return Follower(self.client, LogFilter(service=self.service, since=since), lines=lines)


class FailingOnce:
    """A client that loses its connection at one search, as when the node is killed."""

    def __init__(self, client: Elasticsearch, *, at_search: int) -> None:
        self._client = client
        self._searches = count(1)
        self._at = at_search

    def search(self, **asked: Any) -> Any:
        if next(self._searches) == self._at:
            raise ConnectionError("the node is gone")
        return self._client.search(**asked)


@pytest.fixture
def log(node: Node) -> Iterator[Log]:
    list(set_up(node.client, Plan(fields=load_fields(), days=30)))
    yield Log(node)
    node.client.indices.delete(index="softfactory-logs-2092.01.01", ignore_unavailable=True)


def told(follower: Follower) -> list[str]:
    return [record.id for record in follower.look()]


def test_it_begins_with_the_newest_and_goes_on_with_what_comes(log: Log) -> None:
    log.add(*range(20))
    follower = log.follower(lines=3)
    assert told(follower) == log.ids[-3:]
    assert told(follower) == []
    new = log.add(20, 21)
    assert told(follower) == new
    assert told(follower) == []


def test_with_no_lines_it_begins_with_what_comes(log: Log) -> None:
    log.add(*range(5))
    follower = log.follower(lines=0)
    assert told(follower) == []
    assert told(follower) == []
    new = log.add(5)
    assert told(follower) == new


def test_where_there_is_nothing_yet_the_first_record_is_told(log: Log) -> None:
    follower = log.follower()
    assert told(follower) == []
    new = log.add(0, 1)
    assert told(follower) == new


def test_since_a_time_all_is_told(log: Log) -> None:
    log.add(*range(5))
    follower = log.follower(since=BEGIN + timedelta(seconds=2))
    assert told(follower) == log.ids[2:]
    assert told(follower) == []


def test_records_of_several_days_that_were_shipped_together_are_told_once(log: Log) -> None:
    day = 24 * 3600
    log.add(0, ingested_seconds=2 * day)
    log.add(0.5 * day, ingested_seconds=2 * day)
    log.add(0.9 * day, ingested_seconds=2 * day + 1)
    for since in (BEGIN, None):
        follower = log.follower(since=since)
        assert told(follower) == log.ids
        assert told(follower) == []
        assert told(follower) == []


def test_what_is_shipped_into_a_cluster_without_any_index_is_told_once(log: Log) -> None:
    follower = log.follower()
    log.client.indices.delete(index="softfactory-logs-2092.01.01", ignore_unavailable=True)
    assert told(follower) == []
    log.add(0, 10, 20, ingested_seconds=20)
    assert told(follower) == log.ids
    assert told(follower) == []
    assert told(follower) == []


def test_pages_that_were_shipped_together_are_told_once_also_where_a_look_fails(log: Log) -> None:
    log.add(*[number * 0.01 for number in range(2 * PAGE + 1)], ingested_seconds=3600)
    client = FailingOnce(log.client, at_search=2)
    follower = Follower(client, LogFilter(service=log.service, since=BEGIN), lines=10)  # type: ignore[arg-type]  # it has what is used
    seen: list[str] = []
    with pytest.raises(ConnectionError):
        seen.extend(record.id for record in follower.look())
    seen += told(follower) + told(follower)
    assert sorted(seen) == sorted(log.ids)


def test_a_document_without_a_time_is_told_once_and_stops_nothing(log: Log) -> None:
    index = "softfactory-logs-2092.01.01"
    source = {"message": "when?", "service.name": log.service}
    log.client.index(index=index, id="lost", document=source, refresh=True)
    follower = log.follower()
    assert told(follower) == ["lost"]
    assert told(follower) == []
    new = log.add(1)
    assert told(follower) == new
    assert told(follower) == []


def test_a_record_that_comes_late_is_told_once(log: Log) -> None:
    log.add(*range(20))
    follower = log.follower(lines=1)
    told(follower)
    late = log.add(19 - OVERLAP.total_seconds())
    assert told(follower) == late
    assert told(follower) == []


def test_where_a_look_begins_is_cut_as_elasticsearch_cuts_it(log: Log) -> None:
    edge = OVERLAP.total_seconds()
    log.add(0.0002, edge + 0.0005)  # the next look begins between them, to the millisecond at 0
    follower = log.follower()
    assert told(follower) == log.ids
    assert told(follower) == []


def test_what_was_held_up_for_longer_is_found_by_when_it_was_shipped(log: Log) -> None:
    log.add(3600, ingested_seconds=3601)
    follower = log.follower()
    assert told(follower) == log.ids
    held_up = log.add(0, 1, 2, ingested_seconds=3602)
    assert told(follower) == held_up
    assert told(follower) == []
    assert told(follower) == []


def test_many_pages_of_one_moment_are_told_once_each(log: Log) -> None:
    log.add(0)
    follower = log.follower()
    told(follower)
    new = log.add(*[1 + number * 1e-7 for number in range(2 * PAGE + 1)])
    assert sorted(told(follower)) == sorted(new)
    assert told(follower) == []


def test_a_look_that_fails_halfway_goes_on_where_it_was(log: Log) -> None:
    log.add(*[number * 0.01 for number in range(2 * PAGE + 1)])
    client = FailingOnce(log.client, at_search=2)
    follower = Follower(client, LogFilter(service=log.service, since=BEGIN), lines=10)  # type: ignore[arg-type]  # it has what is used
    seen: list[str] = []
    with pytest.raises(ConnectionError):
        seen.extend(record.id for record in follower.look())
    assert len(seen) == PAGE
    seen += told(follower)
    assert sorted(seen) == sorted(log.ids)


def test_several_writers_in_disorder_are_told_wholly_and_once(log: Log) -> None:
    follower = log.follower()
    told(follower)
    dice = random.Random(7)
    seen: list[str] = []
    for second in range(30):
        log.add(*[second + dice.random() * OVERLAP.total_seconds() for _ in range(40)])
        if dice.random() < 0.7:
            seen += told(follower)
    seen += told(follower)
    assert sorted(seen) == sorted(log.ids)


def test_the_command_prints_what_is_written_meanwhile_and_ends_on_ctrl_c(
    log: Log, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELASTICSEARCH_URL", node.url)
    log.add(0)
    command = [sys.executable, "-u", "-m", "stack.logs", "follow", "--json", "--interval", "0.1"]
    with subprocess.Popen(
        [*command, "--service", log.service], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        late = threading.Timer(60, process.kill)
        late.start()
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            seen = [json.loads(process.stdout.readline())["event.id"]]
            log.add(*[number / 10 for number in range(1, 101)], refresh=False)
            seen += [json.loads(process.stdout.readline())["event.id"] for _ in range(100)]
            process.send_signal(signal.SIGINT)
            rest, errors = process.stdout.read(), process.stderr.read()
        finally:
            late.cancel()
            process.kill()
    assert sorted(seen) == sorted(log.ids)
    assert (process.returncode, rest, errors) == (0, b"", b"")
