"""The guide to the report names its parts, and its pictures are those that its command takes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from scenarios.pages.page import LARGEST_BYTES, render
from scenarios.pages.runs import KEPT, Past
from scenarios.signal_queries import MOST_CURVES
from tests.docs.pictures import IMAGES, SHOTS, take
from tests.docs.pictures import LARGEST_BYTES as LARGEST_PICTURE
from tests.docs.reference import ROOT
from tests.scenarios.pages.browser import find_chromium
from tests.scenarios.pages.written import evidence, run

TEXT = (ROOT / "docs" / "report.md").read_text()


def test_every_part_of_the_page_is_explained_in_its_order() -> None:
    page = render(run(), Past())
    headings = [one.lower() for one in re.findall(r"<h2[^>]*>(.*?)</h2>", page)]
    table = TEXT.partition("| part | says |")[2].partition("\n\n")[0]
    parts = re.findall(r"^\| (\w.*?) \|", table, re.M)
    assert parts == ["verdict", *headings]


def test_numbers_in_the_guide_are_those_of_the_code() -> None:
    assert f"the last {KEPT} are kept" in TEXT
    assert f"weighs {LARGEST_BYTES / 1e6:g} MB at most" in TEXT
    assert MOST_CURVES == 4
    assert "more than four series" in " ".join(TEXT.split())


def test_the_guide_shows_every_picture_that_is_taken_and_no_other() -> None:
    shown = re.findall(r"!\[[^\]]+\]\(images/([\w-]+)\.png\)", TEXT)
    assert sorted(shown) == sorted(one.name for one in SHOTS)
    kept = {one.stem for one in IMAGES.glob("report-*.png")}
    assert kept == set(shown)
    for picture in IMAGES.glob("*.png"):
        assert picture.stat().st_size <= LARGEST_PICTURE, picture


@pytest.mark.integration
@pytest.mark.skipif(
    find_chromium() is None, reason="no Chromium on PATH; on Debian: apt-get install chromium"
)
def test_the_pictures_can_be_taken(tmp_path: Path) -> None:
    (tmp_path / "evidence.json").write_text(json.dumps(evidence()))
    taken = take(tmp_path / "evidence.json", tmp_path / "images")
    assert [one.stem for one in taken] == [one.name for one in SHOTS]
    assert all(one.read_bytes().startswith(b"\x89PNG") for one in taken)
