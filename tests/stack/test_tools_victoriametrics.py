"""A program serves if it knows the flags that it is started with, wherever it was found."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.tools import ToolSettings, ToolsUnavailable
from stack.tools import victoriametrics as found
from stack.tools.victoriametrics import NEEDED_FLAGS, find_victoriametrics, flags_lacking


def program(folder: Path, name: str, flags: frozenset[str]) -> None:
    folder.mkdir(exist_ok=True)
    lines = "\n".join(f"echo '  {flag} duration'" for flag in sorted(flags))
    path = folder / name
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)


def settings(tmp_path: Path, path: Path) -> ToolSettings:
    return ToolSettings(search_path=str(path), cache_directory=tmp_path / "cache")


@pytest.mark.parametrize("suffix", ["", "-prod"], ids=["plain", "as upstream names it"])
def test_programs_on_path_that_know_their_flags_are_taken(tmp_path: Path, suffix: str) -> None:
    here = tmp_path / "bin"
    for name, flags in NEEDED_FLAGS.items():
        program(here, name + suffix, flags)
    both = find_victoriametrics(settings(tmp_path, here), print)
    assert both.storage.path == here / f"victoria-metrics{suffix}"
    assert both.alerting.origin == "PATH"


def test_an_old_one_is_left_and_what_to_do_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "bin"
    for name, flags in NEEDED_FLAGS.items():
        program(here, name, flags - {"-rule.evalDelay"})
    monkeypatch.setattr(found, "obstacle", lambda: "this is another system")
    with pytest.raises(ToolsUnavailable) as caught:
        find_victoriametrics(settings(tmp_path, here), print)
    said = str(caught.value)
    assert "vmalert does not know -rule.evalDelay" in said
    assert "this is another system" in said
    assert "What to do: put victoria-metrics and vmalert" in said


def test_a_flag_is_one_only_where_a_line_of_help_begins_with_it() -> None:
    text = "  -rule string\n    \tSee also -rule.evalDelay\n"
    assert flags_lacking(text, {"-rule", "-rule.evalDelay"}) == ["-rule.evalDelay"]
