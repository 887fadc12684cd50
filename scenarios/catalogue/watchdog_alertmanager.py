"""Alertmanager is killed: the heartbeat stops, and the dead man's switch notices that."""

from scenarios.faults.kill_watcher import KillWatcher
from scenarios.model import Drill

DRILL = Drill(
    alert="Watchdog",
    cause="alertmanager",
    subject="monitoring",
    heartbeat=True,
    fault=KillWatcher(component="alertmanager"),
)
