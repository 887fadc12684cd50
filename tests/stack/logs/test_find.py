"""What was shipped is found again, and told as a story."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from elasticsearch import helpers

from stack.logs.command import main
from stack.logs.fields import load_fields
from stack.logs.find import PAGE, find
from stack.logs.indices import index_of
from stack.logs.query import LogFilter
from stack.logs.setup import Plan, set_up
from tests.stack.logs.conftest import Node

pytestmark = pytest.mark.integration

BEGIN = datetime(2091, 1, 1, 23, 59, 59, tzinfo=UTC)  # a second before midnight
_numbers = count()

Ship = Callable[..., None]


@pytest.fixture
def service() -> str:
    """A service that nobody else logs for."""
    return f"finding-{next(_numbers)}"


@pytest.fixture
def ship(node: Node, service: str) -> Ship:
    list(set_up(node.client, Plan(fields=load_fields(), days=30)))

    def ship(*records: dict[str, Any], apart_ms: float = 200) -> None:
        actions = []
        for number, record in enumerate(records):
            when = BEGIN + timedelta(milliseconds=number * apart_ms)
            document = {
                "@timestamp": when.isoformat().replace("+00:00", "Z"),
                "log.level": "info",
                "log.logger": "shop",
                "message": f"record {number}",
                "service.name": service,
                "event.id": f"{service}-{number}",
                **record,
            }
            id_ = document["event.id"]
            actions.append({"_index": index_of(when), "_id": id_, "_source": document})
        helpers.bulk(node.client, actions, refresh=True)

    return ship


@pytest.fixture
def run(
    node: Node, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.setenv("ELASTICSEARCH_URL", node.url)

    def run(*words: str) -> tuple[int, str, str]:
        status = main(["find", *words])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


Run = Callable[..., tuple[int, str, str]]


def test_a_requests_story_is_told_across_midnight(ship: Ship, run: Run, service: str) -> None:
    request = {"request_id": f"r-{service}", "http.request.method": "POST", "url.path": "/pay"}
    failed = {
        "log.level": "error",
        "error.type": "ValueError",
        "error.stack_trace": "Traceback:\n  File x",
    }
    answer = {"http.response.status_code": 500, "latency_ms": 1000.04}
    other = {"request_id": "another"}
    ship(request, request | failed, other, *[request] * 4, request | answer)
    status, out, _ = run("--request-id", f"r-{service}")
    assert status == 0
    assert "asked   POST /pay\nanswer  500 in 1000.0 ms\nbegan   2091-01-01 23:59:59.000Z" in out
    assert "+0.200 s  ERROR     shop  record 1\n    Traceback:\n      File x\n" in out
    assert "+1.400 s  INFO      shop  record 7  500 in 1000.0 ms" in out
    assert "record 2" not in out


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (["--level", "error"], [1, 2]),
        (["--user", "u-7"], [0]),
        (["--trace", "t-7"], [2]),
        (["--since", "2091-01-01T23:59:59.200Z", "--until", "2091-01-01T23:59:59.600Z"], [1, 2]),
        (["--query", '"connection reset"'], [1]),
        (["--query", "connection -reset"], [2]),
        (["--query", "reset conn*"], [1]),
        (["--query", "boundary"], [3]),
        (["--level", "error", "--query", "record"], []),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_each_filter_finds_its_records(
    ship: Ship, run: Run, service: str, words: Any, numbers: list[int]
) -> None:
    ship(
        {"user.id": "u-7"},
        {"log.level": "error", "message": "connection reset by peer"},
        {"log.level": "critical", "message": "reset_ connection", "trace.id": "t-7"},
        {"error.stack_trace": "out of boundary"},
    )
    status, out, err = run("--service", service, "--json", *words)
    found = [json.loads(line)["event.id"] for line in out.splitlines()]
    assert found == [f"{service}-{number}" for number in numbers]
    assert status == (0 if numbers else 1)
    assert ("no record matches; the newest of all is of" in err) == (not numbers)


def test_the_newest_are_shown_and_it_says_of_how_many(ship: Ship, run: Run, service: str) -> None:
    ship(*[{}] * 12)
    status, out, err = run("--service", service, "--limit", "3", "--json")
    assert status == 0
    numbers = [json.loads(line)["event.id"].rpartition("-")[2] for line in out.splitlines()]
    assert numbers == ["9", "10", "11"]
    assert "the newest 3 of 12 records; --limit 12 shows more, --until 2091-01-02T" in err


def test_the_hint_for_older_ones_hides_none_of_the_same_millisecond(
    ship: Ship, run: Run, service: str
) -> None:
    ship(*[{}] * 12, apart_ms=0.3)
    seen: list[str] = []
    until: list[str] = []
    while True:
        _, out, err = run("--service", service, "--limit", "5", "--json", *until)
        seen += [json.loads(line)["event.id"] for line in out.splitlines()]
        hint = re.search(r"(--until) (\S+) the ones before, and may repeat some", err)
        if hint is None:
            break
        until = list(hint.groups())
    assert set(seen) == {f"{service}-{number}" for number in range(12)}


def test_no_hint_leads_in_a_circle_where_a_millisecond_has_more_than_the_limit(
    ship: Ship, run: Run, service: str
) -> None:
    ship(*[{}] * 12, apart_ms=0)
    words = ("--service", service, "--limit", "5")
    assert "--until 2091-01-01T23:59:59.001000Z" in run(*words)[2]
    err = run(*words, "--until", "2091-01-01T23:59:59.001Z")[2]
    assert err == "logs: the newest 5 of 12 records; --limit 12 shows more\n"


def test_one_strange_document_hides_no_other(
    ship: Ship, run: Run, service: str, node: Node
) -> None:
    ship({}, {"http.response.status_code": [200]})
    index = index_of(BEGIN)
    source = {"message": "when?", "service.name": service}
    node.client.index(index=index, id=f"{service}-lost", document=source, refresh=True)
    for words in ([], ["--limit", "1"], ["--limit", "3"]):
        status, out, _ = run("--service", service, *words)
        assert status == 0
        assert "record 1  200" in out
    assert "no time" in out
    assert f"when?\n{BEGIN:%Y-%m-%d}" in out, "it comes first, as it is left out first"


def test_more_than_a_page_is_found_whole_and_once(ship: Ship, node: Node, service: str) -> None:
    ship(*[{}] * (2 * PAGE + 1), apart_ms=0.001)  # hundreds in each millisecond
    found = find(node.client, LogFilter(service=service), limit=3 * PAGE)
    assert [record.id for record in found.records] == [
        f"{service}-{number}" for number in range(2 * PAGE + 1)
    ]
    assert (found.total, found.left_out) == (2 * PAGE + 1, 0)


def test_pages_go_on_behind_a_document_without_a_time(ship: Ship, node: Node, service: str) -> None:
    ship(*[{}] * (PAGE - 1), apart_ms=0.001)
    for number in range(3):  # the first of them ends a page
        source = {"event.id": f"{service}-x{number}", "service.name": service}
        node.client.index(index=index_of(BEGIN), document=source)
    node.client.indices.refresh(index=index_of(BEGIN))
    wanted = LogFilter(service=service)
    found = find(node.client, wanted, limit=3 * PAGE)
    assert len({record.id for record in found.records}) == len(found.records) == PAGE + 2


def test_a_reader_that_has_seen_enough_is_no_failure(
    ship: Ship, node: Node, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ship(*[{}] * 500)
    monkeypatch.setenv("ELASTICSEARCH_URL", node.url)
    command = [sys.executable, "-m", "stack.logs", "find", "--limit", "500", "--service", service]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
