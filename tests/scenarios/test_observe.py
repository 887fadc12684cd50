"""What an engine hides for longer than it is known to is noted for every drill that goes on."""

from __future__ import annotations

import signal
import time
from datetime import timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from scenarios import observe as module
from scenarios.history import Kind, Recorder
from scenarios.observe import Observer
from scenarios.watchers import Watchers
from stack.clients.prometheus import PrometheusError, RulesSnapshot, Sample


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


@pytest.mark.parametrize("seen_to", [True, False], ids=["the drill's doing", "nobody's doing"])
def test_an_answer_that_fails_only_after_a_watcher_is_back_is_what_the_drill_is_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, seen_to: bool
) -> None:
    monkeypatch.setattr(module, "LOST_SECONDS", 0.0)
    watchers = Watchers(cast(Any, Stack()), cast(Any, None), cast(Any, None), prefix="")
    looks = count()

    def rules() -> RulesSnapshot:
        if next(looks) == 0:
            if seen_to:  # the watcher is killed and comes back while it is asked
                with watchers.without("prometheus", signal.SIGKILL):
                    pass
            raise PrometheusError("no answer")
        observer._stopped.set()
        return RulesSnapshot(rules=())

    recorder = Recorder("a", tmp_path / "a.jsonl")
    observer = Observer(
        recorders={"a": recorder},
        strangers=Recorder("strangers", tmp_path / "strangers.jsonl"),
        prometheus=cast(
            Any,
            SimpleNamespace(rules=rules, active_alerts=lambda: (), query_raw=lambda _: ()),
        ),
        alertmanager=cast(
            Any, SimpleNamespace(notification_counters=lambda: SimpleNamespace(failures=()))
        ),
        evaluation=timedelta(seconds=0.25),
        alive=lambda: None,
        down_on_purpose_since=watchers.down_on_purpose_since,
    )
    observer._watch()
    assert bool(observer.lost) is not seen_to


class Stack:
    """A stack of which nothing runs."""

    def process(self, _name: str) -> Any:
        return SimpleNamespace(send_signal=lambda _: None, wait=lambda _: 0)

    def start(self, _name: str) -> None:
        pass

    def wait_ready(self, _seconds: float) -> None:
        pass
