"""A run leaves nothing, finds nothing of a killed one, and is alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stack.images.failure import ImagesFailure
from stack.images.recipe import Content
from stack.images.workplace import open_to_all, workplace, write_context


def test_what_a_killed_run_left_is_removed_before_anything_is_made(tmp_path: Path) -> None:
    left = tmp_path / "images" / "run-killed" / "postgres-1"
    left.mkdir(parents=True)
    (left / "half.deb").write_bytes(b"")
    with workplace(tmp_path):
        assert not left.parent.exists()


def test_folders_are_gone_after_a_failure_and_logs_stay(tmp_path: Path) -> None:
    def ended() -> None:
        with workplace(tmp_path) as place, place.folder("base") as made:
            (made / "file").write_text("")
            place.log("base").write_text("why")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ended()
    assert {path.name for path in (tmp_path / "images").iterdir()} == {".lock", "base.log"}


def test_a_second_run_at_the_same_time_is_refused_and_disturbs_nothing(tmp_path: Path) -> None:
    with workplace(tmp_path) as place, place.folder("base") as made:
        with (
            pytest.raises(ImagesFailure, match="another run makes images; wait"),
            workplace(tmp_path),
        ):
            pass
        assert made.is_dir()


def test_a_cache_that_can_not_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "images").write_text("")
    with (
        pytest.raises(ImagesFailure, match=r"the cache cannot be written: .*look: ls -ld"),
        workplace(tmp_path),
    ):
        pass


def test_files_are_for_every_user_of_the_image_whatever_the_umask_here(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        files = {"a/run": Content(data=b"", executable=True), "a/read": Content(data=b"")}
        write_context(tmp_path, files)
        (tmp_path / "fetched").mkdir()
        (tmp_path / "fetched" / "jar").write_bytes(b"")
        (tmp_path / "link").symlink_to("nowhere")
        open_to_all(tmp_path)
    finally:
        os.umask(before)
    modes = {
        str(path.relative_to(tmp_path)): oct(path.stat().st_mode & 0o777)
        for path in tmp_path.rglob("*")
        if not path.is_symlink()
    }
    readable, executable = "0o644", "0o755"
    assert modes == {
        "a": executable,
        "a/run": executable,
        "a/read": readable,
        "fetched": executable,
        "fetched/jar": readable,
    }
