"""Several worker processes keep their metrics in the files of one directory, which is theirs alone.

The client library writes a file a process and kind of metric; whoever answers a scrape adds them
up. A worker that died goes on counting: its files are folded into those of process 0, so that a
scrape costs the same however many workers there ever were. Folding takes the directory's lock
exclusively and reading takes it shared, so that no reader meets a count twice or not at all.
"""

import contextlib
import fcntl
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from instrumentation.high_water import SUFFIX
from instrumentation.recent import merge_dead
from instrumentation.settings import SettingsError

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Names the directory; the client library reads it when it is imported."""

_MADE_VARIABLE = "INSTRUMENT_WORKERS_DIRECTORY_MADE"
_PREFIX = "instrumentation-workers-"
_OWNER, _LOCK = "owner", "lock"
_ABANDONED_SECONDS = 60.0
"""A directory without an owner's file that is older was left by a master killed as it started."""

_owner: int | None = None
"""Holds the directory that this service made; the kernel lets go of it with the last process."""


def shared_directory() -> Path | None:
    """Return the directory of this service's workers, or None where metrics are one process's.

    Raises SettingsError where the client library was imported too early to know of it.
    """
    path = os.environ.get(VARIABLE)
    from prometheus_client import values  # here: the master must not import it before its workers

    in_files = values.ValueClass._multiprocess
    if not path and not in_files:
        return None
    if not (path and in_files):
        raise SettingsError(
            f"{VARIABLE}={path or ''} does not agree with prometheus_client, which was imported "
            f"{'with' if in_files else 'without'} it: set it before Python starts, or leave it to "
            "instrumentation.gunicorn_conf without preload_app"
        )
    directory = Path(path)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"{VARIABLE}={path}: {error.strerror}; name a directory that can be written"
        ) from error
    return directory


@contextlib.contextmanager
def reading(directory: Path) -> Iterator[None]:
    """Keep dead workers' files from being folded meanwhile."""
    with _lock(directory, fcntl.LOCK_SH):
        yield


def prepare(*, worker_count: int, preloaded: bool) -> Path | None:
    """Make the directory in the master, before workers are forked; None where there is none.

    A directory that the environment names is used, and emptied of what an earlier run left. Where
    none is named a fresh one is made, in memory where the system has such a place, and
    directories whose processes are all gone are removed. Where the client library was imported
    before this could happen, one worker keeps its metrics in its own memory, and more raise
    SettingsError.
    """
    named, made_here = os.environ.get(VARIABLE), _MADE_VARIABLE in os.environ
    is_upgrade = "GUNICORN_PID" in os.environ  # beside the master that this one will replace
    if named and not made_here:
        directory = shared_directory()
        if directory is not None and not is_upgrade:
            _empty(directory)
        return directory
    if named and is_upgrade and Path(named).is_dir():
        _own(Path(named))
        return Path(named)
    if "prometheus_client" in sys.modules and not named:
        if worker_count > 1:
            remedy = "unset preload_app, or " if preloaded else ""
            raise SettingsError(
                f"workers = {worker_count}, but prometheus_client was imported before the workers "
                f"were known: {remedy}set {VARIABLE} to an empty directory before gunicorn starts"
            )
        return None
    directory = _make()
    os.environ[VARIABLE] = str(directory)
    os.environ[_MADE_VARIABLE] = "yes"
    return directory


def hand_on(environment: dict[str, str]) -> None:
    """Have a master that replaces this one count on, in the same directory."""
    for name in (VARIABLE, _MADE_VARIABLE):
        if name in os.environ:
            environment[name] = os.environ[name]


def forget_master(directory: Path, master_pid: int) -> None:
    """Have what a preloading master said of itself count no more, now that workers say it.

    For a worker, once it is forked: a master's gauges would else be those of one worker too many,
    as they were when it loaded the application.
    """
    if "prometheus_client" in sys.modules:
        from instrumentation.worker_files import forget_live_gauges

        forget_live_gauges(directory, master_pid)


def remove() -> None:
    """Remove the directory that `prepare` made, if this is the last process that it is for.

    The process is at its end: what it has of the directory is not looked after any more.
    """
    global _owner
    if _owner is None:
        return
    os.close(_owner)
    _owner = None
    directory = Path(os.environ[VARIABLE])
    with contextlib.suppress(FileNotFoundError):
        _remove_abandoned(directory)


def bury(directory: Path, pids: set[int]) -> None:
    """Fold the files of dead processes into those of process 0; buried ones leave `pids`.

    Never waits: while somebody reads, `pids` keeps them for the next time, and their files count
    as they are; so does one whose files cannot be folded. Raises OSError.
    """
    from instrumentation.worker_files import fold, forget_live_gauges  # imports the client library

    for pid in pids:
        forget_live_gauges(directory, pid)
    with contextlib.suppress(BlockingIOError), _lock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB):
        for pid in sorted(pids):
            fold(directory, pid)
            merge_dead(directory, pid)
            pids.discard(pid)


def bury_strays(directory: Path) -> None:
    """Bury whoever else wrote here and is gone: what workers forked, and programs they ran.

    Raises OSError.
    """
    names = {path.stem.rpartition("_")[2] for path in directory.glob("*_*.*")}
    pids = {int(name) for name in names if name.isdecimal()} - {0}
    if dead := {pid for pid in pids if not _lives(pid)}:
        bury(directory, dead)


def fill_holes(directory: Path) -> None:
    """Have the system set aside what this process's files will take.

    A file that was only made long has holes; to write into one where memory has run out kills the
    process. Raises OSError where there is no room.
    """
    for path in directory.glob(f"*_{os.getpid()}.db"):
        about = path.stat()
        if about.st_blocks * 512 < about.st_size:
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, about.st_size)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


@contextlib.contextmanager
def _lock(directory: Path, operation: int) -> Iterator[None]:
    descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, operation)
        yield
    finally:
        os.close(descriptor)  # and with it the lock


def _make() -> Path:
    base = Path("/dev/shm")  # noqa: S108 - mkdtemp below makes a directory of our own in it
    if not os.access(base, os.W_OK):
        base = Path(tempfile.gettempdir())
    _sweep(base)
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    _own(directory)
    return directory


def _own(directory: Path) -> None:
    """Hold the directory for this process and all that it forks, to their ends."""
    global _owner
    _owner = os.open(directory / _OWNER, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(_owner, fcntl.LOCK_SH)


def _sweep(base: Path) -> None:
    """Remove what masters that were killed left behind."""
    for directory in base.glob(f"{_PREFIX}*"):
        try:
            _remove_abandoned(directory)
        except FileNotFoundError:
            with contextlib.suppress(FileNotFoundError):
                if time.time() - directory.stat().st_mtime > _ABANDONED_SECONDS:
                    shutil.rmtree(directory, ignore_errors=True)
        except OSError:  # another user's
            continue


def _remove_abandoned(directory: Path) -> None:
    """Remove a directory that no process holds. Raises FileNotFoundError if none ever did."""
    descriptor = os.open(directory / _OWNER, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(directory, ignore_errors=True)
    except BlockingIOError:  # its service is alive
        return
    finally:
        os.close(descriptor)


def _empty(directory: Path) -> None:
    own = str(os.getpid())
    for pattern in ("*.db", "*.page", "*.ring", f"*{SUFFIX}"):
        for path in directory.glob(pattern):
            if path.stem.rpartition("_")[2] != own:  # an application that was preloaded uses it
                path.unlink(missing_ok=True)
