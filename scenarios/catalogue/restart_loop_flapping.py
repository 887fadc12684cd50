"""Crashes that make three and four in a window in turn are told once, not at each fourth."""

from datetime import timedelta

from scenarios.faults.restart import CROWD
from scenarios.faults.restart_at_a_pace import RestartAtAPace
from scenarios.model import Drill

DRILL = Drill(
    alert="RestartLoop",
    cause="flapping",
    load=CROWD,
    # 15m hold 3.5 of these: as many are in the window half of the time as are not.
    fault=RestartAtAPace(times=4, more=4, every=timedelta(minutes=15) / 3.5),
)
