"""A rule whose expression is ambiguous once there are data is loaded beside the others."""

from scenarios.faults.failing_rule import FailingRule
from scenarios.model import Drill

DRILL = Drill(alert="RuleEvaluationFailing", subject="prometheus", fault=FailingRule())
