"""Whether a team's Locust file can be run, asked of Locust itself before anything is drilled.

One rule: Locust is never imported here; a process looks at the file and says whose tasks it has.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from scenarios.load import ROOT

LOOK_SECONDS = 30.0


class LocustfileError(ValueError):
    """The file can't be used; the message is one line that names it."""


def users_of(locustfile: Path, paths: Sequence[Path] = ()) -> tuple[str, ...]:
    """Return the names of the user classes that a run would use.

    ``paths`` is where the file's own modules are found.

    Raises:
        LocustfileError: it can't be loaded, or has no users of HTTP with tasks.
    """
    known = [str(ROOT), *map(str, paths), os.environ.get("PYTHONPATH")]
    argv = [sys.executable, "-m", "loadtests.own", str(locustfile.resolve())]
    try:
        done = subprocess.run(
            argv,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, known))},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=LOOK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LocustfileError(
            f"{locustfile}: loading it took more than {LOOK_SECONDS:g} s; look: {' '.join(argv)}"
        ) from error
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise LocustfileError(said[-1] if said else f"{locustfile}: ended with {done.returncode}")
    return tuple(json.loads(done.stdout.splitlines()[-1]))
