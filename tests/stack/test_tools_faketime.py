"""libfaketime is fetched once, proved with this Python, and refused where it moves no clock."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stack.tools import ToolSettings, ToolsUnavailable, faketime
from stack.tools.debian import obstacle
from stack.tools.faketime import find_faketime, prepare_clock

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(obstacle() is not None, reason=str(obstacle())),
]

LOOK = "import time; a = time.monotonic(); time.sleep(0.2); print(time.time(), time.monotonic()-a)"


def test_a_fetched_library_moves_the_clock_and_no_duration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faketime, "_FOLDERS", ())
    settings = ToolSettings(search_path="", cache_directory=tmp_path / "cache")
    told: list[str] = []
    library = find_faketime(settings, told.append)
    assert library.is_relative_to(tmp_path)
    assert find_faketime(settings, told.append) == library
    assert len(told) == 1
    offset = tmp_path / "offset"
    offset.write_text("-7200")
    asked = subprocess.run(
        [sys.executable, "-c", LOOK],
        env=dict(prepare_clock(library, tmp_path / "python", offset)),
        capture_output=True,
        text=True,
        check=True,
    )
    real, slept = (float(number) for number in asked.stdout.split())
    assert -7260 < real - time.time() < -7140
    assert 0.2 <= slept < 5
    assert not asked.stderr


def test_a_library_that_does_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    useless = next(Path("/lib").glob("*-linux-gnu/libm.so.6"))
    monkeypatch.setattr(faketime, "_cached", lambda cache, report: useless)
    monkeypatch.setattr(faketime, "_FOLDERS", ())
    settings = ToolSettings(search_path="", cache_directory=tmp_path)
    with pytest.raises(ToolsUnavailable, match=r"moved the clock by -?0 s.*apt-get install"):
        find_faketime(settings, lambda line: None)


def test_a_machine_that_is_no_debian_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faketime, "_FOLDERS", ())
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    settings = ToolSettings(search_path="", cache_directory=tmp_path)
    with pytest.raises(ToolsUnavailable, match=r"which this system has not.*install libfaketime"):
        find_faketime(settings, lambda line: None)
