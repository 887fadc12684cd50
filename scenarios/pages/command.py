"""The report from the command line: ``python -m scenarios.pages --help``.

One rule: whatever can't be shown ends in one line that says why, and leaves the evidence alone.
"""

# ruff: noqa: T201 - a command speaks by printing

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from scenarios.pages.page import render
from scenarios.pages.reading import EvidenceError, read_run
from scenarios.pages.runs import FOLDER, before, keep
from stack.replacing import replace_text

PAGE = "index.html"

_DESCRIPTION = """\
Make reports/index.html from a run's reports/evidence.json: the verdict, what was proved and what
was not, and a timeline of each drill. A run of the checks makes it by itself; this makes it again,
for instance of the reports that a CI job kept. Nothing is run, asked or judged.
"""
_EPILOG = """\
examples:
  python -m scenarios.pages                       the last run of this clone
  python -m scenarios.pages ~/downloads/reports   reports that a CI job kept
  python -m scenarios.pages -o run.html           to another file

Earlier runs are read from the reports' folder history/, if it is there.
exit status: 0 written; 1 not written, and the last line says why; 2 the command line is wrong.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the page of one folder of reports; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m scenarios.pages",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "reports",
        nargs="?",
        type=Path,
        default=Path("reports"),
        metavar="REPORTS",
        help="the folder that holds evidence.json, or that file (default: reports)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help=f"where the page goes (default: {PAGE} beside the evidence)",
    )
    asked = parser.parse_args(arguments)
    evidence = asked.reports / "evidence.json" if asked.reports.is_dir() else asked.reports
    try:
        print(f"report: {write_page(evidence, asked.output)}")
    except (EvidenceError, OSError, UnicodeDecodeError) as error:
        print(f"no report: {error}", file=sys.stderr)
        return 1
    return 0


def write_page(evidence: Path, output: Path | None = None, *, kept: bool = False) -> Path:
    """Write the page of a run's evidence, and return its path.

    ``kept`` adds the run to those that later ones are compared with.

    Raises:
        EvidenceError: the file is no evidence.
        OSError: a file can't be read or written.
    """
    run = read_run(evidence.read_text(encoding="utf-8"), evidence.name)
    page = output or evidence.with_name(PAGE)
    history = evidence.parent / FOLDER
    past = before(history, run)

    def linked(file: str) -> str:
        found = Path(__file__).resolve().parents[2] / file
        return os.path.relpath(found, page.resolve().parent) if found.is_file() else ""

    text = render(run, past, evidence=evidence.name, linked=linked)
    replace_text(page, text)
    if kept:
        keep(history, run)
    return page


def written_beside(evidence: Path) -> str:
    """Write the page of a run that has just ended, and return the line that says where it is.

    Whatever goes wrong is said in that line: a page is for people, and no reason to lose a run.
    """
    try:
        return f"report: {write_page(evidence, kept=True)}"
    except Exception as error:  # noqa: BLE001 (said in one line; the evidence is whole)
        return f"report: not written, {type(error).__name__}: {error}; the evidence is whole"
