"""What an engine hides for longer than it is known to is noted for every drill that goes on."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from scenarios.history import Kind, Recorder
from scenarios.observe import Observer
from stack.clients.prometheus import Sample


def noted(folder: Path, *, age: float, within: timedelta | None) -> list[str]:
    newest = Sample(labels={}, value=time.time() - age, at=time.time())
    recorder = Recorder("a", folder / "a.jsonl")
    observer = Observer(
        recorders={"a": recorder},
        strangers=Recorder("strangers", folder / "strangers.jsonl"),
        prometheus=cast(Any, SimpleNamespace(query=lambda _: [newest])),
        alertmanager=cast(Any, None),
        evaluation=timedelta(seconds=0.25),
        alive=lambda: None,
        seen_within=within,
    )
    observer._look_at_age()
    return [one.text for one in recorder.close().all(Kind.HIDDEN)]


@pytest.mark.parametrize(
    ("age", "within", "told"),
    [
        (9.1, timedelta(seconds=5), 1),
        (3.0, timedelta(seconds=5), 0),
        (9.1, None, 0),
    ],
    ids=["too old", "as known", "an engine that hides nothing is not asked"],
)
def test_samples_that_are_seen_too_late_are_noted(
    tmp_path: Path, age: float, within: timedelta | None, told: int
) -> None:
    texts = noted(tmp_path, age=age, within=within)
    assert len(texts) == told
    assert all("was seen after 9.1 s, and is due after 5" in text for text in texts)
