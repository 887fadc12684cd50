"""What a node is started with and asked: its command line, its settings, its health.

Design rule: a node's settings are in a file that its operator would recognise, and what the Java
machine needs is on the command line; nothing is in the environment.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.ports import LOOPBACK
from stack.waiting import NotYet

__all__ = [
    "MODULE",
    "ElasticsearchHome",
    "NodeSettings",
    "answers_healthy",
    "node_settings",
    "prepare_node",
]

NodeSettings = Mapping[str, str | int | bool]

MODULE = "transport-netty4"
"""The one module of a node here: HTTP and the nodes' own protocol."""

_CONFIG = "config"
_TEMPORARY = "tmp"
_MAIN_CLASS = "Main"
_HEALTH = "/_cluster/health"
_REQUEST_TIMEOUT_SECONDS = 2.0

_FLAGS = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",  # as upstream's: a node that lost a thread is worse than none
    "-XX:-UsePerfData",  # else a killed node leaves a file in the machine's temporary folder
    "-Xshare:auto",
    "-Dfile.encoding=UTF-8",
)
"""For a start in seconds on two processors that others use too.

Measured beside other load, as CPU seconds of the process for a start, and for that with 20,000
documents indexed: 13.3 and 27 with none of it and no archive; 6.4 and 18.5 with the archive; 3.9
and 8.5 with the quick compiler only (level 1) as well. The serial collector costs as much as G1
and needs 30 MB less after that load.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ElasticsearchHome:
    """Everything that a node needs to be started.

    Attributes:
        java: the beginning of Java's argument list.
        home: the folder with `lib/` and `modules/transport-netty4/`.
        version: Elasticsearch's version.
        archive: the classes of a start, ready for use by this Java; None where there is none.
    """

    java: tuple[str, ...]
    home: Path
    version: str
    archive: Path | None = None

    def command(self, *, directory: Path, heap_mb: int, flags: tuple[str, ...] = ()) -> list[str]:
        """Return the argument list of the node that `prepare_node` prepared in `directory`.

        `flags` are more flags for Java.
        """
        shared = () if self.archive is None else (f"-XX:SharedArchiveFile={self.archive}",)
        # In a fixed order, as the archive is good for exactly the class path it was made with.
        jars = sorted((self.home / "lib").glob("*.jar"))
        return [
            *self.java,
            f"-Xms{heap_mb}m",
            f"-Xmx{heap_mb}m",
            *_FLAGS,
            *shared,
            *flags,
            f"-Djava.io.tmpdir={directory / _TEMPORARY}",
            "-classpath",
            ":".join(str(jar) for jar in jars),
            _MAIN_CLASS,
            str(directory / _CONFIG),
        ]


def node_settings(*, directory: Path, home: Path, port: int, name: str) -> NodeSettings:
    """Return the settings of a node that is a cluster of its own, with its data in `directory`."""
    return {
        "cluster.name": name,
        "node.name": name,
        "path.home": str(home),
        "path.data": str(directory / "data"),
        "path.logs": str(directory / "log"),
        "network.host": LOOPBACK,
        "http.port": port,
        "transport.port": 0,  # nobody asks for it: the system's choice
        "discovery.type": "single-node",
        # A test machine's disk may be nearly full, and a node would then refuse to write.
        "cluster.routing.allocation.disk.threshold_enabled": False,
        # The parent breaker would count garbage as used memory, and only with G1 does it have that
        # collected before it refuses: here it answered 429 in a load that runs without it.
        "indices.breaker.total.use_real_memory": False,
        "logger.level": "WARN",
    }


def prepare_node(directory: Path, settings: NodeSettings) -> None:
    """Make the folders of a node and write its elasticsearch.yml, a setting a line."""
    for folder in (_CONFIG, _TEMPORARY):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    # A JSON value is a YAML value.
    lines = [f"{name}: {json.dumps(value)}\n" for name, value in settings.items()]
    (directory / _CONFIG / "elasticsearch.yml").write_text("".join(lines), encoding="utf-8")


def answers_healthy(port: int, *, name: str, host: str = LOOPBACK) -> bool:
    """Return True if the node `name` on this port, by default of loopback, is yellow or green.

    One node is never green where an index asks for replicas. Raises `stack.waiting.NotYet` for
    another status or another node, and one of `stack.readiness.NOT_ANSWERING` without an answer.
    """
    connection = http.client.HTTPConnection(host, port, timeout=_REQUEST_TIMEOUT_SECONDS)
    try:
        connection.request("GET", _HEALTH)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise NotYet(f"{_HEALTH} answers {response.status}")
    health = json.loads(body)
    if health["cluster_name"] != name:
        raise NotYet(f"another node answers, {health['cluster_name']!r}")
    status = health["status"]
    if status not in ("yellow", "green"):
        raise NotYet(f"the cluster's health is {status}")
    return True
