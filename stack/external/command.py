"""What `python -m stack.external` does: make a folder, start an engine on it, drill on that.

Design rule: a line for a person on each outcome; whatever can't be done ends with a status and no
traceback.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stack.external.commands import Listening
from stack.external.engines import ENGINES, options_of, parts_of, running
from stack.external.folder import Folder, FolderRefused
from stack.external.model import External
from stack.external.workplace import workplace
from stack.launch.starting import LaunchError
from stack.processes import ProcessError, dying_with
from stack.tools import ToolSettings, ToolsUnavailable
from stack.yamlfile import ConfigurationError

__all__ = ["main"]

CANNOT = 3
"""The exit status where nothing could be started."""

CANNOT_START = (
    ConfigurationError,
    FolderRefused,
    LaunchError,
    OSError,
    ProcessError,
    ToolsUnavailable,
)

AT = Listening(prometheus="127.0.0.1:8428", rules="127.0.0.1:8880", alertmanager="127.0.0.1:9093")
"""Where `show` has them listen: the usual ports."""

CHECKS = ("checks/alerts", "checks/external")
"""What is about an engine, of the checklist."""

EXAMPLES = """\
  python -m stack.external drill -- checks/alerts -k SlowResponseTime
      start VictoriaMetrics, vmalert and Alertmanager, drill one alert on them, and end them
  python -m stack.external up
      the same, to stay: prints their URLs and how to drill, until Ctrl-C
  python -m stack.external init /srv/drills && python -m stack.external show /srv/drills
      for an engine of yours: make its folder, and see with which flags it has to run
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked, and return the exit status; that of the drills, where there were any."""
    asked = _parser().parse_args(arguments)
    try:
        return int(asked.does(asked))
    except CANNOT_START as error:
        print(f"stack.external: {error}", file=sys.stderr)  # noqa: T201  (a command's own words)
        return CANNOT
    except KeyboardInterrupt:
        return 0 if asked.does is _up else 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m stack.external",
        description="An engine for --stack=external, which drills on what it did not start"
        " (docs/external.md).",
        epilog=f"examples:\n{EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    made = commands.add_parser("init", help="make a folder through which a run's files get in")
    made.add_argument("folder", type=Path)
    made.set_defaults(does=_init)
    shown = commands.add_parser("show", help="print the commands of an engine that reads a folder")
    shown.add_argument("folder", type=Path)
    shown.set_defaults(does=_show)
    up = commands.add_parser("up", help="start an engine and an Alertmanager, until Ctrl-C")
    up.set_defaults(does=_up)
    drilled = commands.add_parser("drill", help="start them, drill on them, and end them")
    drilled.add_argument(
        "pytest",
        nargs="*",
        default=list(CHECKS),
        help=f"what pytest is given, after a -- (default: {' '.join(CHECKS)})",
    )
    drilled.set_defaults(does=_drill)
    for each in (shown, up, drilled):
        each.add_argument("--engine", choices=tuple(ENGINES), default="victoriametrics")
        each.add_argument("--time-scale", type=float, default=60.0, metavar="K")
    return parser


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  (a command's own words)


def _init(asked: argparse.Namespace) -> int:
    Folder(asked.folder).make()
    _say(f"{asked.folder} is a folder for drills; the flags: python -m stack.external show")
    return 0


def _show(asked: argparse.Namespace) -> int:
    folder = Folder(asked.folder)
    parts = parts_of(
        asked.engine,
        AT,
        folder.path,
        Path("data").absolute(),
        asked.time_scale,
        _say,
        ToolSettings.from_env(),
    )
    for part in parts:
        _say(shlex.join(part.command).replace(" -", " \\\n  -"))
    return 0


@contextmanager
def _engine(asked: argparse.Namespace) -> Iterator[tuple[External, Path]]:
    """Run what is asked for, and yield where it is and where its logs are."""
    with workplace() as work:
        data = work / "data"
        with running(
            asked.engine, work / "folder", data, time_scale=asked.time_scale, say=_say
        ) as external:
            yield external, data


def _drilling(asked: argparse.Namespace, external: External) -> Sequence[str]:
    return (*options_of(external), f"--time-scale={asked.time_scale:g}")


def _up(asked: argparse.Namespace) -> int:
    with _engine(asked) as (external, data):
        _say(f"queries       {external.prometheus.url}")
        _say(f"rules         {external.rules.url}")
        _say(f"Alertmanager  {external.alertmanager.url}")
        _say(f"logs          {data}")
        _say(f"to drill: pytest checks/alerts {shlex.join(_drilling(asked, external))}")
        _say("they stay up until Ctrl-C")
        threading.Event().wait()
    return 0


def _drill(asked: argparse.Namespace) -> int:
    with _engine(asked) as (external, _):
        command = [sys.executable, "-m", "pytest", *_drilling(asked, external), *asked.pytest]
        with subprocess.Popen(dying_with(os.getpid(), command)) as checking:
            try:
                return checking.wait()
            except KeyboardInterrupt:
                # It has heard the same Ctrl-C, and needs its engine until it has put all back.
                return checking.wait()
