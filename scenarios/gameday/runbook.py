"""The runbooks, as whoever responds reads them: where one is, what to do first, how to drill it.

One rule: they are read as they are; a page without the section that is asked for is an error.
"""

from __future__ import annotations

import re
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_FOLDERS = (_ROOT / "docs" / "runbooks", _ROOT / "alertproof_checks" / "runbooks")
RUNBOOKS = next((folder for folder in _FOLDERS if folder.is_dir()), _FOLDERS[0])
"""Where they are: in a clone, and as the wheel has them."""

STEP_LINES = 24
"""So many lines of a section fit beside what a responder types."""

MEANING, DIAGNOSIS, MITIGATION, DRILL = "Meaning", "Diagnosis", "Mitigation", "How to drill it"


def names(folder: Path = RUNBOOKS) -> tuple[str, ...]:
    """Return the alerts that have a runbook."""
    return tuple(sorted(page.stem for page in folder.glob("*.md")))


def section(text: str, title: str) -> str:
    """Return a section's text, without its title.

    Raises:
        ValueError: the page has none of that title.
    """
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, flags=re.M | re.S)
    if found is None:
        raise ValueError(f"no section {title!r}")
    return found[1].strip()


def commands(text: str) -> tuple[str, ...]:
    """Return the commands of a section's console blocks, without their prompts."""
    blocks = re.findall(r"^```console\n(.*?)^```$", text, flags=re.M | re.S)
    return tuple(
        line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.strip()
    )


def first_steps(name: str, folder: Path = RUNBOOKS) -> str:
    """Return where the runbook is and how it begins: for the alert of that name, in any case.

    Of an unknown name, or a part of several, the known ones are listed.

    Raises:
        ValueError: the page lacks a section.
        OSError: it can't be read.
    """
    known = names(folder)
    close = [one for one in known if name.strip().lower() in one.lower()]
    exact = [one for one in known if one.lower() == name.strip().lower()]
    chosen = exact or close
    if len(chosen) != 1:
        return f"runbook NAME, one of: {', '.join(chosen or known) or f'none in {folder}'}"
    page = folder / f"{chosen[0]}.md"
    text = page.read_text(encoding="utf-8")
    lines = [str(page)]
    for title in (DIAGNOSIS, MITIGATION):
        steps = section(text, title).splitlines()
        lines += ["", title, *(f"  {line}" for line in steps[:STEP_LINES])]
        if len(steps) > STEP_LINES:
            lines.append(f"  ... {len(steps) - STEP_LINES} more lines")
    return "\n".join(lines)
