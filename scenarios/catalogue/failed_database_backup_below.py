"""The last backup is 23 hours old, as every night before the next one."""

from datetime import timedelta

from scenarios.faults.age_backup import AgeBackup
from scenarios.model import Drill

DRILL = Drill(
    alert="FailedDatabaseBackup",
    cause="below",
    fault=AgeBackup(age=timedelta(hours=23)),
    fires=False,
)
