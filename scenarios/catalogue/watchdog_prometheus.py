"""Prometheus is killed: the heartbeat stops, and the dead man's switch notices that.

A Prometheus that is started again finds its targets at a tick of discovery, five seconds that no
time scale divides: at 60 that is longer than the ``for`` of SoftFactoryDown, which takes the
service for gone meanwhile. In production it is not (2m).
"""

from scenarios.faults.kill_watcher import KillWatcher
from scenarios.model import Drill

DRILL = Drill(
    alert="Watchdog",
    cause="prometheus",
    subject="monitoring",
    heartbeat=True,
    may_fire={"SoftFactoryDown"},
    fault=KillWatcher(component="prometheus"),
)
