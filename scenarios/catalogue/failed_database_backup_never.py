"""No backup was ever recorded."""

from scenarios.faults.age_backup import AgeBackup
from scenarios.model import Drill

DRILL = Drill(alert="FailedDatabaseBackup", cause="never", fault=AgeBackup(age=None))
