"""One Elasticsearch node in a container: `stack.launch.elasticsearch.ElasticsearchNode`.

Design rule: it is told what an embedded node is told, in the words of the official image.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from stack.launch.containers.container import Container
from stack.launch.containers.server import Server
from stack.launch.node import StartedNode

if TYPE_CHECKING:
    from stack.launch.containers.premises import Containers

__all__ = ["ContainedElasticsearch"]

PORT = 9200
USER = "1000:0"
"""The image's elasticsearch, as in production's compose file."""


class ContainedElasticsearch(StartedNode[Container]):
    """One node; its data is its container's, and stays when it is killed and started again."""

    def __init__(
        self, premises: Containers, name: str, image: str, directory: Path, *, heap_mb: int
    ) -> None:
        """Prepare a node called `name`; what it says is copied below `directory` at its end."""
        self._premises = premises
        self._image = image
        self._heap_mb = heap_mb
        place = premises.place(name, PORT)
        super().__init__(name, place.host, place.port, directory / f"{name}.log")

    def start(self) -> None:
        """Start the node without waiting; with its data, once it has ended."""
        if self._running is not None:
            self._running.start_again()
            return
        heap = f"{self._heap_mb}m"
        self._running = self._premises.serve(
            Server(
                name=self._name,
                image=self._image,
                user=USER,
                yields=True,  # who is being scraped must not wait for a node that starts
                environment={
                    "cluster.name": self._name,
                    "node.name": self._name,
                    "discovery.type": "single-node",
                    "network.host": "0.0.0.0",  # noqa: S104 - of the container
                    "ES_JAVA_OPTS": f"-Xms{heap} -Xmx{heap}",
                    "cluster.routing.allocation.disk.threshold_enabled": "false",
                    "indices.breaker.total.use_real_memory": "false",
                    "xpack.security.enabled": "false",
                    "xpack.ml.enabled": "false",
                    "ingest.geoip.downloader.enabled": "false",
                    "logger.level": "WARN",
                },
            )
        )

    def wait_ready(self, timeout: float) -> None:
        """Wait as every node does; what it said until then is in its log."""
        try:
            super().wait_ready(timeout)
        finally:
            self._keep_words()

    def __enter__(self) -> Self:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._log.touch()
        return self

    def _end(self) -> None:
        self._premises.stop(self._name)
        self._keep_words()

    def _keep_words(self) -> None:
        self._log.write_bytes(self.process.all_words())
