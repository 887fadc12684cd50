"""A stand-in for Python's own image: Debian's Python, and wheels of what the service needs.

Design rule: wheels are fetched here, by the pip of this machine with its index, certificates and
credentials; none of these enters an image. If one is missing, the service's build says so.
"""

from __future__ import annotations

import platform
import re
import sys
from pathlib import Path

from stack.images.archive import SUITE
from stack.images.kitchen import Kitchen
from stack.images.recipe import Recipe, folder_files, read_files
from stack.tools.fetching import FetchFailed, run

__all__ = ["recipe"]

_PACKAGES = ("python3", "python3-pip")
_REQUIREMENTS = Path("stack/compose/service/requirements.txt")
_PYTHON = re.compile(r"python(3\.\d+)-minimal_")
_NEWEST_GLIBC = 41
"""The minor version of Debian 13's C library; pip is told of every older one that wheels name."""


def recipe(kitchen: Kitchen) -> Recipe:
    """Return how Python's stand-in is made."""
    requirements = kitchen.repository / _REQUIREMENTS
    files = folder_files(Path(__file__).parent)
    files |= read_files(requirements.parent, [requirements])

    def fetch(context: Path) -> str:
        said = kitchen.packages(_PACKAGES, context, on="base")
        python = _python_among(context / "packages")
        kitchen.report(f"python: fetching the service's packages for Python {python} with pip")
        command = _download(python, context / _REQUIREMENTS.name, context / "wheels")
        run(command, directory=context)
        wheels = len(list((context / "wheels").glob("*.whl")))
        return f"{said}, and {wheels} wheels"

    return Recipe(
        name="python",
        files=files,
        inputs={"suite": SUITE, "packages": " ".join(_PACKAGES)},
        parent="base",
        fetch=fetch,
    )


def _python_among(packages: Path) -> str:
    for package in packages.iterdir():
        if found := _PYTHON.match(package.name):
            return found[1]
    raise FetchFailed(f"Debian {SUITE} delivered no Python with {' '.join(_PACKAGES)}")


def _download(python: str, requirements: Path, wheels: Path) -> list[str]:
    """Return the command that fetches wheels for that Python, not for the one that runs this."""
    machine = platform.machine()
    minors = range(5, _NEWEST_GLIBC + 1)
    tags = ["manylinux1", "manylinux2010", "manylinux2014", "linux"]
    tags += [f"manylinux_2_{minor}" for minor in minors]
    platforms = [part for tag in tags for part in ("--platform", f"{tag}_{machine}")]
    return [
        *(sys.executable, "-m", "pip", "download", "--no-input", "--quiet"),
        *("--only-binary", ":all:", "--implementation", "cp", "--python-version", python),
        *platforms,
        *("--dest", str(wheels), "--requirement", str(requirements)),
    ]
