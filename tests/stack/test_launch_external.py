"""An external stack is given files and asked to read them; it is never started or ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from stack.clients.prometheus import PrometheusClient
from stack.clients.server import Server as Asked
from stack.external import commands
from stack.external.folder import IDLE, Folder
from stack.external.model import External, place_of
from stack.launch import LaunchError, Setup
from stack.launch.external import ExternalStack
from stack.launch.local import Local
from stack.processes import Processes
from stack.waiting import NotYet
from tests.stack.external.doubles import Server, engine, rules

RULES = "groups: [{name: one, rules: [{alert: Slow, expr: up == 0}]}]\n"
DERIVED = commands.scaled(60)


def setup_at(url: str, directory: Path) -> Setup:
    place = place_of(url)
    return Setup(
        prometheus_yaml="",
        rules_yaml="",
        alertmanager_yaml="",
        directory=directory,
        prometheus_place=place,
        alertmanager_place=place,
    )


@contextmanager
def stack_at(
    tmp_path: Path, answers: Mapping[str, tuple[int, object]] | None = None, token: str = ""
) -> Iterator[tuple[ExternalStack, Server, Folder]]:
    folder = Folder(tmp_path / "drills")
    folder.make()
    with engine(answers, token=token) as server, Processes() as processes:
        asked = replace(Asked.at(server.url), token=token)
        external = External(
            prometheus=asked,
            rules=asked,
            alertmanager=asked,
            folder=folder,
        )
        ours = replace(
            setup_at(server.url, tmp_path / "run"),
            prometheus_yaml="scrape_configs: [ours]\n",
            rules_yaml="groups: []\n",
            alertmanager_yaml="route: ours\n",
        )
        yield ExternalStack(external, Local(processes), ours), server, folder


def test_files_are_given_and_each_server_is_asked_to_read_them_again(tmp_path: Path) -> None:
    with stack_at(tmp_path) as (stack, server, folder), stack:
        stack.start_both()
        assert folder.read("prometheus.yml") == "scrape_configs: [ours]\n"
        assert folder.read("alertmanager.yml") == "route: ours\n"
        stack.load_rules(RULES)
        assert folder.read("alert-rules.yml") == RULES
        assert server.posted == ["/-/reload"] * 3


def test_each_request_to_a_guarded_engine_carries_its_token(tmp_path: Path) -> None:
    status = {
        "versionInfo": {"version": "0.33.1", "revision": "", "goVersion": ""},
        "cluster": {"status": "disabled"},
        "config": {"original": str(tmp_path / "run")},
    }
    answers = {"/api/v2/status": (200, status), "/api/v2/silences": (200, [])}
    with stack_at(tmp_path, answers, token="its-own") as (stack, _, _), stack:
        stack.begin_clean(["slow"])
        stack.start_both()
        stack.load_rules(RULES)
        stack.wait_ready(5.0)
        at = stack.endpoints
        assert at.rules is not None
        assert PrometheusClient(at.prometheus, rules=at.rules).rules().rules == ()
        assert "its-own" not in repr((stack.external, at))


def test_nothing_of_a_run_is_left_when_it_ends(tmp_path: Path) -> None:
    with stack_at(tmp_path) as (stack, server, folder):
        with stack:
            stack.start_prometheus()
            stack.load_rules(RULES)
            server.posted.clear()
        assert {name: folder.read(name) for name in IDLE} == IDLE
        assert server.posted


def test_an_engine_that_does_not_take_the_end_of_a_run_fails_it(tmp_path: Path) -> None:
    with stack_at(tmp_path, {"/-/reload": (500, "no")}) as (stack, _, folder):
        with pytest.raises(LaunchError, match="still drills with what is gone"), stack:
            folder.publish("alert-rules.yml", RULES)
        assert folder.read("alert-rules.yml") == IDLE["alert-rules.yml"]
        with Folder(folder.path).held():
            pass


def test_a_file_that_can_not_be_put_back_keeps_no_other_from_it(tmp_path: Path) -> None:
    first, *others = IDLE
    with stack_at(tmp_path) as (stack, server, folder):
        stack.__enter__()
        stack.start_both()
        stack.load_rules(RULES)
        server.posted.clear()
        (folder.path / first).unlink()
        (folder.path / first).mkdir()  # as good as a full disk
        with pytest.raises(LaunchError, match="still drills with what is gone"):
            stack.stop()
        assert {name: folder.read(name) for name in others} == {one: IDLE[one] for one in others}
        assert server.posted


def test_a_folder_that_another_run_holds_is_refused(tmp_path: Path) -> None:
    with (
        stack_at(tmp_path) as (stack, _, folder),
        Folder(folder.path).held(),
        pytest.raises(LaunchError, match="another run drills"),
        stack,
    ):
        pass


def test_a_run_that_can_not_write_its_own_files_does_not_keep_the_folder(tmp_path: Path) -> None:
    (tmp_path / "run").touch()  # a file, where its folder should be
    with stack_at(tmp_path) as (stack, _, folder):
        with pytest.raises(OSError, match="run"), stack:
            pass
        with Folder(folder.path).held():
            pass


def test_a_server_that_refuses_to_read_again_is_told_with_its_own_words(tmp_path: Path) -> None:
    refusing = {"/-/reload": (500, "couldn't load configuration: line 3")}
    with stack_at(tmp_path, refusing) as (stack, server, _):
        with pytest.raises(LaunchError, match="answered 500: couldn't load configuration"):
            stack.load_rules(RULES)
        assert server.posted == ["/-/reload"]


def test_a_prometheus_that_may_not_be_reloaded_is_told_its_flag(tmp_path: Path) -> None:
    with (
        stack_at(tmp_path, {"/-/reload": (403, "Lifecycle API is not enabled.")}) as (stack, _, _),
        pytest.raises(LaunchError, match=r"--web\.enable-lifecycle"),
    ):
        stack.load_rules(RULES)


def test_an_alertmanager_with_other_routes_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stack.launch.external.RELOAD_SECONDS", 0.2)
    status = {
        "versionInfo": {"version": "0.33.1", "revision": "", "goVersion": ""},
        "cluster": {"status": "disabled"},
        "config": {"original": "route: {receiver: theirs}"},
    }
    with (
        stack_at(tmp_path, {"/api/v2/status": (200, status)}) as (stack, _, _),
        pytest.raises(LaunchError, match="runs with other routes"),
    ):
        stack.wait_ready(5.0)


def test_one_that_does_not_get_ready_is_told_by_name(tmp_path: Path) -> None:
    with (
        stack_at(tmp_path, {"/-/ready": (503, "starting")}) as (stack, server, _),
        pytest.raises(LaunchError) as late,
    ):
        stack.wait_ready(0.2)
    assert f"{server.url}/-/ready" in str(late.value)
    assert "status 503" in str(late.value)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (rules("Theirs"), "does not evaluate the rules in"),
        (rules("Slow", every=60), "evaluates every 60 s, and at time scale 60 it must every 250ms"),
    ],
)
def test_other_rules_or_rare_evaluations_are_not_the_ones_that_were_loaded(
    tmp_path: Path, answer: tuple[int, object], says: str
) -> None:
    with stack_at(tmp_path, {"/api/v1/rules": answer}) as (stack, server, _):
        stack.load_rules(RULES)
        found = PrometheusClient(server.url).rules()
        with pytest.raises(NotYet, match=says):
            stack.check_loaded(found, DERIVED)


def test_rules_that_were_loaded_are_recognised(tmp_path: Path) -> None:
    with stack_at(tmp_path, {"/api/v1/rules": rules("Slow")}) as (stack, server, _):
        stack.load_rules(RULES)
        stack.check_loaded(PrometheusClient(server.url).rules(), DERIVED)


def test_a_part_of_an_external_stack_can_not_be_killed(tmp_path: Path) -> None:
    with stack_at(tmp_path) as (stack, _, _):
        assert stack.process("prometheus").poll() is None
        with pytest.raises(LaunchError, match="not this run's"):
            stack.process("prometheus").send_signal(9)
        with pytest.raises(LaunchError, match="no process of this run"):
            _ = stack.process("prometheus").pid


def test_without_a_folder_nothing_can_be_drilled(tmp_path: Path) -> None:
    with stack_at(tmp_path) as (stack, _, _):
        only_looked_at = replace(stack.external, folder=None)
        setup = setup_at(only_looked_at.prometheus.url, tmp_path)
        with pytest.raises(LaunchError, match="--external-folder"):
            ExternalStack(only_looked_at, Local(Processes()), setup)


def test_a_drill_that_is_repeated_puts_back_what_the_first_stack_had(tmp_path: Path) -> None:
    with stack_at(tmp_path) as (first, _, folder), first:
        first.start_prometheus()
        setup = setup_at(first.external.prometheus.url, tmp_path / "again")
        setup = replace(setup, prometheus_yaml="again\n")
        with ExternalStack(first.external, Local(Processes()), setup) as again:
            again.start_prometheus()
            assert folder.read("prometheus.yml") == "again\n"
        assert folder.read("prometheus.yml") == "scrape_configs: [ours]\n"


def test_what_an_earlier_run_left_of_these_services_is_forgotten_and_heard_again(
    tmp_path: Path,
) -> None:
    matcher = {"name": "service", "isRegex": False, "isEqual": True}
    silences = [
        {
            "id": name,
            "createdBy": creator,
            "status": {"state": "active"},
            "matchers": [{**matcher, "value": service}],
        }
        for name, creator, service in (
            ("ours", "alertproof", "slow"),
            ("of-another-service", "alertproof", "shop"),
            ("of-a-person", "kim", "slow"),
        )
    ]
    answers = {"/api/v2/silences": (200, silences), "/api/v2/silence/ours": (200, "")}
    with stack_at(tmp_path, answers) as (stack, server, _):
        stack.begin_clean(["slow", "control"])
    assert server.posted == ["/api/v1/admin/tsdb/delete_series"]
    assert server.deleted == ["/api/v2/silence/ours"]
