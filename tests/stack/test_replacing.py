"""A file's content is replaced in one step."""

from __future__ import annotations

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


def test_a_text_that_can_not_be_written_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_text("before")
    (tmp_path / "state.draft").mkdir()
    with pytest.raises(OSError, match="draft"):
        replace_text(path, "after")
    assert path.read_text() == "before"
