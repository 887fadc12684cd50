"""A watcher that has ended has said why, before anybody is told that it has."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from stack.launch.composed.watcher import Watcher


class Made:
    """What the engine's client has of a container: its last words come when they are let go."""

    def __init__(self) -> None:
        self.attrs = {"State": {"Pid": 7}}
        self.may_end = threading.Event()

    def reload(self) -> None:
        """Nothing has changed."""

    def logs(self, *, stream: bool, follow: bool) -> Iterator[bytes]:
        assert stream
        assert follow
        yield b"starting\n"
        self.may_end.wait(60)
        yield b"bad flag\n"


def test_its_last_words_are_in_its_log_once_it_is_said_to_have_ended(tmp_path: Path) -> None:
    made, log = Made(), tmp_path / "prometheus.log"
    watcher = Watcher(
        "prometheus", cast("Any", made), cast("Any", None), log=log, prepare=lambda: None
    )
    assert watcher.poll() is None
    threading.Timer(0.05, made.may_end.set).start()
    watcher.told_ended(2)
    assert watcher.poll() == 2
    assert log.read_text() == "starting\nbad flag\n"
