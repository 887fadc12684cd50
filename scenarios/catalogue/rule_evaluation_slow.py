"""A group of rules takes 92 % of its interval, waiting for a slow storage."""

from scenarios.faults.slow_rule import SlowRule
from scenarios.model import Drill

DRILL = Drill(alert="RuleEvaluationSlow", subject="prometheus", fault=SlowRule(of_interval=0.92))
