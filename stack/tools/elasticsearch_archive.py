"""The classes of a node's start, kept in the form in which Java uses them.

Design rule: an archive makes a start cheaper and changes nothing else. Java looks whether it fits
and leaves it where it does not, so that a run without one is slower and never different.

Loading and checking some 9,000 classes is more than half of a start's work. Java writes those that
a run has loaded into a file at its end (class data sharing, JEP 350), and later runs map that file
into memory. So one node is started, asked for what drills ask of it, and ended.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import shutil
from dataclasses import replace
from pathlib import Path

from stack.ports import LOOPBACK, reserve
from stack.processes import ProcessError, Processes
from stack.readiness import NOT_ANSWERING
from stack.tools.cache import ToolCache, write_manifest
from stack.tools.elasticsearch_node import (
    ElasticsearchHome,
    answers_healthy,
    node_settings,
    prepare_node,
)
from stack.tools.fetching import FetchFailed, Report
from stack.tools.java import Java
from stack.waiting import wait_until

__all__ = ["learned", "with_archive"]

_FILE = "classes.jsa"
_NAME = "learning"
_HEAP_MB = 256
_READY_TIMEOUT_SECONDS = 60.0
_WRITING_TIMEOUT_SECONDS = 120.0
"""Java writes the archive in 10 s on two idle processors."""

_TEMPLATE = {
    "index_patterns": ["learn-*"],
    "template": {
        "settings": {"number_of_shards": 1, "number_of_replicas": 0},
        "mappings": {
            "dynamic": "strict",
            "properties": {
                "@timestamp": {"type": "date"},
                "message": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
                "level": {"type": "keyword"},
                "count": {"type": "long"},
                "ratio": {"type": "double"},
                "address": {"type": "ip"},
                "told": {"type": "boolean"},
                "labels": {"type": "flattened"},
            },
        },
    },
}
_DOCUMENT = {
    "@timestamp": "2000-01-01T00:00:00.000Z",
    "message": "one of many",
    "level": "INFO",
    "count": 1,
    "ratio": 0.5,
    "address": "127.0.0.1",
    "told": True,
    "labels": {"key": "value"},
}
_SEARCH = {
    "query": {
        "bool": {
            "must": [{"match": {"message": "many"}}],
            "filter": [
                {"range": {"@timestamp": {"gte": "1999-12-31"}}},
                {"term": {"level": "INFO"}},
                {"terms": {"labels.key": ["value"]}},
                {"exists": {"field": "count"}},
            ],
        }
    },
    "sort": [{"@timestamp": "desc"}],
    "aggs": {
        "levels": {"terms": {"field": "level"}},
        "hours": {"date_histogram": {"field": "@timestamp", "fixed_interval": "1h"}},
        "most": {"max": {"field": "count"}},
    },
}


def with_archive(
    home: ElasticsearchHome, java: Java, cache: ToolCache, report: Report
) -> ElasticsearchHome:
    """Return `home` with an archive for this Java, made once; as it is where none can be made."""
    identity = f"{java.command} {java.version} {home.home}"
    name = f"{home.home.name}-classes-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
    try:
        installed = cache.load(name)
        if installed is None:
            installed = cache.install(name, lambda folder: _learn(folder, home, report), report)
    except (FetchFailed, ProcessError, OSError) as failed:
        report(f"Elasticsearch will start more slowly, without its class archive: {failed}")
        return home
    return replace(home, archive=installed.directory / _FILE)


def _learn(directory: Path, home: ElasticsearchHome, report: Report) -> None:
    report("teaching Java the classes of Elasticsearch's start, once (20 s)")
    work = directory / "work"
    archive = directory / _FILE
    log = work / "log"
    with reserve() as reservation, Processes() as processes:
        port = reservation.port
        settings = node_settings(directory=work, home=home.home, port=port, name=_NAME)
        prepare_node(work, settings)
        flags = (
            f"-XX:ArchiveClassesAtExit={archive}",
            "-Xlog:cds=error",
            "-Xlog:cds+dynamic=error",
        )
        process = processes.start(
            _NAME,
            home.command(directory=work, heap_mb=_HEAP_MB, flags=flags),
            log=log,
            cwd=directory,
        )

        def ready() -> bool:
            if process.poll() is not None:
                raise FetchFailed(f"the node ended with {process.returncode}: {_last_line(log)}")
            return answers_healthy(port, name=_NAME)

        wait_until(
            ready,
            what="Elasticsearch's first start",
            timeout_seconds=_READY_TIMEOUT_SECONDS,
            retry_on=NOT_ANSWERING,
        )
        for method, path, body in learned():
            _ask(port, method, path, body)
        processes.stop(_NAME, grace_seconds=_WRITING_TIMEOUT_SECONDS)
    if not archive.is_file():
        raise FetchFailed(f"Java wrote no archive: {_last_line(log)}")
    shutil.rmtree(work)
    source = f"Java's class archive of {home.home.name}"
    write_manifest(directory, origin="cache", programs={"classes": (_FILE, source)})


def learned() -> tuple[tuple[str, str, str], ...]:
    """Return what a node is asked while Java learns: method, path and body of each request."""
    lines = []
    for number in range(100):
        lines += [json.dumps({"create": {"_index": "learn-1", "_id": str(number)}})]
        lines += [json.dumps(_DOCUMENT)]
    bulk = "\n".join([*lines, ""])
    return (
        ("PUT", "/_index_template/learn", json.dumps(_TEMPLATE)),
        ("POST", "/_bulk", bulk),
        ("POST", "/_bulk", bulk),  # each a conflict now
        ("POST", "/learn-1/_refresh", ""),
        ("POST", "/learn-1/_search", json.dumps(_SEARCH)),
        ("GET", "/learn-*/_count", ""),
        ("GET", "/_cat/indices?format=json", ""),
        ("DELETE", "/learn-1", ""),
    )


def _ask(port: int, method: str, path: str, body: str) -> None:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_READY_TIMEOUT_SECONDS)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        said = response.read(300)
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise FetchFailed(f"{method} {path} answered {response.status}: {said!r}")


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][-300:] if lines else "no output"
