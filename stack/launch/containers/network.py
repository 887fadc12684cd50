"""The network of a run's containers, in which each address is known before its container runs.

Design rule: addresses are given once and never again, so nobody is taken for somebody who left.
"""

from __future__ import annotations

import ipaddress
import threading

from docker import DockerClient
from docker.errors import APIError
from docker.models.networks import Network
from docker.types import EndpointConfig, IPAMConfig, IPAMPool

__all__ = ["RunNetwork"]

FIRST = 16
"""The addresses before are the gateway's, and whatever the engine takes for itself."""

TRIES = 5


class RunNetwork:
    """A bridge of the run's own; it goes with all else that carries its labels."""

    def __init__(self, client: DockerClient, name: str, labels: dict[str, str]) -> None:
        self._client = client
        self._name = name
        self._labels = labels
        self._lock = threading.Lock()
        self._given: dict[str, str] = {}

    @property
    def name(self) -> str:
        """What the engine knows it by."""
        return self._name

    @property
    def gateway(self) -> str:
        """The address of this machine in the network."""
        return self._gateway

    def address_of(self, container: str) -> str:
        """Return the address of the container with this name, now or once it is there."""
        with self._lock:
            if container not in self._given:
                self._given[container] = str(self._subnet[FIRST + len(self._given)])
            return self._given[container]

    def endpoint(self, container: str) -> dict[str, EndpointConfig]:
        """Return what connects a container at its address, as the engine wants it."""
        version = self._client.api.api_version
        address = self.address_of(container)
        return {self._name: EndpointConfig(version, ipv4_address=address, aliases=[container])}

    def disconnect(self, container: str) -> None:
        """Take a container off the network."""
        self._network.disconnect(container, force=True)

    def connect(self, container: str) -> None:
        """Put a container back, at its address."""
        self._network.connect(container, ipv4_address=self.address_of(container))

    def create(self) -> None:
        """Make it, with a subnet that nobody else has.

        Raises docker.errors.APIError where the engine has none left.
        """
        for attempt in range(TRIES):
            # Addresses of one's own ask for a subnet of one's own: the engine knows what is free.
            free = self._create(None)
            subnet = free.attrs["IPAM"]["Config"][0]["Subnet"]
            free.remove()
            try:
                self._network = self._create(subnet)
            except APIError:  # somebody was given it meanwhile
                if attempt == TRIES - 1:
                    raise
                continue
            break
        self._subnet = ipaddress.IPv4Network(subnet)
        self._gateway = str(self._subnet[1])

    def _create(self, subnet: str | None) -> Network:
        ipam = None
        if subnet:
            gateway = str(ipaddress.IPv4Network(subnet)[1])
            ipam = IPAMConfig(pool_configs=[IPAMPool(subnet=subnet, gateway=gateway)])
        network = self._client.networks.create(self._name, ipam=ipam, labels=self._labels)
        network.reload()
        return network
