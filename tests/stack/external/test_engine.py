"""An engine is asked before a drill relies on it, and what does not fit is one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from stack.clients.server import Server
from stack.external.engine import (
    PROMETHEUS,
    REMEMBERED_FILTERS,
    SAMPLE_LIMIT_SERIES,
    VICTORIAMETRICS,
    ExternalRefused,
    identify,
    inspect,
)
from stack.external.folder import Folder
from stack.external.model import External, place_of
from stack.ports import reserve
from tests.stack.external.doubles import engine, rules

VM = 'vm_app_version{version="", short_version=""} 1\n'
FLAG = 'flag{{name="{name}", value="{value}", is_set="true"}} 1\n'


def at(url: str, folder: Path | None = None, rules_url: str = "", token: str = "") -> External:
    server = Server(url=url, token=token)
    return External(
        prometheus=server,
        rules=Server(url=rules_url) if rules_url else server,
        alertmanager=server,
        folder=Folder(folder) if folder else None,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = Folder(tmp_path / "drills")
    made.make()
    return made.path


def refused(answers: Mapping[str, tuple[int, object]], folder: Path | None) -> str:
    with engine(answers) as server, pytest.raises(ExternalRefused) as caught:
        inspect(at(server.url, folder))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("exposition", "known"),
    [
        ('prometheus_build_info{version="3.5.3"} 1\n', (PROMETHEUS, "3.5.3")),
        (VM, (VICTORIAMETRICS, "")),
        ("thanos_build_info 1\n", None),
        ("", None),
    ],
)
def test_an_engine_is_known_by_what_it_exports_of_itself(exposition: str, known: object) -> None:
    assert identify(exposition) == known


def test_victoriametrics_hides_the_newest_and_lacks_a_series(folder: Path) -> None:
    with engine({"/metrics": (200, VM)}) as server:
        found = inspect(at(server.url, folder))
    assert found.visible_after == VICTORIAMETRICS.visible_after > timedelta(0)
    assert SAMPLE_LIMIT_SERIES in found.lacks


def test_what_was_asked_for_is_believed_before_what_an_engine_is_known_for(folder: Path) -> None:
    with engine({"/metrics": (200, VM)}) as server:
        asked = replace(at(server.url, folder), visible_after=timedelta(seconds=7))
        assert inspect(asked).visible_after == timedelta(seconds=7)


def test_an_engine_that_is_only_looked_at_is_asked_to_do_nothing() -> None:
    with engine() as server:
        inspect(at(server.url))
    assert server.posted == []


def test_nobody_at_the_address_is_one_line() -> None:
    with reserve() as nobody, pytest.raises(ExternalRefused) as caught:
        inspect(at(f"http://{nobody.address}"))
    assert str(caught.value).startswith("--prometheus-url: http://127.0.0.1")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"/api/v1/query": (404, "no such page")}, "--prometheus-url"),
        ({"/api/v1/query": (200, "<html>welcome</html>")}, "--prometheus-url"),
        ({"/api/v1/rules": (404, "no such page")}, "--rules-url"),
        ({"/api/v2/alerts": (404, "no such page")}, "--alertmanager-url"),
        ({"/api/v1/admin/tsdb/delete_series": (404, "")}, "--web.enable-admin-api"),
        (
            {"/metrics": (200, VM + FLAG.format(name="search.latencyOffset", value="30s"))},
            "-search.latencyOffset=0s",
        ),
        (
            {"/metrics": (200, VM + FLAG.format(name="rule.evalDelay", value="1m0s"))},
            "-rule.evalDelay=0s",
        ),
        (
            {"/metrics": (200, VM + FLAG.format(name=REMEMBERED_FILTERS, value="0"))},
            f"-{REMEMBERED_FILTERS}=1",
        ),
        ({"/api/v1/rules": rules("TheirOwn")}, "evaluates rules that are not in"),
    ],
)
def test_what_does_not_fit_is_told_with_what_to_change(
    folder: Path, answers: Mapping[str, tuple[int, object]], says: str
) -> None:
    assert says in refused(answers, folder)


def test_delays_that_are_off_are_no_reason_to_refuse(folder: Path) -> None:
    off = "".join(
        FLAG.format(name=name, value="0s") for name in ("search.latencyOffset", "rule.evalDelay")
    )
    off += FLAG.format(name=REMEMBERED_FILTERS, value="1")
    with engine({"/metrics": (200, VM + off)}) as server:
        inspect(at(server.url, folder))


def test_the_delay_of_what_evaluates_the_rules_is_looked_for_there(folder: Path) -> None:
    late = {"/metrics": (200, FLAG.format(name="rule.evalDelay", value="30s"))}
    with (
        engine() as storage,
        engine(late) as alerting,
        pytest.raises(ExternalRefused, match="evalDelay"),
    ):
        inspect(at(storage.url, folder, rules_url=alerting.url))


def test_each_server_of_an_engine_is_shown_its_own_token(folder: Path) -> None:
    with engine(token="of-the-storage") as storage, engine(token="of-the-rules") as alerting:
        asked = at(storage.url, folder, token="of-the-storage")
        inspect(replace(asked, rules=Server(url=alerting.url, token="of-the-rules")))
        with pytest.raises(ExternalRefused, match=f"no rules are told at {alerting.url}: .*401"):
            inspect(replace(asked, rules=Server(url=alerting.url, token="of-the-storage")))


@pytest.mark.parametrize("token", ["", "another"])
def test_an_engine_that_asks_for_a_token_is_refused_without_it_in_one_line(token: str) -> None:
    with engine(token="its-own") as server:
        inspect(at(server.url, token="its-own"))
        asked = at(server.url, token=token)
        with pytest.raises(ExternalRefused, match=r"--prometheus-url: .* 401") as unknown:
            inspect(asked)
        with engine() as open_, pytest.raises(ExternalRefused) as untold:
            inspect(replace(asked, prometheus=Server.at(open_.url), rules=Server.at(open_.url)))
    assert str(untold.value).startswith("--alertmanager-url: ")
    for told in (str(unknown.value), str(untold.value)):
        assert "a file gives its token" in told
        assert "\n" not in told
        assert not token or token not in told


def test_a_folder_that_was_not_made_for_drills_is_refused(tmp_path: Path) -> None:
    assert "was not made for drills" in refused({}, tmp_path)


def test_rules_that_an_earlier_run_left_are_no_reason_to_refuse(folder: Path) -> None:
    left = "groups: [{name: one, rules: [{alert: Left, expr: up == 0}]}]\n"
    Folder(folder).publish("alert-rules.yml", left)
    with engine({"/api/v1/rules": rules("Left")}) as server:
        inspect(at(server.url, folder))


@pytest.mark.parametrize(
    ("url", "address"),
    [("http://127.0.0.1:9090", "127.0.0.1:9090"), ("https://vm.example/select", "vm.example:443")],
)
def test_a_url_has_an_address(url: str, address: str) -> None:
    assert place_of(url).address == address


@pytest.mark.parametrize("url", ["127.0.0.1:9090", "ftp://x", "http://", "http://x:99999"])
def test_what_is_no_url_is_told(url: str) -> None:
    with pytest.raises(ValueError, match="is no address; it should be like"):
        place_of(url)
