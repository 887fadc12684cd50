"""What a drill takes of the machine, in places: an instance that is only scraped takes one.

One rule: these are for deciding what begins when (``scenarios.headroom``); nothing is judged by
them.
"""

from __future__ import annotations

from scenarios.model import Drill

CORES_PER_PLACE = 0.04
"""What a place takes of a core. Over one ``pytest checks`` services, Prometheus and Alertmanager
took 121 s of processor time (``/proc/PID/stat``), while drills held two places each for 1,454 s in
all (their histories in ``reports/evidence.json``, from first event to last)."""

REQUESTS_PER_PLACE = 10.0
"""So many requests a second cost as much as an instance that is only scraped and probed."""

STACK_WEIGHT = 2.0
"""What a Prometheus and an Alertmanager with a few rules cost, in places."""

YIELDING_WEIGHT = 1.0
"""What runs with the lowest priority takes what is left over, and some of the memory bus."""

CONTAINER_WEIGHT = 5.0
"""A container of a service loads Python anew as an instance does that can't be forked ready, and
the engine's work comes on top of that."""

ENGINE_WEIGHT = 1.0
"""What the engine takes for a container of what is up at once. While one ``pytest checks
--stack=containers`` drilled and started 42 of them, dockerd, containerd and their children took
11 s of processor time (``/proc/PID/stat``): a quarter of a second each, of the seven that a stack
of its own is unseen."""

UNFORKED_WEIGHT = 5.0
"""An instance that can't be forked ready loads Python and its libraries anew: half a second of a
processor within its first two and a half, where one that is forked takes a tenth."""


SHIPPER_WEIGHT = 1.0 + UNFORKED_WEIGHT
"""What ships a log is a process of its own, and starts as such an instance does."""


def weight(drill: Drill, *, contained: bool = False) -> float:
    """Return how many places a drill takes: one an instance, and more for its load and its fault.

    ``contained`` tells that what asks for a container of its own is given one. A quota of processor
    time is the most that the container takes, also while it starts.
    """
    service = drill.service
    alone = contained and service.alone
    unforked = service.own_clock or (bool(service.disk) and not alone)
    quota = (service.cpu_quota_cores or 0.0) / CORES_PER_PLACE
    burns = drill.fault.effect(drill.load, service).cores / CORES_PER_PLACE
    container = CONTAINER_WEIGHT if alone else 0.0
    return (
        service.instances
        + drill.load.per_second / REQUESTS_PER_PLACE
        + (max(quota, container) if quota else burns + container)
        + (SHIPPER_WEIGHT if service.ships_logs else 0.0)
        + (CONTAINER_WEIGHT if service.postgresql else 0.0)
        + (UNFORKED_WEIGHT * service.instances if unforked else 0.0)
    )
