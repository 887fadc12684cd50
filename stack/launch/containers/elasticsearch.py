"""One Elasticsearch node in a container: `stack.launch.elasticsearch.ElasticsearchNode`.

Design rule: it is told what an embedded node is told, in the words of the official image.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from stack.launch.containers.server import Server
from stack.launch.starting import wait_answering
from stack.tools.elasticsearch_node import answers_healthy

if TYPE_CHECKING:
    from stack.launch.containers.container import Container
    from stack.launch.containers.premises import Containers

__all__ = ["ContainedElasticsearch"]

PORT = 9200
USER = "1000:0"
"""The image's elasticsearch, as in production's compose file."""

YIELDING_SHARES = 102
"""A tenth of what others have by default: a node that starts gives way to who is being scraped."""


class ContainedElasticsearch:
    """One node; its data is its container's, and stays when it is killed and started again."""

    def __init__(
        self, premises: Containers, name: str, image: str, directory: Path, *, heap_mb: int
    ) -> None:
        """Prepare a node called `name`; what it says is copied below `directory` at its end."""
        self._premises = premises
        self._name = name
        self._image = image
        self._log = directory / f"{name}.log"
        self._heap_mb = heap_mb
        self._place = premises.place(name, PORT)
        self._container: Container | None = None

    @property
    def url(self) -> str:
        """Where the node answers; known before it runs."""
        return f"http://{self._place.address}"

    @property
    def pid(self) -> int | None:
        """The id of its first process, as this machine's kernel counts; at first `None`."""
        return None if self._container is None else self._container.pid

    @property
    def process(self) -> Container:
        """What it runs in. Raises LookupError before it was started."""
        if self._container is None:
            raise LookupError(f"{self._name} was never started; call start() first")
        return self._container

    def start(self) -> None:
        """Start the node without waiting; with its data, once it has ended."""
        if self._container is not None:
            self._container.start_again()
            return
        heap = f"{self._heap_mb}m"
        self._container = self._premises.serve(
            Server(
                name=self._name,
                image=self._image,
                user=USER,
                cpu_shares=YIELDING_SHARES,
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
        """Wait until the cluster's health is yellow or green: every document there is, is found.

        Raises `LaunchError` when the node ends instead, or is not ready after `timeout` seconds.
        """
        try:
            wait_answering(
                self._name,
                self.process,
                lambda: answers_healthy(PORT, host=self._place.host, name=self._name),
                where=self.url,
                log=self._log,
                timeout_seconds=timeout,
            )
        finally:
            self._keep_words()

    def stop(self) -> None:
        """End the node, gracefully. One that was never started is left alone."""
        if self._container is not None:
            self._premises.stop(self._name)
            self._keep_words()

    def __enter__(self) -> Self:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._log.touch()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _keep_words(self) -> None:
        self._log.write_bytes(self.process.all_words())
