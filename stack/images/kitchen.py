"""What a recipe may use while its context is put together.

Design rule: a recipe is given everything and finds nothing by itself, so that a test can give it
something else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stack.images.archive import Archive
from stack.images.engine import Engine
from stack.tools.fetching import Report
from stack.tools.settings import ToolSettings

__all__ = ["Kitchen"]

_STATUS = "/var/lib/dpkg/status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kitchen:
    """Where things come from.

    Attributes:
        repository: the clone whose files are sent to the builder.
        settings: where tools may come from.
        report: is given a line for a person before anything that takes seconds.
        archive: Debian's packages.
        engine: has the images below.
        reference: the reference of an image, by its name.
    """

    repository: Path
    settings: ToolSettings
    report: Report
    archive: Archive
    engine: Engine
    reference: Callable[[str], str]

    def packages(self, names: Sequence[str], context: Path, *, on: str | None) -> str:
        """Put packages into `packages/` of a context, with all they need beyond the image `on`.

        Returns what they are. Raises FetchFailed, OSError or ImagesFailure.
        """
        installed = "" if on is None else self.engine.read(self.reference(on), _STATUS)
        said = self.archive.fetch(names, context / "packages", installed=installed)
        return ", ".join(said)
