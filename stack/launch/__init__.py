"""Ways to run the monitoring stack; each gives the same `stack.endpoints.Endpoints`.

Design rule: what is above a launcher never learns which one it is.
"""

from stack.launch.checking import ConfigProblem, check_configs
from stack.launch.embedded import EmbeddedStack
from stack.launch.starting import LaunchError

__all__ = ["ConfigProblem", "EmbeddedStack", "LaunchError", "check_configs"]
