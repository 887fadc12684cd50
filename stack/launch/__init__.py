"""Ways to run the monitoring stack; each gives the same `stack.endpoints.Endpoints`.

Design rule: what is above a launcher never learns which one it is.
"""

from stack.launch.checking import ConfigProblem, check_configs
from stack.launch.monitoring import MonitoringStack, Setup
from stack.launch.starting import LaunchError

__all__ = ["ConfigProblem", "LaunchError", "MonitoringStack", "Setup", "check_configs"]
