"""The argument list of a program that gives way to all other work on the machine.

One rule: it yields as one whole. Where the kernel groups processes by session, a program's nice
value counts only within its own session (sched(7), "The autogroup feature"), so the session is
told as well.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["yielding"]

_TELL_AUTOGROUP = """
if [ -w /proc/self/autogroup ]; then
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    { echo "$0" >/proc/self/autogroup; } 2>/dev/null && break
    sleep 0.11
  done
fi
exec "$@"
"""
"""Who is not root may tell one session each 100 ms, all users of the machine together; it is tried
for a second. Where there is no such file, the nice value counts by itself."""


def yielding(niceness: int, *, own_session: bool) -> Sequence[str]:
    """Return what goes before the program's own argument list; the process keeps its id.

    Args:
        niceness: 1 (takes most of its share) to 19 (takes what nobody wants).
        own_session: whether the process is going to lead a session when it runs this. Else it is
            given one, so that whoever starts it does not yield with it; Ctrl-C no longer reaches
            it there, so it must be one that ends soon.
    """
    session = () if own_session else ("setsid",)
    return (*session, "nice", "-n", str(niceness), "/bin/sh", "-c", _TELL_AUTOGROUP, str(niceness))
