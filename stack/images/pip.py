"""The index that this machine's pip uses, for a build that has to use it too.

Design rule: pip is asked, as it knows its files and the environment; nothing is guessed.
"""

from __future__ import annotations

import subprocess
import sys

__all__ = ["index_arguments"]

_ASKED = {
    "global.index-url": "PIP_INDEX_URL",
    ":env:.index-url": "PIP_INDEX_URL",
}
"""Settings of pip by the build argument of the service's Dockerfile, the strongest last."""


def index_arguments() -> dict[str, str]:
    """Return the build arguments that tell a builder's pip of this machine's index."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    told = {}
    for line in done.stdout.splitlines():
        name, _, value = line.partition("=")
        told[name] = value.strip("'\"")
    return {argument: told[name] for name, argument in _ASKED.items() if name in told}
