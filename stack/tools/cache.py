"""The cache of fetched tools: each installation a directory with a manifest, there whole or not.

Design rule: nothing is ever written into an installation. It is made in a private directory and
renamed into place; whoever comes second finds it there and throws its own away. So two processes
may fetch at the same time, and one that is killed at any moment leaves nothing that is taken for
an installation.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from stack.tools.model import Origin
from stack.waiting import WaitTimeout, wait_until

__all__ = ["CachedProgram", "Installation", "ToolCache", "write_manifest"]

_MANIFEST = "manifest.json"
_PARTIAL = ".partial-"
_ABANDONED_AFTER_SECONDS = 3600.0
_LOCK_TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedProgram:
    """One program of an installation. `path` is relative to it; `source` is for the evidence."""

    path: str
    sha256: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A whole installation: its directory, where it came from, and its programs by tool name."""

    directory: Path
    origin: Origin
    programs: Mapping[str, CachedProgram]


class ToolCache:
    """The installations below one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "tools"

    def load(self, name: str) -> Installation | None:
        """Return the installation if every file of its manifest is there in its full size."""
        directory = self._directory / name
        try:
            written = json.loads((directory / _MANIFEST).read_text(encoding="utf-8"))
            sizes: dict[str, int] = written["sizes"]
            if any((directory / file).stat().st_size != size for file, size in sizes.items()):
                return None
            programs = {tool: CachedProgram(**said) for tool, said in written["programs"].items()}
            return Installation(directory=directory, origin=written["origin"], programs=programs)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None  # absent or half of one: it is fetched again

    def discard(self, name: str) -> None:
        """Remove an installation, if it is there, in one step for whoever looks meanwhile."""
        with self._private_directory() as aside, contextlib.suppress(FileNotFoundError):
            (self._directory / name).rename(aside / "discarded")

    def install(
        self, name: str, make: Callable[[Path], None], report: Callable[[str], None]
    ) -> Installation:
        """Return the installation, made by `make` unless another process did so meanwhile.

        `make` gets an empty private directory and ends with `write_manifest`. Whatever it raises
        is passed on. Raises OSError if the cache cannot be written.
        """
        with self._one_at_a_time(report), self._private_directory() as private:
            present = self.load(name)
            if present is not None:
                return present
            made = private / "made"
            made.mkdir()
            make(made)
            return self._publish(made, name)

    def _publish(self, made: Path, name: str) -> Installation:
        place = self._directory / name
        while True:
            with contextlib.suppress(OSError):  # somebody's is there: looked at below
                made.rename(place)
            present = self.load(name)
            if present is not None:
                return present
            if not place.exists():
                raise OSError(f"{place} cannot be created; look: ls -ld {self._directory}")
            self.discard(name)

    @contextlib.contextmanager
    def _private_directory(self) -> Iterator[Path]:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._sweep()
        private = Path(tempfile.mkdtemp(dir=self._directory, prefix=_PARTIAL))
        try:
            yield private
        finally:
            shutil.rmtree(private, ignore_errors=True)

    def _sweep(self) -> None:
        # What a killed process left. Age is by the system's clock, as file times are.
        for left in self._directory.glob(f"{_PARTIAL}*"):
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > _ABANDONED_AFTER_SECONDS:
                    shutil.rmtree(left, ignore_errors=True)

    @contextlib.contextmanager
    def _one_at_a_time(self, report: Callable[[str], None]) -> Iterator[None]:
        """Let a second process wait for the first rather than fetch the same again.

        A courtesy, not a need: the kernel drops the lock of a process that dies, and whoever has
        waited too long goes on without it.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        with (self._directory / ".lock").open("w", encoding="utf-8") as lock:
            if not _locked(lock.fileno()):
                report("another process is fetching the tools; waiting for it")
                with contextlib.suppress(WaitTimeout):
                    wait_until(
                        lambda: _locked(lock.fileno()),
                        what="the other process",
                        timeout_seconds=_LOCK_TIMEOUT_SECONDS,
                        interval_seconds=0.1,
                    )
            yield


def write_manifest(
    directory: Path, *, origin: Origin, programs: Mapping[str, tuple[str, str]]
) -> None:
    """Describe a finished directory: `programs` maps a tool to its relative path and its source.

    Every file in the directory becomes part of what `ToolCache.load` requires.
    """
    sizes = {
        str(file.relative_to(directory)): file.stat().st_size
        for file in sorted(directory.rglob("*"))
        if file.is_file()
    }
    described = {}
    for tool, (path, source) in programs.items():
        with (directory / path).open("rb") as binary:
            sha256 = hashlib.file_digest(binary, "sha256").hexdigest()
        described[tool] = asdict(CachedProgram(path=path, sha256=sha256, source=source))
    manifest = {"origin": origin, "programs": described, "sizes": sizes}
    (directory / _MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
