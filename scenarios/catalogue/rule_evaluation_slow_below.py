"""A group of rules takes 65 % of its interval: that leaves a third to act in.

Further below than needed for the expression: what the machine adds to a held read must fit between.
"""

from scenarios.faults.slow_rule import SlowRule
from scenarios.model import Drill

DRILL = Drill(
    alert="RuleEvaluationSlow",
    cause="below",
    subject="prometheus",
    fault=SlowRule(of_interval=0.65),
    fires=False,
)
