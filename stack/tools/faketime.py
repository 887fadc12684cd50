"""libfaketime, which gives one process a clock of its own: found, or fetched once, and proved.

Design rule: as for every tool, what counts is that it was seen to work; here, with the Python that
will run under it.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from stack.tools.cache import Installation, ToolCache, write_manifest
from stack.tools.debian import obstacle, unpack_own_package
from stack.tools.fetching import FetchFailed, Report
from stack.tools.model import ToolsUnavailable
from stack.tools.settings import ToolSettings

__all__ = ["find_faketime", "prepare_clock"]

_LIBRARY = "libfaketime.so.1"
_FOLDERS = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/local/lib/faketime")
_REMEDY = "install libfaketime (apt-get install libfaketime)"
_TRIAL_SECONDS = 3600.0
_TRIAL = "import time; time.sleep(0.001); print(time.time(), time.monotonic())"
_TOLERANCE_SECONDS = 60.0

# Since 3.11 Python sleeps until a point in monotonic time, which libfaketime up to 0.9.10 mistakes
# for one of the clock that it moves, and refuses (its issue 426). Waiting for nothing is the same.
_AT_START = """
import select
import time

time.sleep = lambda seconds: select.select((), (), (), seconds) and None
"""


def find_faketime(settings: ToolSettings, report: Report) -> Path:
    """Return the library, from the system, from the cache, or fetched from Debian's archive.

    Raises `ToolsUnavailable`.
    """
    for pattern in _FOLDERS:
        for folder in sorted(Path("/").glob(pattern.lstrip("/"))):
            if (folder / _LIBRARY).is_file() and _moves_the_clock(folder / _LIBRARY) is None:
                return folder / _LIBRARY
    try:
        library = _cached(ToolCache(settings.cache_directory), report)
    except (FetchFailed, OSError) as error:
        raise ToolsUnavailable(f"no libfaketime: {error}. What to do: {_REMEDY}") from error
    if reason := _moves_the_clock(library):
        raise ToolsUnavailable(f"{library} does not work here: {reason}. What to do: {_REMEDY}")
    return library


def prepare_clock(library: Path, folder: Path, offset_file: Path) -> Mapping[str, str]:
    """Return the environment of a Python whose clock is off by what `offset_file` says ("+20").

    The file is read once a second. Time that only passes (the
    monotonic clock) and the times of files stay the machine's. `folder` gets a module for Python's
    start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(_AT_START, encoding="utf-8")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(offset_file),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",  # what it was called before 0.9.10
        # Else each wait for Python's global lock ends at once, and is taken up again and again:
        # five times the CPU time.
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        "NO_FAKE_STAT": "1",
        "PYTHONPATH": str(folder),
    }


def _cached(cache: ToolCache, report: Report) -> Path:
    name = f"libfaketime-{platform.machine()}"
    installed = cache.load(name)
    if installed is None:
        if reason := obstacle():
            raise FetchFailed(reason)
        installed = cache.install(name, lambda directory: _fetch(directory, report), report)
    return _library_of(installed)


def _library_of(installed: Installation) -> Path:
    return installed.directory / installed.programs["libfaketime"].path


def _fetch(directory: Path, report: Report) -> None:
    report("fetching libfaketime from Debian's archive, once, without root")
    work = directory / "work"
    root, source = unpack_own_package("libfaketime", work)
    found = sorted(root.glob(f"usr/lib/*/faketime/{_LIBRARY}"))
    if not found:
        raise FetchFailed(f"{source} holds no {_LIBRARY}")
    found[0].rename(directory / _LIBRARY)
    shutil.rmtree(work)
    write_manifest(directory, origin="cache", programs={"libfaketime": (_LIBRARY, source)})


def _moves_the_clock(library: Path) -> str | None:
    """Return why this Python's clock is not moved by the library, or None where it is."""
    with tempfile.TemporaryDirectory(prefix="alertproof-clock-") as folder:
        offset = Path(folder, "offset")
        offset.write_text(f"+{_TRIAL_SECONDS:.0f}\n")
        asked = subprocess.run(
            [sys.executable, "-c", _TRIAL],
            env=dict(prepare_clock(library, Path(folder), offset)),
            capture_output=True,
            text=True,
            timeout=_TOLERANCE_SECONDS,
            check=False,
        )
    if asked.returncode != 0 or asked.stderr:
        return (asked.stderr.strip().splitlines() or [f"status {asked.returncode}"])[-1]
    real, passing = (float(number) for number in asked.stdout.split())
    moved = real - time.time()
    if abs(moved - _TRIAL_SECONDS) > _TOLERANCE_SECONDS:
        return f"asked for {_TRIAL_SECONDS:.0f} s, it moved the clock by {moved:.0f} s"
    if abs(passing - time.monotonic()) > _TOLERANCE_SECONDS:
        return "it moves the monotonic clock as well"
    return None
