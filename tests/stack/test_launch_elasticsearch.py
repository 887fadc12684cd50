"""A real Elasticsearch node starts, keeps what it was given, and survives nobody."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch, helpers

from stack.launch import LaunchError
from stack.launch.elasticsearch import EmbeddedElasticsearch
from stack.ports import port_is_held, reserve
from stack.processes import Processes
from stack.tools import ToolSettings
from stack.tools.elasticsearch import ElasticsearchHome, find_elasticsearch
from stack.waiting import wait_until

pytestmark = pytest.mark.integration

READY_SECONDS = 60.0
"""Measured 3 s on an idle machine, 12 s beside a load of eight on two processors."""


@pytest.fixture(scope="module")
def home() -> ElasticsearchHome:
    return find_elasticsearch(ToolSettings.from_env(), print)


@pytest.fixture
def processes() -> Iterator[Processes]:
    with Processes() as running:
        yield running


@pytest.fixture
def port() -> Iterator[int]:
    with reserve() as reservation:
        yield reservation.port


@pytest.fixture
def node(
    home: ElasticsearchHome, processes: Processes, port: int, tmp_path: Path
) -> Iterator[EmbeddedElasticsearch]:
    with EmbeddedElasticsearch(home, tmp_path / "node", processes, port) as embedded:
        yield embedded


def index(client: Elasticsearch, count: int) -> None:
    helpers.bulk(
        client,
        ({"_index": "numbers", "_id": str(n), "number": n} for n in range(count)),
    )


def found(client: Elasticsearch) -> int:
    client.indices.refresh(index="numbers")
    return int(client.count(index="numbers")["count"])


def listening_addresses(pid: int) -> set[str]:
    """Return the hexadecimal addresses on which a process listens."""
    inodes = {
        link.readlink().name.removeprefix("socket:[").rstrip("]")
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if link.is_symlink() and link.readlink().name.startswith("socket:[")
    }
    addresses = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            listens = fields[3] == "0A"
            if listens and fields[9] in inodes:
                addresses.add(fields[1].rpartition(":")[0])
    return addresses


def test_it_starts_without_waiting_indexes_searches_and_says_nothing(
    node: EmbeddedElasticsearch,
) -> None:
    started = time.monotonic()
    node.start()
    assert time.monotonic() - started < 1.0
    node.wait_ready(READY_SECONDS)
    with Elasticsearch(node.url) as client:
        index(client, 2000)
        assert found(client) == 2000
        hits = client.search(index="numbers", query={"range": {"number": {"gte": 1990}}})["hits"]
        assert hits["total"]["value"] == 10
    logs = list((node.directory / "log").iterdir())
    assert [log.read_text() for log in logs] == [""]


def test_it_listens_on_loopback_only(node: EmbeddedElasticsearch) -> None:
    node.start()
    node.wait_ready(READY_SECONDS)
    loopback = {"0100007F", "0000000000000000FFFF00000100007F"}
    assert listening_addresses(node.process.pid)
    assert listening_addresses(node.process.pid) <= loopback


def test_a_killed_node_starts_again_on_its_port_with_every_acknowledged_document(
    node: EmbeddedElasticsearch,
) -> None:
    node.start()
    node.wait_ready(READY_SECONDS)
    with Elasticsearch(node.url) as client:
        index(client, 500)  # acknowledged, and not refreshed yet
        node.process.kill()
        node.process.wait()
        node.start()
        node.wait_ready(READY_SECONDS)
        assert found(client) == 500


def test_a_stopped_node_starts_again_with_its_data(node: EmbeddedElasticsearch) -> None:
    node.start()
    node.wait_ready(READY_SECONDS)
    with Elasticsearch(node.url) as client:
        index(client, 10)
        node.stop()
        assert node.process.returncode is not None
        node.start()
        node.wait_ready(READY_SECONDS)
        assert found(client) == 10


def test_two_nodes_at_once_know_nothing_of_each_other(
    home: ElasticsearchHome, processes: Processes, tmp_path: Path
) -> None:
    with (
        reserve() as first_port,
        reserve() as second_port,
        EmbeddedElasticsearch(
            home, tmp_path / "1", processes, first_port.port, name="first"
        ) as first,
        EmbeddedElasticsearch(
            home, tmp_path / "2", processes, second_port.port, name="second"
        ) as second,
    ):
        first.start()
        second.start()
        first.wait_ready(READY_SECONDS)
        second.wait_ready(READY_SECONDS)
        with Elasticsearch(first.url) as one, Elasticsearch(second.url) as other:
            index(one, 5)
            assert found(one) == 5
            assert not other.indices.exists(index="numbers")
            assert one.cluster.health()["number_of_nodes"] == 1
            assert other.cluster.health()["number_of_nodes"] == 1


def test_a_node_that_cannot_start_ends_the_wait_with_its_own_words(
    home: ElasticsearchHome, processes: Processes, port: int, tmp_path: Path
) -> None:
    with EmbeddedElasticsearch(home, tmp_path, processes, port) as node:
        settings = tmp_path / "config" / "elasticsearch.yml"
        settings.write_text(settings.read_text() + "no.such.setting: 1\n")
        node.start()
        with pytest.raises(LaunchError, match=r"unknown setting \[no\.such\.setting\]") as told:
            node.wait_ready(READY_SECONDS)
    assert "elasticsearch did not become ready: ended with status 1" in str(told.value)
    assert f"look  tail -n 50 {tmp_path}/log/elasticsearch.log" in str(told.value)


def test_another_node_on_the_port_is_not_taken_for_this_one(
    home: ElasticsearchHome, node: EmbeddedElasticsearch, processes: Processes, port: int
) -> None:
    node.start()
    node.wait_ready(READY_SECONDS)
    intruder = EmbeddedElasticsearch(
        home, node.directory.parent / "other", processes, port, name="other"
    )
    with intruder:
        intruder.start()
        with pytest.raises(LaunchError, match="Address already in use"):
            intruder.wait_ready(READY_SECONDS)


def test_a_node_that_was_never_started_cannot_be_awaited_and_may_be_stopped(
    node: EmbeddedElasticsearch,
) -> None:
    node.stop()
    with pytest.raises(LaunchError, match=r"elasticsearch was never started; call start\(\)"):
        node.wait_ready(1)


OWNER = """
import signal, sys
from pathlib import Path
from stack.launch.elasticsearch import EmbeddedElasticsearch
from stack.ports import reserve
from stack.processes import Processes
from stack.tools import ToolSettings
from stack.tools.elasticsearch import find_elasticsearch

home = find_elasticsearch(ToolSettings.from_env(), lambda line: None)
port = reserve()
with EmbeddedElasticsearch(home, Path(sys.argv[1]), Processes(), port.port) as node:
    node.start()
    if sys.argv[2] == "ready":
        node.wait_ready(60)
    print(node.process.pid, port.port, flush=True)
    signal.pause()
"""


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.mark.parametrize("moment", ["starting", "ready"])
def test_kill_9_of_the_owner_leaves_no_process_no_port_and_no_file_outside(
    home: ElasticsearchHome, tmp_path: Path, moment: str
) -> None:
    assert home.archive is not None  # made before, so that the owner only starts
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path), moment], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    pid, port = (int(word) for word in owner.stdout.readline().split())
    assert lives(pid)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    wait_until(lambda: not lives(pid), what=f"{pid} to be gone", timeout_seconds=5)
    wait_until(lambda: not port_is_held(port), what=f"port {port} to be free", timeout_seconds=5)
    assert not list(Path("/tmp").glob(f"hsperfdata_*/{pid}"))
