"""A real service's log to a real node, while both are killed: every record is there, once.

    LOG_RECORDS=200000 pytest tests/stack/logs/shipping/test_shipping_to_elasticsearch.py -s

says how fast, with how much memory, and how soon a record is found.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from elasticsearch import ApiError, Elasticsearch, TransportError
from elasticsearch.helpers import scan

from stack.launch.elasticsearch import EmbeddedElasticsearch
from stack.logs.connection import Connection
from stack.logs.fields import load_fields
from stack.logs.indices import PATTERN
from stack.logs.setup import Plan, set_up
from stack.logs.shipping.command import URL_FILE
from stack.logs.shipping.dead_letters import DEAD_LETTERS_FILE
from stack.ports import reserve
from stack.processes import Processes
from stack.tools import ToolSettings
from stack.tools.elasticsearch import find_elasticsearch
from stack.waiting import wait_until

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[4]
RECORDS = int(os.environ.get("LOG_RECORDS", "20000"))
WRITERS = 4
WRITTEN_PER_SECOND = 5_000
"""Slow enough that writing outlasts five kills, fast enough that there is always a backlog."""

READY_SECONDS = 90
PATIENCE_SECONDS = 120 + RECORDS / 500
MEMORY_MB = 80
GONE = (ApiError, TransportError)


@dataclass
class Bench:
    """A node of its own, and a shipper; both may be killed and started again."""

    folder: Path
    processes: Processes
    node: EmbeddedElasticsearch
    client: Elasticsearch
    options: tuple[object, ...] = ()
    peaks_mb: list[float] = field(default_factory=list)
    shipper: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / "app.log"

    @property
    def state(self) -> Path:
        return self.folder / "shipper"

    def start_shipper(self) -> None:
        self.shipper = self.processes.start(
            "shipper",
            [sys.executable, "-m", "stack.logs", "ship", str(self.log), *map(str, self.options)],
            log=self.folder / "shipper.out",
            env={**os.environ, "ELASTICSEARCH_URL": self.node.url},
            cwd=ROOT,
        )

    def note_peak(self) -> None:
        assert self.shipper is not None
        status = Path(f"/proc/{self.shipper.pid}/status").read_text()
        self.peaks_mb.append(int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024)

    def kill_shipper(self) -> None:
        assert self.shipper is not None
        self.note_peak()
        self.shipper.kill()
        self.shipper.wait()
        self.start_shipper()

    def kill_node(self) -> None:
        self.node.process.kill()
        self.node.process.wait()
        self.node.start()
        self.node.wait_ready(READY_SECONDS)

    def count(self) -> int:
        found = self.client.count(index=PATTERN, allow_no_indices=True)
        return int(found["count"])

    def wait_for(self, count: int) -> None:
        wait_until(
            lambda: self.count() >= count,
            what=f"{count} records in the index",
            timeout_seconds=PATIENCE_SECONDS,
            interval_seconds=0.1,
            retry_on=GONE,
        )

    def metric(self, name: str) -> float:
        url = (self.state / URL_FILE).read_text().strip()
        with urllib.request.urlopen(url, timeout=5) as answer:
            text = answer.read().decode()
        return float(re.findall(rf"^{re.escape(name)} (\S+)$", text, re.M)[0])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    home = find_elasticsearch(ToolSettings.from_env(), print)
    with (
        Processes() as processes,
        reserve() as port,
        EmbeddedElasticsearch(home, tmp_path / "es", processes, port.port) as node,
    ):
        node.start()
        node.wait_ready(READY_SECONDS)
        with Connection(urls=(node.url,), timeout_seconds=READY_SECONDS).client() as client:
            assert list(set_up(client, Plan(fields=load_fields(), days=30)))
            yield Bench(folder=tmp_path, processes=processes, node=node, client=client)


def messages(client: Elasticsearch) -> list[str]:
    client.indices.refresh(index=PATTERN)
    found = scan(client, index=PATTERN, size=5000, _source=["message"])
    return [hit["_source"]["message"] for hit in found]


def start_writers(bench: Bench, records: int, seconds: float) -> list[subprocess.Popen[bytes]]:
    """Have four processes log, as the service does but with a rotation every second."""
    return [
        bench.processes.start(
            f"writer-{number}",
            [
                *(sys.executable, "-m", "benchmarks.apps.rotating", "ours", str(bench.log)),
                *(str(number), str(records // WRITERS), str(seconds)),
            ],
            log=bench.folder / "writers.out",
            cwd=ROOT,
        )
        for number in range(WRITERS)
    ]


def say(**figures: float) -> None:
    shown = ", ".join(f"{name.replace('_', ' ')} {value:,.2f}" for name, value in figures.items())
    sys.stdout.write(f"\n{shown}\n")


def test_every_record_is_there_once_though_node_and_shipper_are_killed(bench: Bench) -> None:
    began = time.monotonic()
    bench.start_shipper()
    writers = start_writers(bench, RECORDS, RECORDS / WRITTEN_PER_SECOND)
    kills: list[Callable[[], None]] = [
        bench.kill_node,
        bench.kill_shipper,
        bench.kill_node,
        bench.kill_shipper,
        bench.kill_node,
    ]
    for number, kill in enumerate(kills, start=1):
        bench.wait_for(RECORDS * number // (len(kills) + 2))
        kill()
    assert [writer.wait(PATIENCE_SECONDS) for writer in writers] == [0] * WRITERS
    bench.wait_for(RECORDS)
    bench.note_peak()
    assert bench.shipper is not None
    bench.shipper.terminate()
    assert bench.shipper.wait(30) == 0
    elapsed = time.monotonic() - began
    found = messages(bench.client)
    expected = {f"{one} {n}" for one in range(WRITERS) for n in range(RECORDS // WRITERS)}
    assert len(found) == len(expected), "some twice" if len(found) > len(expected) else "some lost"
    assert set(found) == expected
    rotated = len(list(bench.folder.glob("app.log.*")))
    whole_seconds = RECORDS // WRITTEN_PER_SECOND - 1  # it begins and ends in the midst of one
    assert rotated >= whole_seconds, "the file is rotated every second"
    assert not (bench.state / DEAD_LETTERS_FILE).exists()
    assert max(bench.peaks_mb) < MEMORY_MB
    say(records=RECORDS, seconds=elapsed, rotations=rotated, peak_MB=max(bench.peaks_mb))


def test_a_backlog_is_shipped_fast_and_in_little_memory(bench: Bench) -> None:
    for writer in start_writers(bench, RECORDS, 0):
        assert writer.wait(PATIENCE_SECONDS) == 0
    cpu = cpu_seconds(bench.node.process.pid)
    began = time.monotonic()
    bench.start_shipper()
    wait_until(
        lambda: (
            (bench.state / URL_FILE).exists()
            and bench.metric("log_shipper_shipped_total") == RECORDS
        ),
        what=f"{RECORDS} records to be shipped",
        timeout_seconds=PATIENCE_SECONDS,
        interval_seconds=0.2,
        retry_on=(OSError,),
    )
    elapsed = time.monotonic() - began
    assert bench.shipper is not None
    spent = cpu_seconds(bench.node.process.pid) - cpu + cpu_seconds(bench.shipper.pid)
    bench.note_peak()
    assert len(messages(bench.client)) == RECORDS
    assert bench.peaks_mb[0] < MEMORY_MB
    assert bench.metric("log_shipper_lag_bytes") == 0
    assert bench.metric("log_shipper_lag_seconds") == 0
    say(
        records_per_second=RECORDS / elapsed,
        records_per_CPU_second=RECORDS / spent,
        own_CPU_seconds=cpu_seconds(bench.shipper.pid),
        peak_MB=bench.peaks_mb[0],
    )


def test_a_record_is_found_soon_after_it_is_written(bench: Bench) -> None:
    bench.start_shipper()
    waits = []
    for number in range(20):
        now = datetime.now(UTC)
        record = {
            "@timestamp": now.isoformat().replace("+00:00", "Z"),
            "message": "m",
            "event.id": f"soon-{number}",
        }
        with bench.log.open("ab") as file:
            file.write(orjson.dumps(record) + b"\n")
        query = {"term": {"event.id": f"soon-{number}"}}
        written = time.monotonic()
        wait_until(
            lambda query=query: bench.client.count(index=PATTERN, query=query)["count"] == 1,
            what="the record to be found",
            timeout_seconds=30,
            interval_seconds=0.01,
            retry_on=GONE,  # an index that has just been made
        )
        waits.append(time.monotonic() - written)
    say(median_seconds_to_be_found=statistics.median(waits[1:]), longest=max(waits[1:]))
    assert statistics.median(waits[1:]) < 2


def test_hostile_lines_are_in_the_index_or_among_the_dead_letters(bench: Bench) -> None:
    deep: Any = "x"
    for _ in range(40):
        deep = {"d": deep}
    deeper = b'{"d":' * 300 + b"1" + b"}" * 300
    usual = {"@timestamp": "2026-11-01T10:00:00Z", "message": "m"}
    good: list[object] = [
        {**usual, "event.id": "usual"},
        {**usual, "event.id": "unknown", "colour": "red", "nested": {"a": [1, {"b": 2}]}},
        {**usual, "event.id": "ids", "request_id": "x" * 40_000},
        {**usual, "event.id": "text", "error.stack_trace": "x" * 500_000},
        {**usual, "event.id": "extra", "extra": {"long": "y" * 40_000, "": 1, "a.b": {"c": None}}},
        {**usual, "event.id": "no time", "@timestamp": "noon"},
        {**usual, "event.id": "nested", "http": {"response": {"status_code": 200}}},
        {**usual, "event.id": "7" * 512},
        {**usual, "event.id": "list", "http.response.status_code": [200], "tags": ["a", "b"]},
        {**usual, "event.id": "before", "@timestamp": "1969-07-20T20:17:40Z"},
        {**usual, "event.id": "ahead", "@timestamp": "2999-01-01T00:00:00Z"},
        {**usual, "event.id": None},
        usual,
    ]
    refused: list[object] = [
        {**usual, "event.id": "type", "process.pid": "not a number"},
        {**usual, "event.id": "object", "message": {"a": 1}},
        {**usual, "event.id": "deep", "extra": deep},
    ]
    lines = [orjson.dumps(one) for one in good + refused]
    odd = [b"plain text", b'{"torn', b"\xff\xfe", b"z" * 900_000, b"\0" * 90_000, b"[1]"]
    odd += [
        b'{"@timestamp":"2026-11-01T10:00:00Z","colour":%b}' % deeper,
        b'{"message":"no time","extra":%b}' % deeper,
        b'{"@timestamp":"2026-11-01T10:00:00Z","colour":1,"colour":2}',
    ]
    bench.log.write_bytes(b"\n".join([*lines, *odd, b"", b""]))
    bench.options = ("--once",)
    bench.start_shipper()
    assert bench.shipper is not None
    assert bench.shipper.wait(60) == 0
    letters = (bench.state / DEAD_LETTERS_FILE).read_bytes().splitlines()
    assert sorted(json.loads(one)["id"] for one in letters) == ["deep", "object", "type"]
    assert {json.loads(one)["status"] for one in letters} == {400}
    bench.client.indices.refresh(index=PATTERN)
    assert bench.count() == len(good) + len(odd)
    hits = bench.client.search(index=PATTERN, size=100)["hits"]["hits"]
    assert {hit["_id"] for hit in hits} == {hit["_source"]["event.id"] for hit in hits}
    days = {one["@timestamp"][:4] for one in (hit["_source"] for hit in hits)}
    assert days <= {"2026", str(datetime.now(UTC).year)}, "a time that can't be is not taken"
    tagged = bench.client.search(index=PATTERN, query={"term": {"tags": "not_json"}}, size=100)
    originals = {hit["_source"]["event.original"] for hit in tagged["hits"]["hits"]}
    assert originals == {one.decode(errors="backslashreplace") for one in odd}


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
