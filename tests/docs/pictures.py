"""The pictures of the report in the guide, taken of the last run by a real Chromium.

    python -m tests.docs.pictures

takes them of `reports/evidence.json`, which a run of the checks left, and writes them below
`docs/images/`.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from scenarios.pages.command import write_page
from scenarios.pages.reading import EvidenceError
from tests.docs.reference import ROOT
from tests.scenarios.pages.browser import NAMES, chromium, find_chromium

IMAGES = ROOT / "docs" / "images"
LARGEST_BYTES = 150_000
PHONE, DESK = 390, 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One picture: of which element, on how wide a screen, and how much of it from its top down."""

    name: str
    selector: str
    width: int = DESK
    dark: bool = False
    most_height: int = 700


SHOTS = (
    Shot(name="report-top", selector="header"),
    Shot(name="report-drill", selector="#drill-SlowResponseTime"),
    Shot(name="report-phone", selector="#drill-SlowResponseTime", width=PHONE, dark=True),
    Shot(name="report-detection", selector="#detection + .card", most_height=420),
    Shot(name="report-attribution", selector="#attribution + .card", most_height=640),
)


def take(evidence: Path, images: Path) -> list[Path]:
    """Write every picture of a run, and return their paths.

    Raises:
        EvidenceError, OSError: there is no evidence that can be shown.
        LookupError: no Chromium is on PATH.
        ValueError: a picture is too heavy for a repository.
    """
    found = find_chromium()
    if found is None:
        raise LookupError(f"no Chromium on PATH ({', '.join(NAMES)})")
    images.mkdir(parents=True, exist_ok=True)
    taken = []
    with TemporaryDirectory(prefix="alertproof-pictures-") as name, chromium(found) as page:
        path = write_page(evidence, Path(name) / "index.html")
        for shot in SHOTS:
            page.open(path, width=shot.width, height=900, dark=shot.dark)
            picture = page.picture(
                images / f"{shot.name}.png", selector=shot.selector, most_height=shot.most_height
            )
            if picture.stat().st_size > LARGEST_BYTES:
                raise ValueError(f"{picture} weighs {picture.stat().st_size} bytes")
            taken.append(picture)
    return taken


def main() -> int:
    """Take the pictures of the last run; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("evidence", nargs="?", type=Path, default=ROOT / "reports/evidence.json")
    try:
        for picture in take(parser.parse_args().evidence, IMAGES):
            sys.stdout.write(f"wrote {picture.relative_to(ROOT)}\n")
    except (EvidenceError, LookupError, OSError, ValueError) as error:
        sys.stderr.write(f"no pictures: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
