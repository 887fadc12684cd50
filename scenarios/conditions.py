"""The conditions under which a drill runs: the load on its service, and how that is configured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from stack.played.series import Series

JOURNEY: Mapping[str, int] = MappingProxyType(
    {
        "GET /api/users": 5,
        "GET /api/bookings": 3,
        "POST /api/bookings": 1,
        "POST /api/payments": 1,
    }
)
"""What the users of the demo service do: the weight of each request."""

PAGE = "/api/users"
"""The path of a page of the demo's, which reads its database."""

TASKS = "LOCUSTFILE /"
"""Stands in a journey for the tasks of a team's own Locust file."""

LOGS, DATABASE = "logs", "database"
"""The volumes that a service writes to."""

PAYING: Mapping[str, int] = MappingProxyType({"GET /api/users": 1, "POST /api/payments": 1})
"""A journey in which every second request is a payment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Requests at a constant rate, whatever the answers take (open loop)."""

    per_second: float
    journey: Mapping[str, int] = field(default_factory=lambda: JOURNEY)


def steady(*, per_second: float, journey: Mapping[str, int] = JOURNEY) -> Load:
    """Return a load of ``per_second`` requests a second, spread over ``journey``."""
    return Load(per_second=per_second, journey=journey)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What an instance of the service is configured with for a drill.

    Attributes:
        memory_limit_mb: the limit that its memory is measured against, in MiB.
        cpu_limit_cores: the limit that its CPU time is measured against; ``None`` for all cores.
        cpu_quota_cores: the quota that the kernel gives it; ``None`` for none. Needs CONTAINERS.
        own_gateway: whether it pays through a gateway of its own, which may then be broken.
        instances: how many there are of it; the load goes to the first.
        disk: the volume ("logs" or "database") that lies on a small disk of its own, which may
            then be filled; "" where all lie on the machine's. Needs the capability OWN_DISK.
        own_clock: whether it has a clock of its own, which may then be set. Needs OWN_CLOCK.
        relayed: whether Prometheus scrapes it through a relay, which may then hold scrapes.
        ships_logs: whether its log is shipped to Elasticsearch. Needs ELASTICSEARCH.
        own_elasticsearch: whether to a node of its own, which may then be broken; repaired, it
            serves all others once the drill is over.
        certificate: whether it watches a certificate, which may then be near its end.
        own_container: whether it is alone in a container, where services run in containers, so
            that what is done to the container is done to nobody else.
        postgresql: whether its rows are in a PostgreSQL of its own, which may then be broken, and
            not in a file. Needs CONTAINERS.
        plays: series that an exporter of its own plays beside it, in a synthetic drill.
        environment: what else it is configured with.
    """

    memory_limit_mb: int = 512
    cpu_limit_cores: float | None = None
    cpu_quota_cores: float | None = None
    own_gateway: bool = False
    instances: int = 1
    disk: str = ""
    own_clock: bool = False
    relayed: bool = False
    ships_logs: bool = False
    own_elasticsearch: bool = False
    certificate: bool = False
    own_container: bool = False
    postgresql: bool = False
    plays: tuple[Series, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def alone(self) -> bool:
        """Whether it takes a container of its own, where there are containers."""
        return self.own_container or bool(self.disk)
