"""Running Debian's Alertmanager from where it was unpacked, without installing it.

Design rule: the process that results is the program itself: same pid, same signals, no wrapper
left, and still bound to die with its parent.

Debian's build opens its default templates below /usr/share/prometheus/alertmanager, by that
absolute path. In a mount namespace of its own, /usr/share is the machine's with the unpacked
package's laid over it; nobody else sees that. A user who is not root gets the right to mount from
a user namespace, in which the program runs as root of nothing but its own files.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["TEMPLATES", "in_namespace"]

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
