"""A session whose command's exit status says more than that it failed ends with that status."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

NOXFILE = Path(__file__).resolve().parents[1] / "noxfile.py"


class CommandFailed(Exception):
    """As nox raises it; the status is an attribute of newer versions alone."""

    def __init__(self, reason: str, **newer: int | None) -> None:
        super().__init__(reason)
        vars(self).update(newer)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The noxfile's, without nox, which runs these tests and is not among what they need."""
    nox: Any = ModuleType("nox")
    nox.options = SimpleNamespace()
    nox.session = lambda *function, **_: function[0] if function else lambda one: one
    command: Any = ModuleType("nox.command")
    command.CommandFailed = CommandFailed
    monkeypatch.setitem(sys.modules, "nox", nox)
    monkeypatch.setitem(sys.modules, "nox.command", command)
    return runpy.run_path(str(NOXFILE))["run_for_its_status"]


def session(error: CommandFailed | None) -> Any:
    def run(*_: str, interrupt_timeout: float) -> None:
        if error:
            raise error

    return SimpleNamespace(run=run)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CommandFailed("Returned code 3", return_code=3), 3),
        (CommandFailed("Returned code 3"), 3),
        (CommandFailed("Returned code -9", return_code=-9), -9),
        (CommandFailed("Returned code -9"), -9),
        (CommandFailed("Program pytest not found", return_code=None), 1),
        (CommandFailed("Program pytest not found"), 1),
    ],
)
def test_a_session_ends_with_its_command_s_status_whatever_the_version_of_nox(
    run: Callable[..., None], error: CommandFailed, status: int
) -> None:
    with pytest.raises(SystemExit) as end:
        run(session(error), "pytest")
    assert end.value.code == status


def test_a_session_whose_command_does_well_goes_on(run: Callable[..., None]) -> None:
    run(session(None), "pytest")
