"""One log file that several processes append to: a batch is one write under a lock, or it is not.

The lock is a `flock` on the file itself; whoever holds it on the file that the path names may
rotate, append, and take back what a full disk cut short. A process that dies while it writes
leaves a torn line, which the next one ends. A file that somebody else renamed is followed.

concurrent-log-handler 0.9.31 loses and tears nothing either while 8 processes rotate one file
each second (`python -m benchmarks rotation`), and follows a rename; but it locks and writes once a
record, and on a full disk it leaves half a line in the file and counts nothing.
"""

import contextlib
import errno
import fcntl
import os
import re
import select
import stat
import time
from datetime import UTC, datetime
from pathlib import Path

from instrumentation.settings import SettingsError

DAY_SECONDS = 86_400
FILE_MODE = 0o640
DIRECTORY_MODE = 0o750

_STANDARD = {"/dev/stdout": 1, "/dev/stderr": 2}

_LOCK_SECONDS = 1.0
"""Longer than any batch takes; a holder that was stopped must not stop the others' logs."""

_LOCK_PAUSE_SECONDS = 0.000_5
_READER_SECONDS = 1.0  # how long the reader of a pipe may take to make room


class LogFile:
    """Appends batches of lines to `path`; used by one thread at a time.

    A regular file is rotated where a UTC day ends, to `<path>.<date>`; those that ended more than
    `retention_periods` ago are removed. A pipe or a device is written as it is. `period_seconds`
    is for tests: below a day, names carry the time as well.
    """

    def __init__(
        self, path: Path, *, retention_periods: int, period_seconds: int = DAY_SECONDS
    ) -> None:
        self.path = path
        self._retention_periods = retention_periods
        self._period_seconds = period_seconds
        self._stamp = "%Y-%m-%d" if period_seconds >= DAY_SECONDS else "%Y-%m-%dT%H-%M-%S"
        self._fd = -1
        self._regular = True
        self._identity = (0, 0)
        self._period = 0
        self._size = -1

    def append(self, batch: bytes) -> int:
        """Write whole lines; return how many bytes of them stand in the file, less on a full disk.

        Raises OSError when nothing could be written.
        """
        try:
            if self._fd < 0 or not self._regular:  # else the lock follows the path
                self._follow()
            locked = self._regular and self._lock()
            try:
                if self._regular and not locked:
                    self._follow()
                if not self._regular:
                    return self._write_stream(batch)
                return self._append_locked(batch) if locked else os.write(self._fd, batch)
            finally:
                if locked:
                    fcntl.flock(self._fd, fcntl.LOCK_UN)
        except OSError:
            self.close()
            raise

    def open(self) -> None:
        """Open the file, and make it and its directory where they are missing. Raises OSError."""
        self.close()
        _make_directory(self.path.parent)
        flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
        now = self._period_of(time.time())
        while self._fd < 0:
            try:
                self._fd = os.open(self.path, flags | os.O_CREAT | os.O_EXCL, FILE_MODE)
                os.fchmod(self._fd, FILE_MODE)  # whatever the umask
                self._period = now
            except FileExistsError:
                self._open_existing(flags)
        about = os.fstat(self._fd)
        self._identity = (about.st_dev, about.st_ino)
        self._regular = stat.S_ISREG(about.st_mode)
        self._size = -1

    def close(self) -> None:
        """Close the file; the next batch opens it again."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _open_existing(self, flags: int) -> None:
        try:
            about = self.path.stat()
            if not stat.S_ISREG(about.st_mode):
                flags = flags & ~os.O_RDWR | os.O_WRONLY  # a pipe without a reader must fail
            self._fd = os.open(self.path, flags)
        except FileNotFoundError:
            if self.path.is_symlink():
                raise
            return  # rotated away between two calls: the caller makes a new one
        except OSError as error:
            standard = _STANDARD.get(str(self.path))
            if standard is None or error.errno != errno.ENXIO:
                raise
            self._fd = os.dup(standard)  # a socket, which systemd gives, has no name to open
        about = os.fstat(self._fd)
        now = self._period_of(time.time())
        self._period = self._period_of(about.st_mtime) if about.st_size else now

    def _follow(self) -> bool:
        """Have the file open that the path names now; tell whether it had to be opened."""
        if self._fd >= 0:
            try:
                about = self.path.stat()
            except FileNotFoundError:
                about = None
            if about is not None and (about.st_dev, about.st_ino) == self._identity:
                return False
        self.open()
        return True

    def _lock(self) -> bool:
        """Lock the file that the path names; False when another holds it for too long."""
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    return False
                time.sleep(_LOCK_PAUSE_SECONDS)
                continue
            if not self._follow():  # another process may have rotated it meanwhile
                return True

    def _append_locked(self, batch: bytes) -> int:
        now = self._period_of(time.time())
        if now > self._period and self._rotate(now):
            self.open()
            if not self._lock():
                return os.write(self._fd, batch)
        before = os.fstat(self._fd).st_size
        torn = before and before != self._size and os.pread(self._fd, 1, before - 1) != b"\n"
        data = b"\n" + batch if torn else batch
        try:
            written = os.write(self._fd, data)
            while written < len(data):
                written += os.write(self._fd, data[written:])  # tells why, where it was cut short
        except OSError as error:
            if error.errno == errno.EINTR:
                raise
            whole = self._take_back(before, data)
            if whole == 0:
                raise
            return max(whole - len(data) + len(batch), 0)
        self._size = before + len(data)
        return len(batch)

    def _take_back(self, before: int, data: bytes) -> int:
        """Cut a partial write back to its last whole line; return the length that stays."""
        written = os.fstat(self._fd).st_size - before
        whole = data.rfind(b"\n", 0, max(written, 0)) + 1
        os.ftruncate(self._fd, before + whole)
        self._size = before + whole
        return whole

    def _rotate(self, now: int) -> bool:
        """Rename the file to the period that it holds; False when that was done before."""
        held, self._period = self._period, now
        target = self.path.with_name(f"{self.path.name}.{self._name_of(held)}")
        if target.exists():  # the file is of now, its times were taken from a clock less fine
            return False
        if self.path.is_symlink():  # as /dev/stdout is: for whoever made the link to rotate
            return False
        try:
            self.path.rename(target)
        except OSError:  # a directory that may not be changed: one long file loses nothing
            return False
        self.remove_old()
        return True

    def remove_old(self) -> None:
        """Remove the rotated files that have been kept for long enough, and that may be removed."""
        oldest = self._name_of(self._period_of(time.time()) - self._retention_periods)
        pattern = re.compile(re.escape(self.path.name) + r"\.(\d{4}-\d\d-\d\d(?:T\d\d-\d\d-\d\d)?)")
        # Another process may be removing them as well, and a failure here must cost no record.
        with contextlib.suppress(OSError):
            for one in sorted(self.path.parent.iterdir()):
                match = pattern.fullmatch(one.name)
                if match and len(match[1]) == len(oldest) and match[1] < oldest:
                    one.unlink(missing_ok=True)

    def _write_stream(self, batch: bytes) -> int:
        """Write to a pipe or a device, which takes what it has room for."""
        written = 0
        deadline = time.monotonic() + _READER_SECONDS
        while written < len(batch):
            try:
                written += os.write(self._fd, batch[written:])
            except BlockingIOError:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                poll = select.poll()
                poll.register(self._fd, select.POLLOUT)
                poll.poll(left * 1000)
        if written == 0:
            raise BlockingIOError(errno.EAGAIN, "its reader makes no room")
        return written

    def _period_of(self, seconds: float) -> int:
        return int(seconds // self._period_seconds)

    def _name_of(self, period: int) -> str:
        return datetime.fromtimestamp(period * self._period_seconds, UTC).strftime(self._stamp)


def check_log_file(path: Path) -> None:
    """Open a log file as its writer will, and close it. Raises SettingsError."""
    file = LogFile(path, retention_periods=1)
    try:
        file.open()  # and closed again: a server may yet fork, or become a daemon
    except OSError as error:
        raise SettingsError(
            f"log_file={str(path)!r}: {error.strerror}; name a file in a directory that this "
            "process may write"
        ) from error
    finally:
        file.close()


def _make_directory(directory: Path) -> None:
    """Make the directory with its parents, each with the mode that a log's directory has."""
    if directory.is_dir():
        return
    if directory.parent != directory:
        _make_directory(directory.parent)
    try:
        directory.mkdir(DIRECTORY_MODE)
    except FileExistsError:
        if directory.is_dir():  # another process was quicker
            return
        raise
    directory.chmod(DIRECTORY_MODE)  # whatever the umask
