"""Whether the service may write its log, and nobody may read it who should not.

One rule: modes are asked of the file system; nothing is tried, as trying would write.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from scenarios.deployment.rules import listed
from scenarios.deployment.seen import Missing, NotSeen, of
from scenarios.deployment.visit import Visit
from scenarios.verdict import Verdict

OTHERS = 0o007
WRITE_AND_ENTER = 0o300


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file of the folder, or the folder itself."""

    path: Path
    mode: int
    user: int
    is_folder: bool


def log_folder(visit: Visit) -> tuple[Entry, ...]:
    """See the folder of the service's log, and what is in it."""
    folder = visit.target.log_directory
    if folder is None:
        raise NotSeen("no folder is named")
    try:
        with os.scandir(folder) as found:
            files = [Path(one.path) for one in found if one.is_file(follow_symlinks=False)]
    except FileNotFoundError:
        return ()
    except NotADirectoryError:
        files = []
    except PermissionError as error:
        raise NotSeen(
            f"{folder} can't be looked into: {error.strerror}", "run the gate as who may read it"
        ) from error
    return tuple(_entry(path) for path in (folder, *sorted(files)))


def _entry(path: Path) -> Entry:
    found = path.stat()
    return Entry(
        path=path,
        mode=stat.S_IMODE(found.st_mode),
        user=found.st_uid,
        is_folder=stat.S_ISDIR(found.st_mode),
    )


def judge_log_folder(seen: tuple[Entry, ...] | Missing, folder: Path) -> Verdict:
    """Judge that the folder's owner writes, and that neither it nor a file is open to others."""
    claim = "the log directory has proper permissions"
    expected = f"{folder}: written by its owner, closed to others, and so each file in it"
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    if not seen:
        return of(claim, expected, "", f"there is no {folder}", f"install -d -m 750 {folder}")
    own, *files = seen
    problems = [] if own.is_folder else [f"{own.path} is no folder"]
    problems += [_too_open(one) for one in seen if one.mode & OTHERS]
    if own.is_folder and own.mode & WRITE_AND_ENTER != WRITE_AND_ENTER:
        problems.append(f"{own.path} has mode {own.mode:o}: its owner can't write into it")
    problems += [
        f"{one.path.name} is user {one.user}'s, and the folder user {own.user}'s: "
        "who owns the folder can't write on"
        for one in files
        if one.user != own.user and not one.mode & 0o020
    ]
    look = f"chmod -R o= {folder}"
    return of(
        claim,
        expected,
        f"mode {own.mode:o}, {len(files)} files closed to others",
        listed(tuple(problems)),
        look,
    )


def _too_open(one: Entry) -> str:
    return f"{one.path} has mode {one.mode:o}, so that everybody on the machine may use it"
