"""What a run can have is known before it starts, with the reason, and tried only when asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scenarios import capabilities
from scenarios.capabilities import (
    CONTAINERS,
    ELASTICSEARCH,
    INJECTION,
    OF_THE_STACK,
    OWN_CLOCK,
    OWN_DISK,
    OWN_WATCHERS,
    POSTGRESQL,
    POSTGRESQL_URL,
    lacking,
    why_not,
)
from scenarios.catalogue import drills
from stack.tools import ToolSettings, ToolsUnavailable


def test_the_environment_gives_a_server_and_its_lack_is_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(capabilities, "_no_containers", lambda: "no container engine answers")
    assert lacking({POSTGRESQL}, {POSTGRESQL_URL: "postgresql+psycopg://x"}) == []
    assert lacking({POSTGRESQL}, {}) == [POSTGRESQL]
    assert POSTGRESQL_URL in why_not(POSTGRESQL, {})
    assert "no container engine answers" in why_not(POSTGRESQL, {})


def test_a_container_is_a_server_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "_no_containers", lambda: "")
    assert lacking({POSTGRESQL, CONTAINERS}, {}) == []


def test_containers_have_a_node_and_a_disk_whatever_this_machine_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(capabilities, "_no_disk", lambda: "no disk")
    monkeypatch.setattr(capabilities, "_not_found", lambda *_: "no Java")
    monkeypatch.setattr(capabilities, "_no_containers", lambda: "")
    needs = {ELASTICSEARCH, OWN_DISK}
    assert lacking(needs, {}) == sorted(needs)
    assert lacking(needs, {}, contained=True) == []
    monkeypatch.setattr(capabilities, "_no_containers", lambda: "no engine")
    assert lacking(needs, {}, contained=True) == sorted(needs)
    assert why_not(ELASTICSEARCH, {}, contained=True) == "no engine"


def test_an_engine_without_the_images_is_told_how_they_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stack.launch.containers.why_no_engine", lambda: "")
    monkeypatch.setattr(capabilities, "missing", lambda _engine, _names: ["postgres"])
    capabilities._no_containers.cache_clear()
    try:
        reason = why_not(CONTAINERS, {})
    finally:
        capabilities._no_containers.cache_clear()
    assert reason == "the engine has no image of postgres; make them: nox -s images"


def test_nothing_is_tried_that_nobody_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def tried(*_: object) -> str:
        raise AssertionError("the machine was tried")

    monkeypatch.setattr(capabilities, "_no_disk", tried)
    monkeypatch.setattr(capabilities, "_not_found", tried)
    assert lacking({POSTGRESQL}, {POSTGRESQL_URL: "x"}) == []
    with pytest.raises(AssertionError, match="tried"):
        lacking({OWN_DISK}, {})


def test_a_denied_namespace_is_told_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    denied = ("/bin/sh", "-c", "echo unshare: operation not permitted >&2; exit 1")
    monkeypatch.setattr(capabilities, "on_own_disk", lambda folder, size: denied)
    capabilities._no_disk.cache_clear()
    try:
        reason = why_not(OWN_DISK, {})
    finally:
        capabilities._no_disk.cache_clear()
    assert "operation not permitted" in reason
    assert "allow user namespaces" in reason


def test_what_is_fetched_to_find_out_is_told_and_found_out_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def find(_settings: ToolSettings, say: Callable[[str], None]) -> None:
        say("fetching")
        raise ToolsUnavailable("no archive answers")

    monkeypatch.setattr(capabilities, "_TRIED", {})
    said: list[str] = []
    assert capabilities._not_found("tool", find, said.append) == "no archive answers"
    assert capabilities._not_found("tool", find, said.append) == "no archive answers"
    assert said == ["fetching"]


def test_every_scenario_asks_for_what_its_service_needs() -> None:
    for drill in drills():
        assert bool(drill.service.disk) == (OWN_DISK in drill.requires), drill.id
        assert drill.service.own_clock == (OWN_CLOCK in drill.requires), drill.id
        assert drill.service.ships_logs == (ELASTICSEARCH in drill.requires), drill.id
        assert set(drill.requires) <= set(capabilities.known()), drill.id


def test_what_a_stack_lacks_is_told_by_whoever_knows_it_and_no_other_stack_lacks_it() -> None:
    assert lacking(OF_THE_STACK, {}) == []
    lacks = {OWN_WATCHERS: "they are somebody else's"}
    assert lacking({OWN_WATCHERS, INJECTION}, {}, stack=lacks) == [OWN_WATCHERS]
    assert why_not(OWN_WATCHERS, {}, stack=lacks) == "they are somebody else's"
