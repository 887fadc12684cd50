"""Everything that may keep a run from starting, in one place: each ends in one clear line."""

from __future__ import annotations

from scenarios.budget import UnknownAlert
from scenarios.load import LoadError
from scenarios.load_plan import LoadRefused
from scenarios.service import ServiceFailed
from stack.backfill import BackfillError
from stack.clients.alertmanager import AlertmanagerError
from stack.clients.prometheus import PrometheusError
from stack.launch.starting import LaunchError
from stack.processes import ProcessError
from stack.tools import ToolsUnavailable
from stack.waiting import WaitTimeout
from stack.yamlfile import ConfigurationError

CANNOT_START = (
    AlertmanagerError,
    BackfillError,
    ConfigurationError,
    LaunchError,
    LoadError,
    LoadRefused,
    ProcessError,
    PrometheusError,
    ServiceFailed,
    ToolsUnavailable,
    UnknownAlert,
    WaitTimeout,
)
