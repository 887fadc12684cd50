"""The channels' secrets are those that the routing names: there, real, and for few to read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scenarios.deployment.secrets_set import (
    SecretFile,
    judge_modes,
    judge_secrets,
    read_secret,
    secret_files,
    wanted_secrets,
)
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import DeploymentTarget
from scenarios.verdict import Status
from stack.compose.credentials import CREDENTIALS
from stack.production import production_files
from tests.scenarios.deployment.house import real_secrets, visit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    real_secrets(tmp_path / "secrets")
    return tmp_path / "secrets"


def looked_at(folder: Path) -> tuple[SecretFile, ...]:
    return secret_files(visit(DeploymentTarget(secrets_directory=folder)))


def test_the_names_come_from_the_routing_file_and_are_those_of_the_channels() -> None:
    text = production_files().alertmanager.read_text(encoding="utf-8")
    wanted = wanted_secrets(text, "alertmanager-config.yml")
    assert wanted.keys() == {one.name for one in CREDENTIALS if one.kind == "channel"}
    assert wanted["pagerduty_routing_key"] == "pagerduty key"
    assert wanted["slack_alerts_url"] == "slack webhook"
    assert wanted["discord_ops_url"] == "discord webhook"
    assert wanted["webhook_ticket_url"] == "webhook"
    assert wanted["smtp_password"] == "password"


def test_real_ones_for_few_pass(folder: Path) -> None:
    seen = looked_at(folder)
    assert judge_secrets(seen, folder).status is Status.PASS
    assert judge_modes(seen, folder).status is Status.PASS


def write(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (write("smtp_password", "changeme"), "smtp_password is an example"),
        (write("pagerduty_routing_key", ""), "pagerduty_routing_key is empty"),
        (lambda folder: (folder / "discord_ops_url").unlink(), "discord_ops_url is missing"),
        (
            lambda folder: (folder / "slack_alerts_url").write_text(
                (folder / "slack_incidents_url").read_text()
            ),
            "slack_incidents_url and slack_alerts_url hold the same",
        ),
    ],
)
def test_one_that_cannot_be_real_fails_by_its_name(
    folder: Path, spoil: Callable[[Path], object], says: str
) -> None:
    spoil(folder)
    found = judge_secrets(looked_at(folder), folder)
    assert found.status is Status.FAIL
    assert says in found.observed


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660])
def test_one_that_others_read_or_its_group_writes_fails(folder: Path, mode: int) -> None:
    (folder / "smtp_password").chmod(mode)
    seen = looked_at(folder)
    found = judge_modes(seen, folder)
    assert found.status is Status.FAIL
    assert f"smtp_password has mode {mode:o}" in found.observed
    assert judge_secrets(seen, folder).status is Status.PASS


def test_one_that_its_group_reads_passes(folder: Path) -> None:
    (folder / "smtp_password").chmod(0o640)
    assert judge_modes(looked_at(folder), folder).status is Status.PASS


def test_one_that_cannot_be_read_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "smtp_password").mkdir()
    seen = (read_secret(tmp_path / "smtp_password", "password"),)
    assert judge_secrets(seen, tmp_path).status is Status.UNKNOWN
    assert judge_modes(seen, tmp_path).status is Status.UNKNOWN


def test_none_named_and_none_seen_are_no_pass(tmp_path: Path) -> None:
    assert judge_secrets((), tmp_path).status is Status.UNKNOWN
    assert judge_secrets(Missing(why="no"), tmp_path).status is Status.UNKNOWN
    assert judge_modes(Missing(why="no"), tmp_path).status is Status.UNKNOWN


def test_nothing_of_a_secret_is_told(folder: Path) -> None:
    told = repr([(one.name, one.state, one.mode, one.problem) for one in looked_at(folder)])
    told += str(judge_secrets(looked_at(folder), folder))
    for file in folder.iterdir():
        assert file.read_text().strip() not in told
