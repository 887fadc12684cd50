"""The compose stack brought up to be judged: `checks/compose`.

Design rule: it has a project name, ports, settings and secrets of its own, and goes with the run;
of what its owner runs nothing is read, changed or stopped.
"""

from stack.compose.trial.stack import TrialFailed, TrialStack

__all__ = ["TrialFailed", "TrialStack"]
