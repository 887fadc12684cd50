"""A file's content is replaced in one step."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stack.replacing import replace_text


def test_a_file_holds_the_new_text_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "alert-rules.yml"
    path.write_text("before")
    replace_text(path, "après\n")
    assert path.read_bytes() == "après\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_whoever_has_the_old_file_open_reads_it_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_text("before")
    with path.open() as reader:
        replace_text(path, "after")
        assert reader.read() == "before"


def test_a_file_that_can_not_be_replaced_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        replace_text(path, "after")
    assert list(tmp_path.iterdir()) == [path]


def test_a_text_that_can_not_be_written_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_text("before")
    with pytest.raises(UnicodeEncodeError):
        replace_text(path, "\ud800")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_several_who_replace_the_same_file_all_succeed(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    texts = [str(number) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(len(texts)) as pool:
        list(pool.map(lambda text: replace_text(path, text), texts * 4))
    assert path.read_text() in texts
    assert list(tmp_path.iterdir()) == [path]
