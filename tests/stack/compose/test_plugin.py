"""Docker's own Compose comes first; else one is fetched, once, and runs from the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.compose import plugin
from stack.compose.failure import StackFailure
from stack.compose.plugin import find_compose
from stack.tools.cache import write_manifest
from stack.tools.fetching import FetchFailed, Report
from stack.tools.settings import ToolSettings

COMPOSE = "#!/bin/sh\necho {version}\n"


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ToolSettings:
    """Give a docker without Compose, and an empty cache."""
    program(tmp_path / "docker", "#!/bin/sh\necho unknown command: docker compose >&2\nexit 1\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(plugin, "obstacle", lambda: None)
    return ToolSettings(search_path=str(tmp_path), cache_directory=tmp_path / "cache")


def deliver(version: str, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    fetched: list[Path] = []

    def fetch(directory: Path, report: Report) -> None:
        fetched.append(directory)
        program(directory / "docker-compose", COMPOSE.format(version=version))
        source = {"docker-compose": ("docker-compose", "a test")}
        write_manifest(directory, origin="cache", programs=source)

    monkeypatch.setattr(plugin, "_fetch", fetch)
    return fetched


def test_dockers_own_comes_first(
    settings: ToolSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = deliver("2.40.3", monkeypatch)
    program(tmp_path / "docker", COMPOSE.format(version="v2.20.0"))
    assert find_compose(settings, print) == ("docker", "compose")
    assert not fetched


def test_where_docker_has_none_it_is_fetched_once(
    settings: ToolSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = deliver("2.40.3-3", monkeypatch)
    (command,) = find_compose(settings, print)
    assert Path(command).is_relative_to(settings.cache_directory)
    assert find_compose(settings, print) == (command,)
    assert len(fetched) == 1


def test_one_that_is_too_old_is_replaced_as_well(
    settings: ToolSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "docker", COMPOSE.format(version="2.19.1"))
    assert len(deliver("2.40.3-3", monkeypatch)) == 0
    assert find_compose(settings, print)[0].endswith("docker-compose")


def test_where_none_can_be_fetched_one_line_says_why_and_what_to_do(
    settings: ToolSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(directory: Path, report: Report) -> None:
        raise FetchFailed("apt-get failed: no route to host")

    monkeypatch.setattr(plugin, "_fetch", fetch)
    with pytest.raises(StackFailure) as raised:
        find_compose(settings, print)
    said = str(raised.value)
    assert said.startswith("docker has no Compose, and none can be fetched (apt-get failed: no rou")
    assert "https://docs.docker.com/compose/install" in said
    assert "\n" not in said


def test_one_that_was_fetched_and_does_not_run_is_told(
    settings: ToolSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver("nonsense", monkeypatch)
    with pytest.raises(StackFailure, match="docker-compose: docker has no Compose"):
        find_compose(settings, print)
