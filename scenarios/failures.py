"""What may keep a run or a part of it from going on, in one place: each ends in one clear line."""

from __future__ import annotations

import subprocess

import psutil

from scenarios.budget import UnknownAlert
from scenarios.faults.request import FaultGoesOn
from scenarios.load import LoadError
from scenarios.load_plan import LoadRefused
from scenarios.nodes import LogsFailed
from scenarios.service import ServiceFailed
from stack.backfill import BackfillError
from stack.clients.alertmanager import AlertmanagerError
from stack.clients.prometheus import PrometheusError
from stack.launch.starting import LaunchError
from stack.processes import ProcessError
from stack.tools import ToolsUnavailable
from stack.waiting import WaitTimeout
from stack.yamlfile import ConfigurationError

CANNOT_START: tuple[type[Exception], ...] = (
    AlertmanagerError,
    BackfillError,
    ConfigurationError,
    LaunchError,
    LoadError,
    LoadRefused,
    LogsFailed,
    ProcessError,
    PrometheusError,
    ServiceFailed,
    ToolsUnavailable,
    UnknownAlert,
    WaitTimeout,
)
"""What keeps a run, or a stack, from starting."""

CANNOT_RUN = 3
"""The exit status of a run that could not start: pytest's own for an internal error is 3 too."""

STOPPED: tuple[type[Exception], ...] = (
    *CANNOT_START,
    FaultGoesOn,
    OSError,
    psutil.Error,
    subprocess.SubprocessError,
)
"""What may keep a drill from beginning, or end it before its time, whatever its fault uses."""
