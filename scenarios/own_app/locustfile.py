"""Whether a team's Locust file can be run, asked of Locust itself before anything is drilled.

One rule: Locust is never imported here; a process looks at the file and says whose tasks it has.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from scenarios.load import ROOT
from scenarios.own_app.told import NotTold, told_by

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
        said = told_by(
            argv,
            who=str(locustfile),
            late="loading it took more than",
            seconds=LOOK_SECONDS,
            environment={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, known))},
            directory=ROOT,
        )
    except NotTold as error:
        raise LocustfileError(str(error)) from error
    return tuple(json.loads(said.splitlines()[-1]))
