"""The real Prometheus and Alertmanager of this machine: found, fetched once, proved usable.

Design rule: a tool is what was started and seen to work, never what merely lies somewhere.
"""

from stack.tools.find import find_tools
from stack.tools.model import Tool, Tools, ToolsUnavailable
from stack.tools.settings import ToolSettings

__all__ = ["Tool", "ToolSettings", "Tools", "ToolsUnavailable", "find_tools"]
