"""Waiting until a process that was started answers, and telling why where it does not.

Design rule: the wait ends at once if the process does; whatever failed, the end of its log is told.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stack.launch.premises import Running
from stack.readiness import NOT_ANSWERING
from stack.waiting import WaitTimeout, wait_until

__all__ = ["LaunchError", "wait_answering"]

_LOG_LINES = 12


class LaunchError(RuntimeError):
    """A component did not become ready: why, the end of its log, and the command to look."""


def wait_answering(
    component: str,
    process: Running,
    answers: Callable[[], bool],
    *,
    where: str,
    log: Path,
    timeout_seconds: float,
    noise: tuple[str, ...] = (),
) -> None:
    """Wait until `answers` is true, of the component that `process` is and that answers at `where`.

    Lines of its log that begin with `noise` give no reason, and are not told.
    Raises `LaunchError` when the process ends instead, or is not ready after `timeout_seconds`.
    """

    def ready() -> bool:
        code = process.poll()
        if code is not None:
            raise LaunchError(_failure(component, f"ended with status {code}", log, noise))
        return answers()

    try:
        wait_until(
            ready,
            what=f"{component} to be ready at {where}",
            timeout_seconds=timeout_seconds,
            retry_on=NOT_ANSWERING,
        )
    except WaitTimeout as late:
        raise LaunchError(_failure(component, str(late), log, noise)) from late


def _failure(component: str, what: str, log: Path, noise: tuple[str, ...]) -> str:
    told = log.read_text(encoding="utf-8", errors="replace").splitlines()
    lines = [line for line in told if not line.lstrip().startswith(noise)][-_LOG_LINES:]
    return "\n".join(
        [
            f"{component} did not become ready: {what}",
            *(f"  {line}" for line in lines),
            f"  look  tail -n 50 {log}",
        ]
    )
