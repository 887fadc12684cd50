"""How many bytes of disk a log record takes in a real Elasticsearch, and in the log file.

    python -m benchmarks logsize
    python -m benchmarks logsize --requests 100000

A service with the toolkit's instrumentation answers requests: most are fine, one in a hundred ends
in an exception with its traceback, one in ten logs a line of its own. Its log is shipped as in
production, into a node with the template that setup installs. What is told is measured twice: as
the day is written, and merged, as an old day is in the end.
"""

from __future__ import annotations

import logging
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import flask
from elasticsearch import Elasticsearch

from benchmarks.options import Options
from benchmarks.report import Outcome, publish
from instrumentation import instrument
from instrumentation.logging_config import flush_logs
from stack.launch.elasticsearch import EmbeddedElasticsearch
from stack.logs.connection import Connection
from stack.logs.indices import PATTERN
from stack.ports import reserve
from stack.processes import Processes
from stack.tools import ToolSettings, ToolsUnavailable
from stack.tools.elasticsearch import find_elasticsearch

REQUESTS = 20_000
USERS, ITEMS = 500, 10_000
FAILING, TALKING = 0.01, 0.1  # shares of the requests
SEED = 7
READY_SECONDS, COMMAND_SECONDS, MERGE_SECONDS = 60.0, 600.0, 120.0


def write_log(file: Path, requests: int) -> None:
    """Let a service answer that many requests, and have its log written."""
    app = flask.Flask("shop")
    log = logging.getLogger("shop")
    chance = random.Random(SEED)  # noqa: S311  # the same log each time, no secret
    instrument(app, user_id=lambda: str(chance.randrange(USERS)), log_file=file)

    def item(number: int) -> str:
        luck = chance.random()
        if luck < FAILING:
            raise LookupError(f"item {number} has no price")
        if luck < FAILING + TALKING:
            log.info("price of %s was looked up", number, extra={"item": number})
        return "x" * chance.randrange(200, 4000)

    app.add_url_rule("/api/items/<int:number>", view_func=item)
    client = app.test_client()
    for _ in range(requests):
        client.get(f"/api/items/{chance.randrange(ITEMS)}?page={chance.randrange(9)}").close()
    flush_logs(app)


def ship(file: Path, url: str) -> None:
    """Install the template and ship the whole log, by the commands of production."""
    for command in (["setup", "--replicas", "0"], ["ship", str(file), "--once"]):
        subprocess.run(
            [sys.executable, "-m", "stack.logs", *command],
            env={**os.environ, "ELASTICSEARCH_URL": url},
            stdout=subprocess.DEVNULL,
            timeout=COMMAND_SECONDS,
            check=True,
        )


def size_of(client: Elasticsearch) -> tuple[int, int]:
    """Return how many documents the indices have, and how many bytes their segments take.

    The segments are asked, as the node keeps its statistics of disk use for ten seconds.
    """
    client.indices.flush(index=PATTERN, force=True)
    client.indices.refresh(index=PATTERN)
    told = client.indices.segments(index=PATTERN)["indices"]
    segments = [
        segment
        for index in told.values()
        for copies in index["shards"].values()
        for copy in copies
        for segment in copy["segments"].values()
    ]
    return (
        sum(one["num_docs"] for one in segments),
        sum(one["size_in_bytes"] for one in segments),
    )


def measured(file: Path, client: Elasticsearch) -> Outcome:
    """Return the sizes as a table."""
    with file.open("rb") as lines:
        count = sum(1 for _ in lines)
    documents, written = size_of(client)
    if documents != count:
        raise SystemExit(
            f"logsize: {count} lines were shipped, and {documents} documents are there"
        )
    client.options(request_timeout=MERGE_SECONDS).indices.forcemerge(
        index=PATTERN, max_num_segments=1
    )
    _, merged = size_of(client)
    sizes = {"log file": file.stat().st_size, "index, as written": written, "index, merged": merged}
    return Outcome(
        name="logsize",
        title=f"bytes of disk a record, {documents:,} records",
        columns=("where", "bytes a record", "GB a million records a day, 30 days"),
        rows=[
            (name, f"{size / documents:.0f}", f"{size / documents * 30e6 / 1e9:.1f}")
            for name, size in sizes.items()
        ],
        figures={name: size / documents for name, size in sizes.items()},
    )


def measure(options: Options) -> bool:
    """Write a log, ship it into a real node, and tell what it takes there."""
    try:
        home = find_elasticsearch(ToolSettings.from_env(), print)
    except ToolsUnavailable as error:
        raise SystemExit(f"logsize: {error}") from error
    with (
        tempfile.TemporaryDirectory(prefix="bench-logsize-") as name,
        Processes() as processes,
        reserve() as port,
        EmbeddedElasticsearch(home, Path(name) / "node", processes, port.port) as node,
    ):
        file = Path(name) / "logs" / "app.log"
        node.start()
        write_log(file, REQUESTS if options.requests is None else options.requests)
        node.wait_ready(READY_SECONDS)
        ship(file, node.url)
        with Connection(urls=(node.url,)).client() as client:
            outcome = measured(file, client)
    publish(outcome)
    return outcome.met
