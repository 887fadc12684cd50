"""What another process says of something that a team wrote, which is never imported here.

One rule: it answers in time and well, or its last words are one line of an error.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class NotTold(ValueError):
    """The process did not answer; the message is one line."""


def told_by(
    argv: Sequence[str],
    *,
    who: str,
    late: str,
    seconds: float,
    environment: Mapping[str, str],
    directory: Path,
) -> str:
    """Return what a command wrote to its standard output.

    ``who`` is what it is asked about, and ``late`` what is said where it takes longer than
    ``seconds``.

    Raises:
        NotTold: it took longer, or ended with another status than 0.
    """
    try:
        done = subprocess.run(
            argv,
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotTold(f"{who}: {late} {seconds:g} s; look: {' '.join(argv)}") from error
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise NotTold(said[-1] if said else f"{who}: ended with {done.returncode}")
    return done.stdout
