"""What a drill takes of the machine, in places: an instance that is only scraped takes one.

One rule: these are for deciding what begins when (``scenarios.headroom``); nothing is judged by
them.
"""

from __future__ import annotations

from scenarios.model import Drill

FEW_PER_CORE = 3
"""So many drills for each core go on at the same time on a busy machine too, or a run beside steady
work would never end."""

CORES_PER_PLACE = 0.04
"""What a place takes of a core: the processor time of services, Prometheus and Alertmanager over a
whole ``pytest checks`` (``/proc/PID/stat``, 121 s), by the places that drills held and how long
(2,900)."""

REQUESTS_PER_PLACE = 10.0
"""So many requests a second cost as much as an instance that is only scraped and probed."""

STACK_WEIGHT = 2.0
"""What a Prometheus and an Alertmanager with a few rules cost, in places."""

YIELDING_WEIGHT = 1.0
"""What runs with the lowest priority takes what is left over, and some of the memory bus."""

NODE_WEIGHT = 6.0
"""What a node of Elasticsearch takes that is killed and started again; a start alone takes more,
and yields (``scenarios.logs``)."""


UNFORKED_WEIGHT = 5.0
"""An instance that can't be forked ready loads Python and its libraries anew: half a second of a
processor within its first two."""


def weight(drill: Drill) -> float:
    """Return how many places a drill takes: one an instance, and more for its load and its fault.

    A limit to the processor time is set only where a fault uses it up.
    """
    service = drill.service
    return (
        service.instances
        + drill.load.per_second / REQUESTS_PER_PLACE
        + (service.cpu_limit_cores or 0.0) / CORES_PER_PLACE
        + (NODE_WEIGHT if service.own_elasticsearch else 0.0)
        + (UNFORKED_WEIGHT if service.disk or service.own_clock else 0.0)
    )
