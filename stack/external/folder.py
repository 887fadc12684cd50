"""The folder from which an external engine reads what a run gives it.

Design rule: only a folder that was made for drills is written to, by one run at a time; and what
stands in it between two runs watches nothing and tells nobody.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType

from stack.drill_files import ALERTMANAGER_CONFIG, PROMETHEUS_CONFIG, RULES
from stack.replacing import replace_text

__all__ = ["IDLE", "MARKER", "Folder", "FolderRefused"]

MARKER = "alertproof-external"
"""The file that shows that a folder was made for drills."""

MAKE = "python -m stack.external init"

IDLE: Mapping[str, str] = MappingProxyType(
    {
        PROMETHEUS_CONFIG: f"rule_files: [{RULES}]\nscrape_configs: []\n",
        RULES: "groups: []\n",
        ALERTMANAGER_CONFIG: "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n",
    }
)
"""What an engine is started with, and left with."""


class FolderRefused(RuntimeError):
    """A folder is not one for drills, or is another run's: one line, with the remedy."""


class Folder:
    """One such folder."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._times_held = 0
        self._held = ExitStack()

    def make(self) -> None:
        """Make the folder, with the files that an engine is started with. It may be there, empty.

        Raises:
            FolderRefused: it has something else in it.
            OSError: it can't be written.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        strange = [one.name for one in self.path.iterdir()]
        if strange and not self._marker.exists():
            raise FolderRefused(
                f"{self.path} holds {', '.join(sorted(strange)[:3])}: a folder for drills is made"
                f" where nothing is; name another: {MAKE} FOLDER"
            )
        self._marker.write_text("What is in this folder is written by drills.\n", encoding="utf-8")
        self.idle()

    def check(self) -> None:
        """See that this is a folder for drills.

        Raises:
            FolderRefused: it is not.
        """
        if not self._marker.is_file():
            raise FolderRefused(
                f"{self.path} has no file {MARKER}: it was not made for drills, and what an engine"
                f" reads there would be overwritten; make one: {MAKE} FOLDER"
            )

    def publish(self, name: str, text: str) -> None:
        """Have other content in one of the files, in one step for whoever reads meanwhile."""
        path = self.path / name
        replace_text(path, text)

    def read(self, name: str) -> str:
        """Return what one of the files holds."""
        return (self.path / name).read_text(encoding="utf-8")

    def idle(self) -> None:
        """Put back what an engine is started with."""
        for name, text in IDLE.items():
            self.publish(name, text)

    @contextmanager
    def held(self) -> Iterator[Mapping[str, str]]:
        """Be the only run that writes here, and get what is to be put back at the end.

        A run that drills something again does so beside its first stack: it may hold this more
        than once. The kernel lets go where this process dies.

        Raises:
            FolderRefused: another run holds it.
        """
        if self._times_held:
            before: Mapping[str, str] = {name: self.read(name) for name in IDLE}
        else:
            before = IDLE
            self._lock()
        self._times_held += 1
        try:
            yield before
        finally:
            self._times_held -= 1
            if not self._times_held:
                self._held.close()

    def _lock(self) -> None:
        with ExitStack() as opened:
            marker = opened.enter_context(self._marker.open("rb"))
            try:
                fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise FolderRefused(
                    f"another run drills through {self.path} at present; wait for its end, or give"
                    " each an engine of its own"
                ) from None
            self._held = opened.pop_all()

    @property
    def _marker(self) -> Path:
        return self.path / MARKER
