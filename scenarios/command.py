"""The command ``alertproof``: begin with an application of one's own, understand a rule, drill.

One rule: each word has a module of its own; here is only who is called, and how an end is told.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from scenarios import command_explain, command_init
from scenarios.load import ROOT

USAGE = 4
"""The exit status of what can't be done as asked, as pytest's for its own usage errors."""

APART = ("compose", "deployment")
"""Checks of a stack that runs already, which are not of a drilling run."""

DESCRIPTION = """\
alertproof breaks a real service on purpose, and proves that its alerts fire, reach the right
receivers, and resolve.

  alertproof init --app shop.wsgi:create_app     settings and a first Locust file for your own app
  alertproof explain --rules alerts.yml          what would have to move for your alerts to fire
  alertproof verify -k SlowResponseTime          drill; everything after `verify` is pytest's
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one word of the command, and return the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["verify"]:
        return _verify(given[1:])
    parser = argparse.ArgumentParser(
        prog="alertproof",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    words = parser.add_subparsers(dest="word", required=True, metavar="{init,explain,verify}")
    init = words.add_parser("init", help="write settings and a first Locust file; never overwrites")
    command_init.add_arguments(init)
    explain = words.add_parser("explain", help="say what would have to move for an alert to fire")
    command_explain.add_arguments(explain)
    words.add_parser("verify", help="run the checklist by pytest, with its options")
    options = parser.parse_args(given)
    run = {"init": command_init.run, "explain": command_explain.run}[options.word]
    try:
        run(options, _say)
    except (command_init.Refused, command_explain.Unexplained) as error:
        print(f"alertproof {options.word}: {error}", file=sys.stderr)  # noqa: T201 - its error
        return USAGE
    return 0


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command's answer


def _verify(arguments: Sequence[str]) -> int:
    """Run pytest on the checklist, wherever it was installed, with the plugin's options.

    A project's own ``checks`` and settings of pytest are left out of it.
    """
    # Loaded here: `init` and `explain` start without it.
    import pytest

    clone = ROOT / "checks"
    packaged = ROOT / "alertproof_checks"
    checks = [str(clone)] if clone.is_dir() else ["--pyargs", packaged.name]
    folder = clone if clone.is_dir() else packaged
    return int(
        pytest.main(
            [
                *("-p", "scenarios.plugin", "-p", "no:locust", "--import-mode=importlib"),
                *("--rootdir", ".", "-o", "addopts="),
                *checks,
                *(f"--ignore={folder / name}" for name in APART),
                *arguments,
            ]
        )
    )


if __name__ == "__main__":
    sys.exit(main())
