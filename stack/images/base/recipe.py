"""The image below all others: a small Debian, from nothing but its packages.

Design rule: no root is needed on this machine. What debootstrap does there, the builder does: the
packages' files are sent to it in one archive, and the same packages are installed in that.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from stack.images.archive import ESSENTIAL, SUITE
from stack.images.kitchen import Kitchen
from stack.images.recipe import Recipe, folder_files
from stack.tools.fetching import run

__all__ = ["REFERENCE", "recipe"]

REFERENCE = f"alertproof/stand-in-base:{SUITE}"
"""Of nobody else: no compose file names it."""

_FIRST = "base-files_"
"""Has the links /bin, /lib and /sbin, which must be there before anything is put behind them."""


def recipe(kitchen: Kitchen) -> Recipe:
    """Return how the base is made."""

    def fetch(context: Path) -> str:
        kitchen.packages([ESSENTIAL], context, on=None)
        packages = sorted(
            (context / "packages").glob("*.deb"),
            key=lambda file: (not file.name.startswith(_FIRST), file.name),
        )
        _unpack(packages, context / "unpacked.tar")
        return f"{len(packages)} packages of Debian {SUITE}"

    return Recipe(
        name="base",
        files=folder_files(Path(__file__).parent),
        inputs={"suite": SUITE, "packages": ESSENTIAL},
        fetch=fetch,
    )


def _unpack(packages: list[Path], archive: Path) -> None:
    """Write all files of these packages into one archive, with their owners and modes."""
    seen: set[str] = set()
    part = archive.with_suffix(".part")
    with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT) as whole:
        for package in packages:
            run(
                ["/bin/sh", "-c", 'dpkg-deb --fsys-tarfile "$0" >"$1"', str(package), str(part)],
                directory=archive.parent,
            )
            with tarfile.open(part) as one:
                for member in one:
                    if member.name not in seen:
                        seen.add(member.name)
                        content = one.extractfile(member) if member.isreg() else io.BytesIO()
                        whole.addfile(member, content)
    part.unlink()
