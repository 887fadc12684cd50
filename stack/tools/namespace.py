"""Running a program with mounts of its own: Debian's Alertmanager from where it was unpacked, and
a service on a small disk that may be filled.

Design rule: the process that results is the program itself: same pid, same signals, no wrapper
left, and still bound to die with its parent.

Debian's build opens its default templates below /usr/share/prometheus/alertmanager, by that
absolute path. In a mount namespace of its own, /usr/share is the machine's with the unpacked
package's laid over it; nobody else sees that. A user who is not root gets the right to mount from
a user namespace, in which the program runs as root of nothing but its own files.
A small disk is a tmpfs over one folder, which whoever knows the process finds below
/proc/PID/root, and which ends with it.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["TEMPLATES", "in_namespace", "on_own_disk"]

TEMPLATES = Path("/usr/share/prometheus/alertmanager/default.tmpl")
"""Where Debian's Alertmanager looks. If the machine has it, no namespace is needed."""

# $1 is the prefix, the rest the program. The folder is named relative to the prefix, as a colon or
# a comma in the prefix would end the mount option. Entering a user namespace clears the
# parent-death signal (prctl(2)), so it is armed again, and the parent, who may have died
# meanwhile, is looked at after that: a dead one has been replaced in $PPID.
_MOUNT_AND_RUN = """
parent=$1 prefix=$2 directory=$PWD
shift 2
cd "$prefix" &&
mount -t overlay overlay -o lowerdir=usr/share:/usr/share /usr/share &&
cd "$directory" &&
exec setpriv --pdeathsig KILL -- /bin/sh -c '[ "$PPID" = "$0" ] && exec "$@"' "$parent" "$@"
"""

_ENTER = """
if [ "$(id -u)" = 0 ]; then flags=-m; else flags=-Urm; fi
mount_and_run=$0
exec unshare "$flags" /bin/sh -c "$mount_and_run" alertproof "$PPID" "$@"
"""


def in_namespace(prefix: Path, program: Path) -> tuple[str, ...]:
    """Return the argument list that runs `program` with `prefix`/usr/share over /usr/share.

    Where namespaces are denied it ends with the message of unshare(1) or mount(8).
    """
    return ("/bin/sh", "-c", _ENTER, _MOUNT_AND_RUN, str(prefix), str(program))


_MOUNT_DISK_AND_RUN = """
mount -t tmpfs -o "size=$1,mode=0755" tmpfs "$2" &&
shift 2 &&
exec "$@"
"""

_ENTER_AND = """
if [ "$(id -u)" = 0 ]; then flags=-m; else flags=-Urm; fi
exec unshare "$flags" /bin/sh -c "$@"
"""


def on_own_disk(folder: Path, size_bytes: int) -> tuple[str, ...]:
    """Return the command that runs another with a disk of `size_bytes` of its own over `folder`.

    It does not see to it that the program ends with its parent: entering a user namespace clears
    what was armed, so the program must say so itself. Where namespaces are denied it ends with the
    message of unshare(1) or mount(8).
    """
    disk = (str(size_bytes), str(folder))
    return ("/bin/sh", "-c", _ENTER_AND, "sh", _MOUNT_DISK_AND_RUN, "sh", *disk)
