"""What is said in the terminal while pytest captures the output of tests.

One rule: a line is whole, whoever says it and whenever.
"""

from __future__ import annotations

import threading

import pytest

from scenarios.saying import SayLine


def sayer(config: pytest.Config) -> SayLine:
    """Return what writes a line at once."""
    capture = config.pluginmanager.getplugin("capturemanager")
    reporter = config.pluginmanager.getplugin("terminalreporter")
    lock = threading.Lock()

    def say(line: str) -> None:
        with lock, capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(line)

    return say
