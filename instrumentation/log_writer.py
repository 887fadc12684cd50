"""Writing never holds up a request: lines wait in memory, and one thread a file writes them.

What does not fit the memory, or cannot be written, is lost and counted; the thread goes on, so
that writing resumes by itself. The thread starts with the first line in a process, also in a
forked child. It sleeps while there are none, and gathers them for a moment, so that a busy
service pays for few writes, and one that is not for nothing.
"""

import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Protocol

from instrumentation.correlation import CURRENT
from instrumentation.log_counts import LEVELS, LogCounts, say
from instrumentation.log_file import LogFile

GATHER_SECONDS = 0.010
"""How long lines are gathered for one write; also how late a line may stand in the file."""

FLUSH_SECONDS = 5.0
"""How long the end of a process waits for a file that takes no writes."""

_WRITERS: "weakref.WeakSet[LogWriter]" = weakref.WeakSet()
_hooked = False


class _Finalizer(Protocol):
    """What multiprocessing will call when a child ends."""

    def cancel(self) -> None: ...


class LogWriter:
    """Hands the lines of this process to one file."""

    def __init__(
        self,
        file: LogFile,
        *,
        max_bytes: int,
        counts: LogCounts,
        in_child: Callable[[], None] = lambda: None,
        gather_seconds: float = GATHER_SECONDS,
    ) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._crowded_bytes = max_bytes // 2
        self._counts = counts
        self._gather_seconds = gather_seconds
        self._in_child = in_child
        self._failing = False
        self._closed = False
        self._at_the_end_of_a_child: _Finalizer | None = None
        self._begin()
        _reset_after_fork(self)

    def _begin(self) -> None:
        # Reentrant, as a signal's handler or a finaliser may log while its thread holds it.
        self._lock = threading.RLock()
        self._written = threading.Condition(self._lock)
        # Wakes the thread, or ends its gathering; not an Event, which costs several times as much,
        # and which a signal's handler must not set while its thread does.
        self._signals: SimpleQueue[None] = SimpleQueue()
        self._lines: list[bytes] = []
        self._waiting_bytes = 0
        self._taken = 0
        self._settled = 0
        self._stuck_at = -1
        self._made = dict.fromkeys(LEVELS, 0)
        self._writing = threading.Lock()
        self._thread: threading.Thread | None = None

    def after_fork(self) -> None:
        """Begin anew in a child: what waited is the parent's to write, and so are its locks."""
        self._begin()
        self._counts.forget()
        self._file.close()
        self._in_child()

    def put(self, line: bytes, level: str) -> None:
        """Take a line, or count it as lost where too much waits already; never waits."""
        with self._lock:
            self._made[level] += 1
            before = self._waiting_bytes
            waiting_bytes = before + len(line)
            fits = waiting_bytes <= self._max_bytes
            if fits:
                lines = self._lines
                first = not lines
                lines.append(line)
                self._waiting_bytes = waiting_bytes
        if not fits:
            self._counts.lose("queue_full")
            if self._signals.empty():  # it is counted as made as well, by the thread
                self._signals.put(None)
        elif first or waiting_bytes > self._crowded_bytes >= before:
            self._signals.put(None)
        if self._thread is None:
            self._start()

    def flush(self, timeout_seconds: float = FLUSH_SECONDS) -> bool:
        """Wait until everything taken so far is written, or lost; tell whether it is."""
        deadline = time.monotonic() + timeout_seconds
        with self._lock:
            target = self._taken + len(self._lines)
        if self._thread is None:
            self._drain(wait=False)  # no thread could be started, or none was needed
        while True:
            with self._written:
                if self._settled >= target:
                    return True
                self._signals.put(None)
                left = deadline - time.monotonic()
                if left <= 0:
                    self._stuck_at = self._settled
                    return False
                self._written.wait(min(left, 0.05))

    def close(self) -> None:
        """Write what waits, and end the thread; what cannot be written in time is counted lost."""
        if self._closed:
            return
        self._forget_the_end_of_a_child()
        # Who has just waited in vain need not do so again.
        done = self.flush(0.0) if self._stuck_at == self._settled else self.flush()
        self._closed = True
        self._signals.put(None)
        if done:
            if self._thread is not None and self._thread is not threading.current_thread():
                self._thread.join(FLUSH_SECONDS)
            self._counts.publish()
            return
        with self._lock:
            lost = self._taken + len(self._lines) - self._settled
        self._counts.lose("shutdown", lost)
        say(f"{self._file.path}: {lost} log records could not be written in {FLUSH_SECONDS} s")

    def _start(self) -> None:
        if self._closed:  # too late for a thread: who logs now writes
            self._drain(wait=False)
            return
        with self._lock:
            if self._thread is not None:
                return
            thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
            request = CURRENT.set(None)  # the thread belongs to no request, whoever starts it
            try:
                thread.start()
            except RuntimeError:  # no thread to be had, as at the interpreter's end: flush writes
                return
            finally:
                CURRENT.reset(request)
            self._thread = thread
        self._forget_the_end_of_a_child()
        self._at_the_end_of_a_child = _flush_at_the_end_of_a_child(self)

    def _forget_the_end_of_a_child(self) -> None:
        """Take back what would keep this writer alive until the process ends."""
        finalizer, self._at_the_end_of_a_child = self._at_the_end_of_a_child, None
        if finalizer is not None:
            finalizer.cancel()

    def _run(self) -> None:
        while True:
            self._signals.get()
            if not self._closed and self._waiting_bytes <= self._crowded_bytes:
                self._gather()
            self._drain()
            with self._lock:
                if self._closed and not self._lines:
                    self._thread = None
                    return

    def _gather(self) -> None:
        with suppress(Empty):
            self._signals.get(timeout=self._gather_seconds)

    def _drain(self, *, wait: bool = True) -> None:
        if not self._writing.acquire(blocking=wait):
            return
        try:
            self._write_what_waits()
        finally:
            self._writing.release()

    def _write_what_waits(self) -> None:
        with self._lock:
            with suppress(Empty):  # what was signalled so far is being done
                while not self._signals.empty():
                    self._signals.get_nowait()
            lines, self._lines = self._lines, []
            self._taken += len(lines)
            made, self._made = self._made, dict.fromkeys(LEVELS, 0)
        self._counts.made(made)
        if not lines:
            return
        lost = self._write(lines)
        if lost:
            self._counts.lose("write_failed", lost)
        else:
            self._counts.publish()
        with self._written:  # last: who waits for it may be a process that ends at once
            self._waiting_bytes -= sum(map(len, lines))
            self._settled += len(lines)
            self._written.notify_all()

    def _write(self, lines: list[bytes]) -> int:
        """Write a batch; return how many of its lines are lost."""
        reason = "only a part of them could be written"
        kept = 0
        try:
            batch = b"".join(lines)
            kept = batch.count(b"\n", 0, self._file.append(batch))
        except Exception as error:  # noqa: BLE001  # whatever fails, the thread must go on
            reason = getattr(error, "strerror", None) or repr(error)
        lost = len(lines) - kept
        if lost and not self._failing:
            say(f"{self._file.path}: {reason}; log records are lost until it can be written")
        self._failing = lost > 0
        return lost


def _reset_after_fork(writer: LogWriter) -> None:
    global _hooked
    _WRITERS.add(writer)
    if not _hooked:
        _hooked = True
        os.register_at_fork(after_in_child=_after_fork)


def _after_fork() -> None:
    for writer in list(_WRITERS):
        writer.after_fork()


def _flush_at_the_end_of_a_child(writer: LogWriter) -> _Finalizer | None:
    """Have multiprocessing's children flush, as those end without the interpreter's own hooks."""
    util = sys.modules.get("multiprocessing.util")
    if util is None:
        return None
    finalize: Callable[..., _Finalizer] = util.Finalize
    return finalize(None, writer.flush, exitpriority=-100)
