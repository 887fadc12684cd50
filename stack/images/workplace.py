"""Where images are put together: a folder of this run in the tool cache, gone with the run.

Design rule: one run at a time; so whatever a run finds there was left by one that was killed, and
is removed before anything is made.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from stack.images.failure import ImagesFailure
from stack.images.recipe import Files

__all__ = ["Workplace", "open_to_all", "workplace", "write_context"]

_PREFIX = "run-"


class Workplace:
    """Folders of one run, and the logs of its builds, which stay."""

    def __init__(self, run: Path, logs: Path) -> None:
        self._run = run
        self._logs = logs

    def log(self, name: str) -> Path:
        """Return the file for what the builder says of this image; it replaces the last one's."""
        return self._logs / f"{name}.log"

    @contextlib.contextmanager
    def folder(self, name: str) -> Iterator[Path]:
        """Yield an empty folder, which is removed."""
        made = Path(tempfile.mkdtemp(dir=self._run, prefix=f"{name}-"))
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)


@contextlib.contextmanager
def workplace(cache_directory: Path) -> Iterator[Workplace]:
    """Yield the place of this run. Raises ImagesFailure while another one works there."""
    images = cache_directory / "images"
    try:
        images.mkdir(parents=True, exist_ok=True)
        lock = (images / ".lock").open("w", encoding="utf-8")
    except OSError as error:
        raise ImagesFailure(f"the cache cannot be written: {error}; look: ls -ld {images}") from (
            error
        )
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ImagesFailure(
                f"another run makes images; wait for it, or look: fuser -v {images / '.lock'}"
            ) from error
        for left in images.glob(f"{_PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)
        run = Path(tempfile.mkdtemp(dir=images, prefix=_PREFIX))
        try:
            yield Workplace(run, images)
        finally:
            shutil.rmtree(run, ignore_errors=True)


def write_context(context: Path, files: Files) -> None:
    """Write a recipe's files into a builder's context."""
    for path, content in files.items():
        file = context / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.data)
        file.chmod(0o755 if content.executable else 0o644)


def open_to_all(context: Path) -> None:
    """Make everything readable for every user, as it is for those in the image.

    A file that was made under a strict umask would be root's alone there.
    """
    for path in context.rglob("*"):
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if runs else 0o644)
