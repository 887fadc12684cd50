"""The last successful backup is 25 hours old."""

from datetime import timedelta

from scenarios.faults.age_backup import AgeBackup
from scenarios.model import Drill

DRILL = Drill(
    alert="FailedDatabaseBackup", cause="too-old", fault=AgeBackup(age=timedelta(hours=25))
)
