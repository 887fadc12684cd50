"""What the engine and compose say is typed, and what they can't have meant is refused."""

from __future__ import annotations

import pytest

from stack.compose.containers import Container, read_containers, trouble
from stack.compose.failure import StackFailure
from stack.compose.project import read_project, without


def one(state: str, health: str = "", exit_code: int = 0) -> Container:
    return Container(
        service="a", state=state, health=health, exit_code=exit_code, ports=frozenset()
    )


@pytest.mark.parametrize(
    ("container", "wrong"),
    [
        (one("running", "healthy"), None),
        (one("running"), None),
        (one("exited"), None),
        (one("exited", exit_code=1), "ended with status 1"),
        (one("running", "starting"), "is starting"),
        (one("running", "unhealthy"), "is unhealthy"),
        (one("restarting"), "is restarting"),
        (one("created"), "is created"),
    ],
)
def test_trouble_is_whatever_is_not_well(container: Container, wrong: str | None) -> None:
    assert trouble(container, ends=True) == wrong


def test_what_should_stay_is_in_trouble_however_well_it_ended() -> None:
    assert "is not started again" in str(trouble(one("exited"), ends=False))
    assert trouble(one("running", "healthy"), ends=False) is None


def test_both_forms_of_compose_are_read() -> None:
    lines = '{"Service": "b", "State": "running"}\n{"Service": "a", "State": "exited"}\n'
    listed = '[{"Service": "b", "State": "running"}, {"Service": "a", "State": "exited"}]'
    assert read_containers(lines) == read_containers(listed)
    assert [container.service for container in read_containers(lines)] == ["a", "b"]
    assert read_containers("") == []


@pytest.mark.parametrize("text", ['{"Name": "x"}', "not JSON", "[1]"])
def test_an_answer_that_is_unknown_is_one_line_with_the_next_command(text: str) -> None:
    with pytest.raises(StackFailure, match="nox -s stack -- status"):
        read_containers(text)


@pytest.mark.parametrize("raw", [{}, {"services": {"a": {"ports": [{"target": "x"}]}}}, None])
def test_a_project_that_is_unknown_is_one_line_with_the_next_command(raw: object) -> None:
    with pytest.raises(StackFailure, match="nox -s stack -- config"):
        read_project(raw)


def test_leaving_out_what_all_need_leaves_nothing_and_is_refused() -> None:
    services = {"prepare": {}, "a": {"depends_on": {"prepare": {}}}}
    with pytest.raises(StackFailure, match="--without prepare leaves nothing"):
        without(read_project({"services": services}), ["prepare"])


def test_only_what_is_never_started_again_may_end() -> None:
    services = {"prepare": {"restart": "no"}, "a": {"restart": "unless-stopped"}}
    project = read_project({"services": services})
    assert project.ends("prepare")
    assert not project.ends("a")
    assert not project.ends("removed from the file since")


def test_what_is_built_here_is_pulled_for_nobody() -> None:
    services = {
        "prepare": {"image": "ours", "build": {}},
        "softfactory": {"image": "ours"},
        "grafana": {"image": "theirs"},
    }
    assert read_project({"services": services}).pulled == {"grafana": "theirs"}
